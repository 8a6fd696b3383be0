"""Writes one step of a GRU, whose state goes in and out, as products and gates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from engines.errors import EngineError

_Step = tuple[str, list[str], list[str], dict[str, Any]]


def without_gru(node: Any, graph: Any) -> Iterator[Any]:
    """`node`, or, of a GRU over one frame, the operators it consists of, as the ONNX operator GRU defines them.

    The GRU must be the forward one with its state given, `linear_before_reset` (torch exports it so), constant weights
    and usual activations. EngineError: any other, or more than one frame.
    """
    if node.op_type != "GRU":
        yield node
        return
    from onnx import helper, numpy_helper

    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    _refuse_others(node, constants, graph)
    x, of_input, of_state, bias, _, state = node.input
    from_input, from_state = np.split(constants[bias][0], 2)
    base = node.name or node.output[0]
    weights = {
        "w": constants[of_input][0].T,
        "r": constants[of_state][0].T,
        "wb": from_input,
        "rb": from_state,
        "step": np.array([1], np.int64),
    }
    for name, value in weights.items():
        graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value), f"{base}/{name}"))
    y, last = (*node.output, "")[:2]
    last = last or f"{base}/state"
    outside = {x, state, y, last}
    for kind, inputs, outputs, attributes in _steps(x, state, y, last):
        names = [[name if name in outside else f"{base}/{name}" for name in side] for side in (inputs, outputs)]
        yield helper.make_node(
            kind, *names, name=f"{base}/{outputs[0] if outputs[0] not in outside else kind}", **attributes
        )


def _steps(x: str, state: str, y: str, last: str) -> list[_Step]:
    """Operators with what they read and write; z keeps the state, r lets it into the new one, h (ONNX' letters)."""
    steps: list[_Step] = [
        ("MatMul", [x, "w"], ["xw"], {}),
        ("Add", ["xw", "wb"], ["told"], {}),
        ("MatMul", [state, "r"], ["hr"], {}),
        ("Add", ["hr", "rb"], ["known"], {}),
        ("Split", ["told"], ["told_z", "told_r", "told_h"], {"axis": 2}),
        ("Split", ["known"], ["known_z", "known_r", "known_h"], {"axis": 2}),
        ("Add", ["told_z", "known_z"], ["sum_z"], {}),
        ("Sigmoid", ["sum_z"], ["keep"], {}),
        ("Add", ["told_r", "known_r"], ["sum_r"], {}),
        ("Sigmoid", ["sum_r"], ["reset"], {}),
        ("Mul", ["reset", "known_h"], ["recalled"], {}),
        ("Add", ["told_h", "recalled"], ["sum_h"], {}),
        ("Tanh", ["sum_h"], ["new"], {}),
        ("Sub", [state, "new"], ["apart"], {}),
        ("Mul", ["keep", "apart"], ["kept"], {}),
        ("Add", ["new", "kept"], [last], {}),
    ]
    if y:
        steps.append(("Unsqueeze", [last, "step"], [y], {}))
    return steps


def _refuse_others(node: Any, constants: dict[str, Any], graph: Any) -> None:
    """EngineError where the node is not the GRU that `without_gru` knows."""
    from onnx import helper

    said = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    usual = said.keys() <= {"hidden_size", "linear_before_reset", "direction", "layout"}
    if not usual or said.get("direction", b"forward") != b"forward" or said.get("layout", 0):
        raise EngineError(f"GRU {node.name!r} is not a plain forward one: export it otherwise")
    if not said.get("linear_before_reset") or len(node.input) < 6 or node.input[4] or not node.input[5]:
        raise EngineError(f"GRU {node.name!r} has no linear_before_reset or no state of its own: export it otherwise")
    if not all(name in constants for name in node.input[1:4]):
        raise EngineError(f"GRU {node.name!r}: weights and biases must be constant")
    if _frames(graph, node.input[0]) != 1:
        raise EngineError(f"GRU {node.name!r} runs over more than one frame: export one step, state in and out")


def _frames(graph: Any, name: str) -> int:
    """Length of the first axis of a tensor, 0 where it is not fixed."""
    for value in (*graph.value_info, *graph.input):
        if value.name == name:
            shape = value.type.tensor_type.shape.dim
            return int(shape[0].dim_value) if shape else 0
    return 0
