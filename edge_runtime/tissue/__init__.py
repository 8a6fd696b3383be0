"""Soft tissue between device and skeleton: reduced model and its inverse."""
