"""Tests of edge_runtime.record."""
