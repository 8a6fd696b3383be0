"""Real-time primitives and the torque loop, compiled with numba."""
