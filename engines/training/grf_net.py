"""The GRF network in torch: a dilated causal stack for training whose last output is a small strided stack."""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from engines.grf.features import FEATURES, FRONTAL_SEEN, HISTORY
from engines.grf.weights import METADATA_KEY

LAYERS: Final = 5
OUTPUTS: Final = 10
"""Per foot: force x, y, z (BW, z outward), contact logit, centre of pressure x, y, z (m), log-variance x, y, z."""

FORCE, CONTACT, COP, LOG_VAR = slice(0, 3), 3, slice(4, 7), slice(7, 10)


class GrfNet(nn.Module):
    """Residual stack of `LAYERS` causal layers of width 3 in time, spaced 1, 2, 4 …: 63 samples deep."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.enter = nn.Linear(2 * FEATURES, width)
        self.spread = nn.ModuleList(nn.Linear(3 * width, width) for _ in range(LAYERS))
        self.mix = nn.ModuleList(nn.Linear(width, width) for _ in range(LAYERS))
        self.drop = nn.Dropout(dropout)
        self.gather = nn.Linear(2 * width, width)
        self.leave = nn.Linear(width, OUTPUTS)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs [B, T - 62, OUTPUTS] of every sample of `x` [B, T, FEATURES] that has its whole history."""
        first = x = self.begin(x)
        for i in range(LAYERS):
            step = 2**i
            x = self.layer(i, x[:, : -2 * step], x[:, step:-step], x[:, 2 * step :])
        return self.head(first[:, -x.shape[1] :], x)

    def begin(self, x: Tensor) -> Tensor:
        """First layer [B, T, width]: one set of weights where the frontal plane is measured, one where it is not.

        Without it the motion comes from a single camera, whose noise forbids what exact motion allows.
        """
        measured = x[..., FRONTAL_SEEN : FRONTAL_SEEN + 1]
        return self.enter(torch.cat((x * measured, x * (1.0 - measured)), dim=-1))

    def layer(self, i: int, old: Tensor, mid: Tensor, new: Tensor) -> Tensor:
        """Layer `i` on three samples in time, each [B, T, width]."""
        h = self.spread[i](torch.cat((old, mid, new), dim=-1))
        return new + self.mix[i](self.drop(_gelu(h)))

    def head(self, first: Tensor, x: Tensor) -> Tensor:
        """Outputs [B, T, OUTPUTS] from the first and last layer at the same samples."""
        return self.leave(_gelu(self.gather(torch.cat((first, x), dim=-1))))


class LastOnly(nn.Module):
    """The same weights for one window [B, 63, FEATURES]: only what its last sample needs, and in final units.

    Gives force (BW), contact probability, centre of pressure (m) and standard deviation of the force (BW).
    The force fades to zero where contact is unlikely and never pulls the ground up.
    """

    sd_scale: Tensor

    def __init__(self, net: GrfNet, sd_scale: Tensor) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("sd_scale", sd_scale)

    def forward(self, window: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Force [B, 3], contact [B], centre of pressure [B, 3], deviation [B, 3]."""
        first = x = self.net.begin(window)
        for i in range(LAYERS):  # each layer leaves every second sample: what the last sample rests on
            x = self.net.layer(i, x[:, 0:-2:2], x[:, 1:-1:2], x[:, 2::2])
        y = self.net.head(first[:, -1], x[:, 0])
        contact = torch.sigmoid(y[:, CONTACT])
        force = gated(y[:, FORCE], contact[:, None])
        return force, contact, y[:, COP], torch.exp(0.5 * y[:, LOG_VAR]) * self.sd_scale


def _gelu(x: Tensor) -> Tensor:
    return nn.functional.gelu(x, approximate="tanh")


def gated(force: Tensor, contact: Tensor) -> Tensor:
    """`force` [..., 3] faded out below a contact probability of 0.5, to zero at 0.1, vertical part not negative."""
    gate = torch.clamp((contact - 0.1) / 0.4, 0.0, 1.0)
    gate = gate * gate * (3.0 - 2.0 * gate)
    fx, fy, fz = force.unbind(-1)
    return torch.stack((fx, torch.relu(fy), fz), dim=-1) * gate


def export(net: GrfNet, sd_scale: npt.NDArray[np.float64], people: Mapping[str, Sequence[str]], path: Path) -> None:
    """Write `net` for one window of both feet as ONNX to `path`; `sd_scale` [3] corrects its deviations.

    `people` names who trained it and who was held out; the file carries that as metadata.
    """
    import onnx

    last = LastOnly(copy.deepcopy(net), torch.from_numpy(sd_scale.astype(np.float32))).eval()
    with warnings.catch_warnings():  # torch deprecates the exporter that needs no further package
        warnings.simplefilter("ignore")
        torch.onnx.export(
            last,
            (torch.zeros(2, HISTORY - 2, FEATURES),),
            str(path),
            input_names=["window"],
            output_names=["force_bw", "contact", "cop_m", "sd_bw"],
            opset_version=17,
            dynamo=False,
        )
    model = onnx.load(str(path))
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, json.dumps(dict(people))
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
