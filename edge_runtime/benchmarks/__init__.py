"""Measures the torque loop against its peers, and what becomes of torque when processes die."""
