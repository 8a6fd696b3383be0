"""Engines as a device runs them: opened and watched, certified, chosen where all of them work, and trusted or not."""
