"""Tests of edge_runtime.report."""
