"""Committed, seeded training scripts of the engines in the zoo."""
