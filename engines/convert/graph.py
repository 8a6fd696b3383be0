"""Collects ONNX nodes and constants while a net is converted, then prunes what no kept output needs."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from engines.convert.reader import Array, Net
from engines.errors import EngineError

OPSET: Final = 17
IR_VERSION: Final = 8
"""The ONNX IR version that came with opset 17 (ONNX versioning table)."""

_TO_NCHW: Final = (0, 3, 1, 2)


def nchw(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of the converted value: rank 4 from NHWC to NCHW, other ranks as they are."""
    return tuple(shape[axis] for axis in _TO_NCHW) if len(shape) == 4 else shape


class GraphBuilder:
    """The ONNX graph under construction. Values are addressed by their TFLite tensor index."""

    def __init__(self, net: Net, keep: tuple[str, ...]) -> None:
        self.net = net
        self._kept = self._find_outputs(keep)
        self._names = {i: net.tensors[i].name for i in (*net.inputs, *self._kept)}
        self._folded: dict[int, Array] = {}
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def _find_outputs(self, keep: tuple[str, ...]) -> tuple[int, ...]:
        by_name = {self.net.tensors[i].name: i for i in self.net.outputs}
        unknown = [name for name in keep if name not in by_name]
        if unknown:
            raise EngineError(f"TFLite model has no output {unknown[0]!r}; it has {', '.join(by_name)}")
        return tuple(by_name[name] for name in keep)

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Shape in TFLite's layout."""
        return self.net.tensors[tensor].shape

    def fold(self, tensor: int, data: Array) -> None:
        """Record a tensor that is known now, so that no node is needed for it."""
        self._folded[tensor] = data

    def data(self, tensor: int) -> Array | None:
        """Constant in TFLite's layout, or None for an activation."""
        return self._folded.get(tensor, self.net.tensors[tensor].data)

    def require_data(self, tensor: int) -> Array:
        """Constant in TFLite's layout; EngineError for an activation."""
        data = self.data(tensor)
        if data is None:
            raise EngineError(f"TFLite tensor {self.net.tensors[tensor].name!r} must be constant to convert")
        return data

    def value(self, tensor: int) -> str:
        """ONNX name of a tensor; a constant operand is added in NCHW, a vector as one value per channel."""
        data = self.data(tensor)
        if data is None:
            return self._names.get(tensor, f"t{tensor}")
        full = data.astype(np.float32)
        if full.ndim == 4:
            full = full.transpose(_TO_NCHW)
        elif full.ndim == 1:
            full = full.reshape(1, -1, 1, 1)
        return self.constant(f"c{tensor}", full)

    def constant(self, name: str, data: Array) -> str:
        """Add an initializer, once per name."""
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(data), name)
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node; returns its output's name."""
        self._nodes.append(helper.make_node(kind, inputs, [output], name=f"{kind}_{output}", **attributes))
        return output

    def model(self) -> bytes:
        """The checked, pruned ONNX model, serialized."""
        live, nodes = self._prune()
        graph = helper.make_graph(
            nodes,
            "net",
            [self._describe(i) for i in self.net.inputs],
            [self._describe(i) for i in self._kept],
            [tensor for name, tensor in self._constants.items() if name in live],
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="exo-edge",
        )
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString(deterministic=True))

    def _describe(self, tensor: int) -> Any:
        return helper.make_tensor_value_info(self.value(tensor), TensorProto.FLOAT, nchw(self.shape(tensor)))

    def _prune(self) -> tuple[set[str], list[Any]]:
        live = {self.value(i) for i in self._kept}
        kept = []
        for node in reversed(self._nodes):
            if node.output[0] in live:
                live.update(node.input)
                kept.append(node)
        return live, kept[::-1]
