"""A person's musculoskeletal model compiled from an OpenSim file: evaluated without OpenSim, in microseconds."""
