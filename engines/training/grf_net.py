"""The GRF network in torch: a dilated causal stack over the recent motion; its head also hears the context."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from engines.grf.context import CONTEXT
from engines.grf.features import FEATURES, FRONTAL_SEEN

LAYERS: Final = 5
TIMES: Final = 3
OUTPUTS: Final = 4 * TIMES + 6
"""Per foot: force x, y, z (BW, z outward) and contact logit at `SHIFTS_S` from now, then centre of pressure x, y, z
(m, in the foot's axes), log-variance of the force now x, y, z."""

COP, LOG_VAR = slice(12, 15), slice(15, 18)


class GrfNet(nn.Module):
    """Residual stack of `LAYERS` causal layers of width 3 in time, spaced 1, 2, 4 …: 63 samples deep."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.enter = nn.Linear(2 * FEATURES, width)
        self.spread = nn.ModuleList(nn.Linear(3 * width, width) for _ in range(LAYERS))
        self.mix = nn.ModuleList(nn.Linear(width, width) for _ in range(LAYERS))
        self.drop = ChannelDropout(dropout)
        self.tell = nn.Linear(CONTEXT, width)
        self.gather = nn.Linear(3 * width, width)
        self.leave = nn.Linear(width, OUTPUTS)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Outputs [B, T - 62, OUTPUTS] of every sample of `x` [B, T, FEATURES] that has its whole history.

        `context` [B, T - 62, CONTEXT] belongs to the same samples.
        """
        first = x = self.begin(x)
        for i in range(LAYERS):
            step = 2**i
            x = self.layer(i, x[:, : -2 * step], x[:, step:-step], x[:, 2 * step :])
        return self.head(first[:, -x.shape[1] :], x, context)

    def begin(self, x: Tensor) -> Tensor:
        """First layer [B, T, width]: one set of weights where the frontal plane is measured, one where it is not.

        Without it the motion comes from a single camera, whose noise forbids what exact motion allows.
        """
        measured = x[..., FRONTAL_SEEN : FRONTAL_SEEN + 1]
        return self.enter(torch.cat((x * measured, x * (1.0 - measured)), dim=-1))

    def layer(self, i: int, old: Tensor, mid: Tensor, new: Tensor) -> Tensor:
        """Layer `i` on three samples in time, each [B, T, width]."""
        h = self.spread[i](torch.cat((old, mid, new), dim=-1))
        return new + self.mix[i](self.drop(nn.functional.silu(h)))

    def head(self, first: Tensor, x: Tensor, context: Tensor) -> Tensor:
        """Outputs [..., OUTPUTS] from the first layer, the last and the context of the same samples."""
        told = self.drop(nn.functional.silu(self.tell(context)))
        return self.leave(nn.functional.silu(self.gather(torch.cat((first, x, told), dim=-1))))


def reactions(y: Tensor) -> tuple[Tensor, Tensor]:
    """Forces [..., TIMES, 3] and contact logits [..., TIMES] of the outputs `y` [..., OUTPUTS]."""
    at_times = y[..., : 4 * TIMES].unflatten(-1, (TIMES, 4))
    return at_times[..., :3], at_times[..., 3]


class ChannelDropout(nn.Module):
    """Drops whole channels of a sequence [B, T, channels] in training: cheaper than single values, and as good."""

    def __init__(self, chance: float) -> None:
        super().__init__()
        self.chance = chance

    def forward(self, x: Tensor) -> Tensor:
        """`x` with channels zeroed and the others enlarged to make up for them."""
        if not self.training:
            return x
        kept = torch.rand(x.shape[0], 1, x.shape[2]) >= self.chance
        return x * (kept.to(x.dtype) / (1.0 - self.chance))
