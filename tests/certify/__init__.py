"""Tests of the certified engines."""
