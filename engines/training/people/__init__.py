"""Synthetic people with exact joint angles: bodies, motion, camera, rendering. Needs the extra `train`."""
