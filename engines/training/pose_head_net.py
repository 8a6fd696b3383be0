"""The pose head in torch: a frame encoder, two recurrent layers, angles with their deviation."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from engines.pose.head.features import COORDINATES, FEATURES

WIDTH: Final = 144
LAYERS: Final = 2
TURN: Final = COORDINATES.index("pelvis_rotation")
OUTPUTS: Final = 2 * len(COORDINATES) + 1
"""13 angles (rad; in the pelvis' turn's place the sine of it), 13 log-variances (rad²), the cosine of the turn."""


class PoseNet(nn.Module):
    """Frame by frame: `step` carries the state, `forward` runs a whole sequence."""

    centre: Tensor
    spread: Tensor

    def __init__(self, centre: Tensor, spread: Tensor, dropout: float) -> None:
        super().__init__()
        self.register_buffer("centre", centre)
        self.register_buffer("spread", spread)
        self.enter = nn.Sequential(
            nn.Linear(FEATURES, 2 * WIDTH), nn.SiLU(), nn.Dropout(dropout), nn.Linear(2 * WIDTH, WIDTH)
        )
        self.memory = nn.ModuleList(nn.GRUCell(WIDTH, WIDTH) for _ in range(LAYERS))
        self.drop = nn.Dropout(dropout)
        self.skip = nn.Linear(FEATURES, OUTPUTS)
        self.leave = nn.Sequential(nn.Linear(2 * WIDTH, WIDTH), nn.SiLU(), nn.Linear(WIDTH, OUTPUTS))

    def begin(self, count: int) -> Tensor:
        """State [LAYERS, count, WIDTH] before the first frame."""
        return torch.zeros(LAYERS, count, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs [B, T, OUTPUTS] of sequences [B, T, FEATURES], causal."""
        seen = self.encode(x)
        state, out = list(self.begin(len(x))), []
        for i in range(x.shape[1]):
            h = seen[:, i]
            for k, cell in enumerate(self.memory):
                state[k] = cell(h, state[k])
                h = h + state[k]
            out.append(h)
        return self.tell(x, seen, torch.stack(out, dim=1))

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs [B, OUTPUTS] of one frame [B, FEATURES] and the next state."""
        seen = h = self.encode(x)
        after = []
        for k, cell in enumerate(self.memory):
            after.append(cell(h, state[k]))
            h = h + after[-1]
        return self.tell(x, seen, h), torch.stack(after)

    def encode(self, x: Tensor) -> Tensor:
        """Frames [..., WIDTH], each by itself."""
        return self.enter(self.scaled(x))

    def scaled(self, x: Tensor) -> Tensor:
        """Features [..., FEATURES] centred and brought to one size."""
        return torch.clamp((x - self.centre) / self.spread, -6.0, 6.0)

    def tell(self, x: Tensor, seen: Tensor, remembered: Tensor) -> Tensor:
        """Outputs from the frame, directly and encoded, and the memory."""
        return self.leave(self.drop(torch.cat((seen, remembered), dim=-1))) + self.skip(self.scaled(x))


def angles(y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Angles [..., 13] (the turn's place holds its sine), log-variances [..., 13], cosine of the turn [...]."""
    n = len(COORDINATES)
    return y[..., :n], torch.clamp(y[..., n : 2 * n], -9.0, 1.0), y[..., 2 * n]
