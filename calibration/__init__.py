"""Profiles: what is known about one wearer and one device fit."""
