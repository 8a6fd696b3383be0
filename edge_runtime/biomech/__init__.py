"""Biomechanics: kinematics filter, inverse dynamics, muscle solve, knee contact."""
