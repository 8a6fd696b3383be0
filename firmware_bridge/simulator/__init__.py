"""The governor as a process with a simulated wearer's knees, for benches and tests."""
