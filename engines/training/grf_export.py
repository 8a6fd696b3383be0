"""The trained members as one ONNX file: mean force, both kinds of doubt, and how unlike the training motion it is."""

from __future__ import annotations

import copy
import dataclasses
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from engines.grf.context import CONTEXT
from engines.grf.features import FEATURES, RECENT
from engines.grf.weights import METADATA_KEY, Limits
from engines.training.grf_familiar import Familiar, blocks
from engines.training.grf_net import COP, LAYERS, LOG_VAR, TIMES, GrfNet, reactions

OUTPUT_NAMES: Final = ["force_bw", "contact", "cop_m", "sd_bw", "disagreement_bw", "novelty"]
_LARGE: Final = 256


class Ensemble(nn.Module):
    """All members on one window [B, 63, FEATURES] with its context [B, CONTEXT]: only what its last sample needs.

    Each member's force fades to zero where contact is unlikely and never pulls the ground up. Of the members: the
    mean force (BW) and contact at `SHIFTS_S` from now, centre of pressure (m, in the foot's axes); the standard
    deviation of the force error now, and the part of it that is the members' disagreement (BW). Of the window: its
    novelty, about 1 in training, by block of channels.
    """

    centre: Tensor
    whiten: Tensor

    def __init__(self, nets: Sequence[GrfNet], familiar: Familiar) -> None:
        super().__init__()
        self.nets = nn.ModuleList(copy.deepcopy(net) for net in nets)
        self.register_buffer("centre", torch.from_numpy(familiar.centre))
        self.register_buffer("whiten", torch.from_numpy(familiar.whiten))

    def forward(self, window: Tensor, context: Tensor) -> tuple[Tensor, ...]:
        """Force [B, times, 3], contact [B, times], CoP, deviation, disagreement [B, 3], novelty [B, blocks]."""
        y = torch.stack([last_output(net, window, context) for net in self.nets])
        found, logits = reactions(y)
        contacts = torch.sigmoid(logits)
        forces = gated(found, contacts[..., None])
        force = forces.mean(dim=0)
        now = TIMES // 2
        disagreement = (forces[..., now, :] - force[..., now, :]).square().mean(dim=0)
        sd = torch.sqrt(torch.exp(y[..., LOG_VAR]).mean(dim=0) + disagreement)
        novelty = self.novelty(window)
        return force, contacts.mean(dim=0), y[..., COP].mean(dim=0), sd, torch.sqrt(disagreement), novelty

    def novelty(self, window: Tensor) -> Tensor:
        """Distance [B, blocks] of the window from the nearest kind of motion in training."""
        away = torch.stack(blocks(window), dim=1)[:, :, None] - self.centre  # [B, blocks, kinds, D]
        white = torch.matmul(away[..., None, :], self.whiten)[..., 0, :]
        return torch.sqrt(white.square().sum(dim=-1)).amin(dim=-1)


def last_output(net: GrfNet, window: Tensor, context: Tensor) -> Tensor:
    """Outputs [B, OUTPUTS] at the last sample of `window`: each layer leaves every second sample."""
    first = x = net.begin(window)
    for i in range(LAYERS):
        x = net.layer(i, x[:, 0:-2:2], x[:, 1:-1:2], x[:, 2::2])
    return net.head(first[:, -1], x[:, 0], context)


def gated(force: Tensor, contact: Tensor) -> Tensor:
    """`force` [..., 3] faded out below a contact probability of 0.5, to zero at 0.1, vertical part not negative."""
    gate = torch.clamp((contact - 0.1) / 0.4, 0.0, 1.0)
    gate = gate * gate * (3.0 - 2.0 * gate)
    fx, fy, fz = force.unbind(-1)
    return torch.stack((fx, torch.relu(fy), fz), dim=-1) * gate


def _store_half(file: Any) -> None:
    """Keep the large constants of an ONNX model in half precision, cast back when it is loaded: half the size."""
    from onnx import TensorProto, helper, numpy_helper

    graph, casts = file.graph, []
    for tensor in graph.initializer:
        value = numpy_helper.to_array(tensor)
        if value.dtype == np.float32 and value.size >= _LARGE:
            half = numpy_helper.from_array(value.astype(np.float16), f"{tensor.name}_half")
            casts.append(helper.make_node("Cast", [half.name], [tensor.name], to=TensorProto.FLOAT))
            tensor.CopyFrom(half)
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend(casts + rest)


def export(model: Ensemble, said: Mapping[str, object], path: Path) -> None:
    """Write `model` for one window of both feet as ONNX to `path`; the file carries `said` as metadata."""
    import onnx

    with warnings.catch_warnings():  # torch deprecates the exporter that needs no further package
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(),
            (torch.zeros(2, RECENT - 2, FEATURES), torch.zeros(2, CONTEXT)),
            str(path),
            input_names=["window", "context"],
            output_names=OUTPUT_NAMES,
            opset_version=17,
            dynamo=False,
        )
    file = onnx.load(str(path))
    _store_half(file)
    entry = file.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, json.dumps(dict(said))
    onnx.checker.check_model(file)
    onnx.save(file, str(path))


def relimited(source: Path, limits: Limits, path: Path) -> None:
    """Write the weights in `source` to `path`, with other `limits`."""
    import onnx

    file = onnx.load(str(source))
    (entry,) = (entry for entry in file.metadata_props if entry.key == METADATA_KEY)
    entry.value = json.dumps(json.loads(entry.value) | {"limits": dataclasses.asdict(limits)})
    onnx.save(file, str(path))
