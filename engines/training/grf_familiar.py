"""What windows of gait look like: a centre and a spread per kind of motion, of each leg and of both legs together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engines.grf.doubt import BLOCK_ROWS
from engines.grf.features import BASE, FEATURES, RECENT
from engines.grf.trials import Trial
from engines.training.grf_batches import Sampler
from engines.training.grf_data import KINDS
from engines.training.grf_standing import standing_trials

F32 = npt.NDArray[np.float32]
_EVERY: Final = 4  # samples: 40 ms
_BATCHES: Final = 120
_APART: Final = 25  # samples between the windows taken from one sequence
_LENGTH: Final = 160
_FLOOR: Final = 0.15
"""Standard deviation added to every value, in feature units (0.2 to 0.5 rad): 2 to 4 degrees, how people differ."""


@dataclass(frozen=True)
class Familiar:
    """Centre [blocks, kinds, D] and whitening [blocks, kinds, D, D] of the windows of each kind seen in training.

    The length of a whitened window is about 1 in training.
    """

    centre: F32
    whiten: F32


def blocks(window: Tensor) -> list[Tensor]:
    """Each block of channels [B, D] in a window [B, 63, FEATURES]: every fourth sample, the newest among them."""
    newest = (window.shape[1] - 1) % _EVERY
    return [window[:, newest::_EVERY, rows].flatten(1) for rows in BLOCK_ROWS]


def familiar(trials: list[Trial]) -> Familiar:
    """What the motion of `trials` and standing looks like, seen as training shows it."""
    rng = np.random.default_rng(0)
    sampler = Sampler(trials + standing_trials(rng), rng, _LENGTH)
    span, seen_from = RECENT - 2, FEATURES - len(BASE)
    found: list[list[list[Tensor]]] = [[[] for _ in KINDS] for _ in BLOCK_ROWS]
    for _ in range(_BATCHES):
        batch = sampler.batch(10)
        x = torch.from_numpy(batch.x)
        for start in range(0, x.shape[1] - span + 1, _APART):
            window = x[:, start : start + span]
            for i, (rows, value) in enumerate(zip(BLOCK_ROWS, blocks(window), strict=True)):
                whole = window[..., [seen_from + row for row in rows]].amin(dim=(1, 2)) > 0.5
                for kind in range(len(KINDS)):
                    found[i][kind].append(value[whole & torch.from_numpy(batch.kind == kind)])
    there = [kind for kind in range(len(KINDS)) if all(sum(map(len, block[kind])) > 1 for block in found)]
    shapes = [[_shape(torch.cat(block[kind]).numpy()) for kind in there] for block in found]
    centre = np.stack([np.stack([kind[0] for kind in block]) for block in shapes])
    whiten = np.stack([np.stack([kind[1] for kind in block]) for block in shapes])
    return Familiar(centre.astype(np.float32), whiten.astype(np.float32))


def _shape(windows: F32) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean [D] and whitening [D, D] of windows [N, D]."""
    spread = np.cov(windows.astype(np.float64), rowvar=False) + _FLOOR**2 * np.eye(windows.shape[1])
    value, vector = np.linalg.eigh(spread)
    return windows.mean(axis=0, dtype=np.float64), vector / np.sqrt(value * len(value))
