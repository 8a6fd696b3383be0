"""Tests of exo-edge, laid out like the packages."""
