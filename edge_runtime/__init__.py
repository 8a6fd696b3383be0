"""exo-edge: an edge runtime for lower-limb exoskeleton controllers."""

__version__ = "0.1.0"
