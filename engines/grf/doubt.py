"""Whether motion is walking or running, and how unlike all that was trained: from the network's answers over time."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from engines.grf.features import BASE, F64, Mask
from engines.grf.weights import Limits

BLOCKS: Final = (("tilt", "thigh_r", "shank_r", "foot_r"), ("thigh_r", "shank_r", "thigh_l", "shank_l"))
"""Channels whose course over the window is judged together, as one foot sees them: its leg, and both legs."""

BLOCK_ROWS: Final = tuple([BASE.index(name) for name in block] for block in BLOCKS)
SETTLE_S: Final = 0.15
"""Time constant with which novelty and disagreement are smoothed before they are judged."""

GAIT_S: Final = 0.8
"""Time constant of what tells walking from running: about a stride."""

FAR: Final = 1.05
"""From so many times a limit on nothing is taken from the network. Up to a limit people it has not seen show it to be
better than what the motion alone tells; trained without running, it is far worse as soon as it is past one."""

_FAINT: Final = 0.01  # share of flight or double support below which neither gait is told


class Gait:
    """Running has flight, walking and standing have both feet down: the share of the one in both, fading in time."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the motion."""
        self._flight = self._double = _FAINT
        self._last_ns = -1

    def step(self, t_ns: int, contact: npt.NDArray[np.floating]) -> float:
        """How much this is running, 0..1, from the `contact` probabilities [2] at `t_ns`."""
        share = 0.0 if self._last_ns < 0 else 1.0 - float(np.exp(-(t_ns - self._last_ns) * 1e-9 / GAIT_S))
        self._last_ns = t_ns
        right, left = float(contact[0]), float(contact[1])
        self._flight += share * ((1.0 - right) * (1.0 - left) - self._flight)
        self._double += share * (right * left - self._double)
        return (self._flight + _FAINT) / (self._flight + self._double + 2.0 * _FAINT)


class Doubt:
    """Novelty [2] by block and disagreement (BW), smoothed, and what is unexplained, measured against their limits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._tops = np.array(limits.novelty)
        self.novelty: F64 = np.zeros(len(BLOCKS))
        self.disagreement_bw = 0.0
        self.reset()

    def reset(self) -> None:
        """Forget the motion."""
        self._last_ns = -1
        self.novelty[:] = 0.0
        self.disagreement_bw = 0.0

    def step(self, t_ns: int, novelty: F64, known: Mask, disagreement_bw: float, unexplained: float) -> float:
        """How near to a limit, 1 at it. `novelty`, `known` [2 feet, blocks]: what is not known keeps its last value.
        `unexplained` is taken as it is: `Timing` has averaged it."""
        share = 1.0 if self._last_ns < 0 else 1.0 - float(np.exp(-(t_ns - self._last_ns) * 1e-9 / SETTLE_S))
        self._last_ns = t_ns
        now = np.where(known, novelty, 0.0).max(axis=0)
        self.novelty += share * np.where(known.any(axis=0), now - self.novelty, 0.0)
        self.disagreement_bw += share * (disagreement_bw - self.disagreement_bw)
        ratio = float((self.novelty / self._tops).max())
        apart = self.disagreement_bw / self._limits.disagreement_bw
        return max(ratio, apart, unexplained / self._limits.unexplained)

    def level(self, strange: float) -> float:
        """Doubt 0..1: none for what is usual, all at a limit."""
        return min(1.0, max(0.0, (strange - self._limits.usual) / (1.0 - self._limits.usual)))

    @staticmethod
    def lost(strange: float) -> float:
        """How little the network's answer is worth 0..1: all up to a limit, nothing from `FAR` times that."""
        return min(1.0, max(0.0, (strange - 1.0) / (FAR - 1.0)))


def blocks_known(observed: Mask) -> Mask:
    """Which blocks [..., blocks] are observed throughout a window [..., BASE, T] as a foot sees it."""
    return np.stack([observed[..., rows, :].all(axis=(-2, -1)) for rows in BLOCK_ROWS], axis=-1)
