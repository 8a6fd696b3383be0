"""The pose head in torch: a frame encoder, two recurrent layers, angles with their deviation."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from engines.pose.head.features import COORDINATES, FEATURES

WIDTH: Final = 96
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
        self.memory = nn.ModuleList(nn.GRU(WIDTH, WIDTH, batch_first=True) for _ in range(LAYERS))
        self.drop = nn.Dropout(dropout)
        self.skip = nn.Linear(FEATURES, OUTPUTS)
        nn.init.zeros_(self.skip.weight)
        nn.init.zeros_(self.skip.bias)
        self.leave = nn.Sequential(nn.Linear(2 * WIDTH, WIDTH), nn.SiLU(), nn.Linear(WIDTH, OUTPUTS))

    def forward(self, x: Tensor) -> Tensor:
        """Outputs [B, T, OUTPUTS] of sequences [B, T, FEATURES], causal."""
        seen = h = self.encode(x)
        for layer in self.memory:
            h = h + layer(h)[0]
        return self.tell(x, seen, h)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs [B, OUTPUTS] of one frame [B, FEATURES] and the next state [LAYERS, B, WIDTH]."""
        seen = h = self.encode(x)
        after = []
        for k, layer in enumerate(self.memory):
            out, last = layer(h[:, None], state[k : k + 1])
            h = h + out[:, 0]
            after.append(last)
        return self.tell(x, seen, h), torch.cat(after)

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
