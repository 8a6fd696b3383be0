"""Golden inputs and outputs: real inputs, what the original network made of them, and how far another is from it."""

from engines.golden.parity import Parity, check
from engines.golden.store import Golden, load_golden

__all__ = ["Golden", "Parity", "check", "load_golden"]
