"""Faults as data, the runs that suffer them, and what must come of them."""
