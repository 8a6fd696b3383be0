"""Kinds of bus behind `firmware_bridge.bus.open_bus`: what they share, and one module per kind."""
