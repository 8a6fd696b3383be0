"""Accuracy of the whole ground-reaction chain on measured gait: network, physics, events, occlusion, noise."""
