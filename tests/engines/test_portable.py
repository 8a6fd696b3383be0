"""Portable graphs: the same numbers, and nothing that TensorRT 8.5 would refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

from engines.convert.graphs import graphs
from engines.convert.portable import NORM_PREFIX, portable
from engines.convert.tensorrt_rules import refusals
from engines.errors import EngineError
from tests.engines.small_nets import model_of, normed


def test_layer_norm_becomes_elementary_operators_and_computes_the_same() -> None:
    model = portable(normed())
    assert "LayerNormalization" not in {node.op_type for node in model.graph.node}
    assert any(node.name.startswith(NORM_PREFIX) for node in model.graph.node)
    x = np.random.default_rng(1).standard_normal((4, 8)).astype(np.float32) * 30
    expected = ReferenceEvaluator(normed()).run(None, {"x": x})[0]
    np.testing.assert_allclose(ReferenceEvaluator(model).run(None, {"x": x})[0], expected, rtol=2e-5, atol=2e-5)


def test_constants_are_folded() -> None:
    nodes = [
        helper.make_node("Cast", ["stored"], ["w"], name="unpack", to=onnx.TensorProto.FLOAT),
        helper.make_node("MatMul", ["x", "w"], ["y"], name="product"),
    ]
    model = model_of(nodes, {"x": [2, 3]}, {"y": [2, 3]}, {"stored": np.eye(3, dtype=np.float16)})
    assert [node.op_type for node in portable(model.SerializeToString()).graph.node] == ["MatMul"]


def test_damaged_file_is_one_line() -> None:
    with pytest.raises(EngineError, match="damaged") as error:
        portable(b"no network")
    assert "\n" not in str(error.value)


def test_norm_over_several_axes_is_refused() -> None:
    nodes = [helper.make_node("LayerNormalization", ["x", "s"], ["y"], name="wide", axis=1)]
    model = model_of(nodes, {"x": [2, 3, 4]}, {"y": [2, 3, 4]}, {"s": np.ones((3, 4), np.float32)})
    with pytest.raises(EngineError, match="last axis"):
        portable(model.SerializeToString())


@pytest.mark.parametrize(
    ("kind", "attributes", "said"),
    [
        ("LayerNormalization", {}, "LayerNormalization"),
        ("Resize", {"mode": "cubic"}, "cubic"),
        ("Resize", {"coordinate_transformation_mode": "tf_crop_and_resize"}, "tf_crop_and_resize"),
    ],
)
def test_rules_name_what_tensorrt_would_refuse(kind: str, attributes: dict[str, Any], said: str) -> None:
    node = helper.make_node(kind, ["x", "a", "b"], ["y"], name="n", **attributes)
    model = helper.make_model(helper.make_graph([node], "g", [], []), opset_imports=[helper.make_opsetid("", 17)])
    assert any(said in line for line in refusals(model))


def test_rules_refuse_newer_opsets_foreign_domains_and_computed_axes() -> None:
    slice_ = helper.make_node("Slice", ["x", "from", "to", "axes"], ["y"], name="s")
    ids = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    found = refusals(helper.make_model(helper.make_graph([slice_], "g", [], []), opset_imports=ids))
    assert any("opset 18" in line for line in found)
    assert any("com.microsoft" in line for line in found)
    assert any("input 3 must be constant" in line for line in found)


@pytest.mark.assets
def test_every_shipped_network_is_portable_with_fixed_shapes(assets: dict[str, Path]) -> None:
    shipped = graphs()
    assert {"pose_detection", "pose_landmark", "pose_head", "grf_gait", "inpaint_gait"} <= set(shipped)
    for name, graph in shipped.items():
        model = portable(graph)
        assert refusals(model) == [], name
        kinds = {node.op_type for node in model.graph.node}
        assert not kinds & {"LSTM", "GRU", "RNN", "Loop", "Scan"}, f"{name} runs in a loop: measure it on the GPU"
        for value in (*model.graph.input, *model.graph.output):
            assert all(side.dim_value > 0 for side in value.type.tensor_type.shape.dim), (name, value.name)
