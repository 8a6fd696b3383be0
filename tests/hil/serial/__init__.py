"""Tests of the serial rig."""
