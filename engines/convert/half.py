"""Float16 written into a network's graph, and the same network with its rounding, for a CPU to judge."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator
from typing import Any, Final

import numpy as np

from engines.convert.portable import NORM_PREFIX

SENSITIVE: Final = frozenset(("Div", "Exp", "Pow", "ReduceMean", "ReduceMin", "ReduceSum", "Softmax", "Sqrt"))
"""Operators left in float32: sums lose small terms in half precision, squares and exponentials leave its range."""

_HALF_MAX: Final = 65504.0
_FLOAT_INPUTS: Final = {"Resize": (1, 2)}  # region and scales are float32 by the standard


def to_half(model: Any, hold: Collection[str] = ()) -> Any:
    """A copy of the portable `model` that computes in float16, with inputs and outputs in float32.

    In float32 stay `SENSITIVE` operators, layer norms, nodes with a constant outside the range of float16 and those
    named in `hold`. Casts stand where a value changes type, each once.
    """
    import onnx

    converter = _HalfConverter(onnx.shape_inference.infer_shapes(copy.deepcopy(model)), frozenset(hold))
    for node in model.graph.node:
        converter.add(node)
    half = converter.finish()
    onnx.checker.check_model(half, full_check=True)
    return half


class _HalfConverter:
    """The graph in float16 under construction: `_home` is the type that each float value was computed in."""

    def __init__(self, model: Any, hold: frozenset[str]) -> None:
        from onnx import TensorProto, numpy_helper

        self._model, self._hold = model, hold
        self._float, self._half = TensorProto.FLOAT, TensorProto.FLOAT16
        graph = model.graph
        known = (*graph.input, *graph.output, *graph.value_info)
        self._floats = {v.name for v in known if v.type.tensor_type.elem_type == self._float}
        self._constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer if t.data_type == self._float}
        self._outputs = {value.name for value in graph.output}
        self._home: dict[str, int] = {}
        self._made: dict[tuple[str, int], str] = {}
        self._nodes: list[Any] = []
        self._halves: list[Any] = []

    def add(self, source: Any) -> None:
        """Take over one node, after those that it needs."""
        node = copy.deepcopy(source)
        kind = self._float if self._stays(node) else self._half
        for i, name in enumerate(node.input):
            fixed = i in _FLOAT_INPUTS.get(node.op_type, ())
            if name in self._floats or name in self._constants:
                node.input[i] = self._as(name, self._float if fixed else kind)
        self._nodes.append(node)
        for i, name in enumerate(node.output):
            if name not in self._floats:
                continue
            self._home[name] = kind
            if name in self._outputs and kind == self._half:
                node.output[i] = self._made[name, kind] = f"{name}/half"
                self._cast(node.output[i], name, self._float)

    def finish(self) -> Any:
        """The finished model; constants that nobody reads any more are left out."""
        graph = self._model.graph
        del graph.node[:], graph.value_info[:]
        graph.node.extend(self._nodes)
        used = {name for node in self._nodes for name in node.input}
        kept = [tensor for tensor in (*graph.initializer, *self._halves) if tensor.name in used]
        del graph.initializer[:]
        graph.initializer.extend(kept)
        return self._model

    def _stays(self, node: Any) -> bool:
        if node.op_type in SENSITIVE or node.name.startswith(NORM_PREFIX) or node.name in self._hold:
            return True
        mine = (name for i, name in enumerate(node.input) if i not in _FLOAT_INPUTS.get(node.op_type, ()))
        return any(np.abs(self._constants[n]).max(initial=0.0) > _HALF_MAX for n in mine if n in self._constants)

    def _as(self, name: str, kind: int) -> str:
        """The name under which the value `name` is there in type `kind`."""
        if (name, kind) in self._made:
            return self._made[name, kind]
        if self._home.get(name, self._float) == kind:
            return name
        made = f"{name}/{'half' if kind == self._half else 'float'}"
        self._made[name, kind] = made
        if name in self._constants:
            from onnx import numpy_helper

            self._halves.append(numpy_helper.from_array(self._constants[name].astype(np.float16), made))
        else:
            self._cast(name, made, kind)
        return made

    def _cast(self, source: str, target: str, kind: int) -> None:
        from onnx import helper

        self._nodes.append(helper.make_node("Cast", [source], [target], name=f"cast/{target}", to=kind))


def as_rounded(half: Any) -> Any:
    """A network of `to_half` in float32 that rounds each value where the half one does; sums are in float32.

    ONNX Runtime's CPU kernels have no float16; they would compute in float32 and drop the casts in between, and say
    that half precision costs nothing.
    """
    import onnx
    from onnx import TensorProto, numpy_helper

    model = onnx.shape_inference.infer_shapes(half)
    halves = {v.name for v in model.graph.value_info if v.type.tensor_type.elem_type == TensorProto.FLOAT16}
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT16:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))
    nodes = [part for node in model.graph.node for part in _rounded(node, halves)]
    del model.graph.node[:], model.graph.value_info[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    return model


def _rounded(node: Any, halves: set[str]) -> Iterator[Any]:
    """`node` in float32, what it gives in half precision rounded."""
    from onnx import TensorProto, helper

    results = [name for name in node.output if name in halves]
    if node.op_type == "Cast":
        node = helper.make_node("Identity", node.input, node.output, name=node.name)
    for i, name in enumerate(node.output):
        if name in halves:
            node.output[i] = f"{name}/exact"
    yield node
    for name in results:
        yield helper.make_node("Cast", [f"{name}/exact"], [f"{name}/rounded"], to=TensorProto.FLOAT16)
        yield helper.make_node("Cast", [f"{name}/rounded"], [name], to=TensorProto.FLOAT)
