"""Emulated drives: they behave as the drives' documents say, with their watchdogs, ranges, states and error codes."""
