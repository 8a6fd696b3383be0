"""Accuracy of the vision path, camera frames to joint angles, against trials with known angles."""
