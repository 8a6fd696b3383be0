"""Tests of the loop's benchmark."""
