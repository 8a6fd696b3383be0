"""Tests of hil."""
