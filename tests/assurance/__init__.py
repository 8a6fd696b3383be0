"""Proof that the safety code is right: an independent reference, fuzzing, mutation testing, coverage."""
