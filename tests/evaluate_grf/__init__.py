"""Evaluation of the ground-reaction chain."""
