"""Live cameras."""
