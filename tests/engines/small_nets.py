"""Small ONNX networks that tests build by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def model_of(
    nodes: list[Any],
    inputs: dict[str, list[int]],
    outputs: dict[str, list[int]],
    constants: dict[str, Any],
    opset: int = 17,
) -> Any:
    """A float32 network of `nodes`."""
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def affine() -> bytes:
    """y = 2 x + 1 on [1, 3], the network of the runners' contract."""
    nodes = [
        helper.make_node("Mul", ["x", "two"], ["double"], name="double"),
        helper.make_node("Add", ["double", "one"], ["y"], name="plus"),
    ]
    two = {"two": np.array([[2, 2, 2]], np.float32), "one": np.array([[1, 1, 1]], np.float32)}
    return bytes(model_of(nodes, {"x": [1, 3]}, {"y": [1, 3]}, two).SerializeToString())


def normed() -> bytes:
    """A product, a layer norm of it and a second product, on [4, 8]."""
    rng = np.random.default_rng(3)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], name="first"),
        helper.make_node("LayerNormalization", ["h", "scale", "shift"], ["n"], name="norm", axis=-1, epsilon=1e-5),
        helper.make_node("MatMul", ["n", "v"], ["y"], name="second"),
    ]
    constants = {
        "w": rng.standard_normal((8, 8)).astype(np.float32),
        "v": rng.standard_normal((8, 8)).astype(np.float32),
        "scale": rng.uniform(0.5, 2.0, 8).astype(np.float32),
        "shift": rng.standard_normal(8).astype(np.float32),
    }
    return bytes(model_of(nodes, {"x": [4, 8]}, {"y": [4, 8]}, constants).SerializeToString())
