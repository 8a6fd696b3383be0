"""Float16 in the graph: where it is, where it is not, and what its rounding costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from engines.convert.half import as_rounded, to_half
from engines.convert.portable import NORM_PREFIX, portable
from tests.engines.small_nets import model_of, normed

HALF, FLOAT = TensorProto.FLOAT16, TensorProto.FLOAT


def element_types(model: Any) -> dict[str, int]:
    known = onnx.shape_inference.infer_shapes(model).graph
    types = {v.name: v.type.tensor_type.elem_type for v in (*known.value_info, *known.input, *known.output)}
    return types | {tensor.name: tensor.data_type for tensor in known.initializer}


def outputs_by_kind(model: Any) -> dict[str, set[int]]:
    types, found = element_types(model), dict[str, set[int]]()
    for node in model.graph.node:
        found.setdefault(node.op_type, set()).update(types[name] for name in node.output)
    return found


def test_products_are_half_and_what_is_sensitive_is_not() -> None:
    half = to_half(portable(normed()))
    types = outputs_by_kind(half)
    assert types["MatMul"] == {HALF}
    assert types["ReduceMean"] == types["Sqrt"] == types["Div"] == {FLOAT}
    normal = [node for node in half.graph.node if node.name.startswith(NORM_PREFIX)]
    assert normal and all(element_types(half)[node.output[0]] == FLOAT for node in normal)


def test_inputs_and_outputs_stay_float32() -> None:
    half = to_half(portable(normed()))
    values = (*half.graph.input, *half.graph.output)
    assert {value.type.tensor_type.elem_type for value in values} == {FLOAT}
    assert [value.name for value in values] == ["x", "y"]


def test_held_nodes_stay_float32() -> None:
    model = portable(normed())
    first = model.graph.node[0]
    half = to_half(model, [first.name])
    assert element_types(half)[first.output[0]] == FLOAT
    assert element_types(half)[f"{half.graph.output[0].name}/half"] == HALF


def test_a_constant_beyond_half_precision_keeps_its_node_in_float32() -> None:
    nodes = [
        helper.make_node("Mul", ["x", "large"], ["big"], name="big"),
        helper.make_node("Mul", ["big", "small"], ["y"], name="back"),
    ]
    constants = {"large": np.array([1e6], np.float32), "small": np.array([1e-3], np.float32)}
    half = to_half(model_of(nodes, {"x": [1, 3]}, {"y": [1, 3]}, constants))
    assert element_types(half)["big"] == FLOAT
    assert all(np.isfinite(numpy_helper.to_array(tensor)).all() for tensor in half.graph.initializer)


def test_each_value_is_cast_once_and_before_it_is_read() -> None:
    nodes = [
        helper.make_node("Exp", ["x"], ["e"], name="e"),
        helper.make_node("Mul", ["e", "e"], ["a"], name="a"),
        helper.make_node("Add", ["e", "a"], ["b"], name="b"),
        helper.make_node("Sqrt", ["b"], ["y"], name="root"),
        helper.make_node("Exp", ["b"], ["z"], name="again"),
    ]
    half = to_half(model_of(nodes, {"x": [4]}, {"y": [4], "z": [4]}, {}))  # to_half checks the order
    casts = [node.input[0] for node in half.graph.node if node.op_type == "Cast"]
    assert sorted(casts) == ["b", "e", "x"] or sorted(casts) == ["b", "e"]


def test_rounded_network_rounds_like_numpy_in_half_precision() -> None:
    nodes = [
        helper.make_node("Mul", ["x", "w"], ["a"], name="a"),
        helper.make_node("Add", ["a", "w"], ["y"], name="b"),
    ]
    w = np.array([1.2345678, 300.03, 0.001], np.float32)
    half = to_half(model_of(nodes, {"x": [3]}, {"y": [3]}, {"w": w}))
    rounded = as_rounded(half)
    assert {v.name: v for v in rounded.graph.output}["y"].type.tensor_type.elem_type == FLOAT
    x = np.array([0.1, 7.7, -3.3], np.float32)
    xh, wh = x.astype(np.float16), w.astype(np.float16)
    expected = (xh * wh + wh).astype(np.float32)
    np.testing.assert_array_equal(ReferenceEvaluator(rounded).run(None, {"x": x})[0], expected)
    assert np.abs(expected - (x * w + w)).max() > 1e-3  # and that is another number than in float32
