"""The committed networks in torch again, with the weights out of their ONNX files: what those files are held to."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from engines.errors import EngineError
from engines.training.grf_export import Ensemble
from engines.training.grf_familiar import Familiar
from engines.training.grf_net import GrfNet
from engines.training.inpaint_net import InpaintNet, Sampler

_HALF: Final = "_half"  # large constants are stored so, see grf_export
Arrays = dict[str, npt.NDArray[Any]]


def grf_original(path: Path) -> Ensemble:
    """The ground reaction ensemble of `path`. EngineError: a weight is missing in the file."""
    weights = _weights(path)
    members = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("nets."))
    width = len(weights["nets.0.enter.bias"])
    familiar = Familiar(weights["centre"], weights["whiten"])
    model = Ensemble([GrfNet(width, 0.0) for _ in range(members)], familiar)
    return _filled(model, weights, path)


def inpaint_original(path: Path) -> Sampler:
    """The inpainter of `path`. EngineError: a weight is missing in the file."""
    weights = _weights(path)
    net = InpaintNet(len(weights["net.enter.bias"]), 0.0)
    return _filled(Sampler(net, float(weights["sd_scale"])), weights, path)


def run(model: nn.Module, inputs: Arrays, names: tuple[str, ...]) -> Arrays:
    """Outputs of `model` by `names` for inputs in the order of its arguments."""
    with torch.no_grad():
        outputs: tuple[Tensor, ...] = model(*(torch.from_numpy(value) for value in inputs.values()))
    return {name: value.numpy() for name, value in zip(names, outputs, strict=True)}


def _filled(model: Any, weights: Arrays, path: Path) -> Any:
    state = model.state_dict()
    missing = [name for name in state if name not in weights]
    if missing:
        raise EngineError(f"{path}: holds no weight {missing[0]!r}: was it made by this version?")
    model.load_state_dict({n: torch.from_numpy(weights[n]).reshape(v.shape) for n, v in state.items()})
    return model.eval()


def _weights(path: Path) -> Arrays:
    """Parameters and buffers by their torch names.

    The exporter transposes the weight of a linear layer and forgets its name; it is known by the bias added next.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    found = {name.removesuffix(_HALF): value.astype(np.float32) for name, value in stored.items()}
    same = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Identity"}
    products = {node.output[0]: node for node in graph.node if node.op_type == "MatMul"}
    for node in graph.node:
        if node.op_type != "Add":
            continue
        bias = next((n for n in (same.get(name, name) for name in node.input) if n.endswith(".bias")), None)
        product = next((products[name] for name in node.input if name in products), None)
        if bias is not None and product is not None:
            weight = found[same.get(product.input[1], product.input[1])]
            found[bias.removesuffix("bias") + "weight"] = np.ascontiguousarray(weight.T)
    return found
