"""Fills the joints of a leg that the camera lost, conditioned on what it still sees."""

from engines.inpaint.engine import AHEAD_S, Fill, Inpainter

__all__ = ["AHEAD_S", "Fill", "Inpainter"]
