"""Rigs: what a scenario runs on."""
