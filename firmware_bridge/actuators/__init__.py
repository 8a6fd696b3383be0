"""Actuators behind one protocol: our governor, and third-party drives led by a governor on the host."""
