"""One step of a GRU as products and gates: the same numbers, and what is not one step is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

from engines.convert.portable import portable
from engines.errors import EngineError
from tests.engines.small_nets import model_of

WIDE, HIDDEN, BATCH = 5, 4, 2


def recurrent(frames: int = 1, state: str = "state", **attributes: Any) -> bytes:
    """A GRU whose output over time and last state are both read."""
    rng = np.random.default_rng(4)
    said = {"hidden_size": HIDDEN, "linear_before_reset": 1} | attributes
    inputs = ["x", "w", "r", "b", "", state] if state else ["x", "w", "r", "b"]
    constants = {
        "w": rng.standard_normal((1, 3 * HIDDEN, WIDE)).astype(np.float32),
        "r": rng.standard_normal((1, 3 * HIDDEN, HIDDEN)).astype(np.float32),
        "b": rng.standard_normal((1, 6 * HIDDEN)).astype(np.float32),
    }
    shapes = {"x": [frames, BATCH, WIDE], "state": [1, BATCH, HIDDEN]}
    found = {"y": [frames, 1, BATCH, HIDDEN], "last": [1, BATCH, HIDDEN]}
    model = model_of([helper.make_node("GRU", inputs, ["y", "last"], name="gru", **said)], shapes, found, constants)
    return bytes(model.SerializeToString())


def test_one_step_becomes_products_and_gates_and_computes_the_same() -> None:
    model = portable(recurrent())
    assert not {node.op_type for node in model.graph.node} & {"GRU", "Loop", "Scan"}
    assert not {tensor.name for tensor in model.graph.initializer} & {"w", "r", "b"}
    rng = np.random.default_rng(5)
    for _ in range(5):
        given = {
            "x": 2.0 * rng.standard_normal((1, BATCH, WIDE)).astype(np.float32),
            "state": rng.uniform(-1.0, 1.0, (1, BATCH, HIDDEN)).astype(np.float32),
        }
        expected = ReferenceEvaluator(recurrent()).run(None, given)
        for ours, theirs in zip(ReferenceEvaluator(model).run(None, given), expected, strict=True):
            assert ours.shape == theirs.shape
            np.testing.assert_allclose(ours, theirs, atol=2e-6)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"frames": 3}, "more than one frame"),
        ({"state": ""}, "no state of its own"),
        ({"linear_before_reset": 0}, "no linear_before_reset"),
        ({"direction": "reverse"}, "not a plain forward one"),
        ({"activations": ["Sigmoid", "Relu"]}, "not a plain forward one"),
        ({"clip": 1.0}, "not a plain forward one"),
    ],
)
def test_another_gru_is_refused_by_name(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(EngineError, match=said) as error:
        portable(recurrent(**changed))
    assert "'gru'" in str(error.value) and "\n" not in str(error.value)
