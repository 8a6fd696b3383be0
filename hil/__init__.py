"""Hardware-in-the-loop bench: measures and verdicts on recorded runs."""
