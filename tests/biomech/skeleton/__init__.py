"""Tests of compiled models."""
