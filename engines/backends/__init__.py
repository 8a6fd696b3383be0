"""Backends that run a network: one small protocol, one module per library."""
