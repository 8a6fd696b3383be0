"""The gate of lower precision: what passes, what does not, and what is said about it."""

from __future__ import annotations

import math
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest

from engines.convert import judge as judging
from engines.convert import precision
from engines.convert.gate import RELATIVE, Effect, Gate, accept, effect_of, judge, knee_deg
from engines.convert.graphs import graphs
from engines.convert.half import as_rounded, to_half
from engines.convert.judge import judge_engine, outputs_of
from engines.convert.portable import portable
from engines.convert.precision import Inputs, Lesson, convert, lesson_of, shipped, to_int8
from engines.convert.real_inputs import real_inputs
from engines.errors import EngineError
from engines.pose import landmarks
from tests.engines.small_nets import normed

F32 = np.float32


class FixedRunner:
    """Gives the input back, times a factor."""

    def __init__(self, factor: float) -> None:
        self.inputs = {"x": np.zeros(3, F32)}
        self._factor = factor

    def warm(self) -> None: ...

    def infer(self) -> dict[str, np.ndarray]:
        return {"y": self.inputs["x"] * F32(self._factor)}

    def close(self) -> None: ...


def gate(bar: float = math.inf) -> Gate:
    inputs = [{"x": np.array([1, 2, -4], np.float32)}, {"x": np.array([0, 1, 1], np.float32)}]
    effect = None if math.isinf(bar) else Effect("y_deg", bar, lambda out: out["y"].astype(np.float64))
    return Gate(inputs, 5e-3, effect)


@pytest.mark.parametrize(("error", "accepted"), [(0.0, True), (4.9e-3, True), (5.1e-3, False), (np.nan, False)])
def test_relative_error_is_held_to_its_bar(error: float, accepted: bool) -> None:
    verdict = accept(FixedRunner(1.0 + error), FixedRunner(1.0), gate())
    assert verdict.accepted is accepted
    assert (verdict.reason == "") is accepted
    assert accepted or "y is off by" in verdict.reason


def test_error_is_relative_to_the_largest_value_of_all_inputs() -> None:
    found = [{"y": np.array([0.01], np.float32)}, {"y": np.array([10.0], np.float32)}]
    expected = [{"y": np.array([0.0], np.float32)}, {"y": np.array([10.0], np.float32)}]
    assert judge(found, expected, Gate([], 5e-3, None)).relative["y"] == pytest.approx(1e-3)


@pytest.mark.parametrize(("bar", "accepted"), [(0.02, True), (0.001, False)])
def test_the_end_effect_counts_too(bar: float, accepted: bool) -> None:
    verdict = accept(FixedRunner(1.004), FixedRunner(1.0), gate(bar))
    assert verdict.accepted is accepted
    assert verdict.effect == pytest.approx(0.016, rel=1e-3)
    assert accepted or verdict.reason.startswith("y_deg is off by")


def test_a_gate_without_inputs_accepts_nothing() -> None:
    with pytest.raises(ValueError, match="without inputs"):
        judge([], [], Gate([], 1.0, None))


def test_knee_angle_of_a_drawn_leg() -> None:
    points = np.zeros((landmarks.POINTS, 5), F32)
    points[24, :2], points[26, :2], points[28, :2] = (100, 50), (100, 100), (100, 150)  # straight
    points[23, :2], points[25, :2], points[27, :2] = (100, 50), (100, 100), (150, 100)  # a right angle
    nothing = np.full((1, landmarks.POINTS, 64, 64), -100, F32)
    angle = knee_deg({landmarks.COORDINATES: points.reshape(1, -1), landmarks.HEATMAPS: nothing})
    np.testing.assert_allclose(angle, [0, 90], atol=1e-4)


def test_an_engine_nobody_judged_ships_in_float32_only() -> None:
    assert shipped("unheard_of") == ("fp32",)
    with pytest.raises(EngineError, match="was not judged"):
        convert("unheard_of", normed(), "fp16")
    assert convert("unheard_of", normed(), "fp32")


def test_a_refused_precision_says_why_and_what_is_safer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "lesson_of", lambda engine: Lesson((), {"int8": "knee_deg is off by 9"}))
    assert shipped("net") == ("fp32", "fp16")
    with pytest.raises(EngineError, match=r"knee_deg is off by 9.*fp16 is the next safer"):
        convert("net", normed(), "int8")


def test_int8_is_symmetric_per_channel_and_needs_real_inputs() -> None:
    model = portable(normed())
    with pytest.raises(EngineError, match="needs real inputs"):
        to_int8(model, [])
    rng = np.random.default_rng(5)
    quantized = to_int8(model, [{"x": rng.standard_normal((4, 8)).astype(F32)} for _ in range(8)])
    values = {t.name: onnx.numpy_helper.to_array(t) for t in quantized.graph.initializer}
    quantizers = [node for node in quantized.graph.node if node.op_type == "QuantizeLinear"]
    assert len(quantizers) == 4  # input and weight of both products
    assert all((values[node.input[2]] == 0).all() and values[node.input[2]].dtype == np.int8 for node in quantizers)
    assert sorted(values[node.input[1]].size for node in quantizers) == [1, 1, 8, 8]


def test_search_holds_what_rounding_spoils_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "_BLOCKS", 100)
    model = portable(normed())
    rng = np.random.default_rng(2)
    inputs = [{"x": rng.standard_normal((4, 8)).astype(F32)} for _ in range(4)]
    expected = outputs_of(model, inputs)

    def error(hold: frozenset[str]) -> float:
        found = outputs_of(as_rounded(to_half(model, hold)), inputs)
        return judge(found, expected, Gate(inputs, 1.0, None)).worst

    first, second = (node.name for node in model.graph.node if node.op_type == "MatMul")
    one, other = error(frozenset({first})), error(frozenset({second}))
    better = first if one < other else second
    tight = Gate(inputs, 1.01 * min(one, other), None)
    assert error(frozenset()) > tight.relative
    assert judging._Search(model, tight).run(lambda line: None) == {better}
    assert judging._Search(model, Gate(inputs, 5e-3, None)).run(lambda line: None) == frozenset()


def test_verdict_on_inputs_that_did_not_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    inputs = [{"x": rng.standard_normal((4, 8)).astype(F32)} for _ in range(8)]
    judged = judge_engine("other", normed(), inputs, lambda line: None)
    assert judged.verdicts["fp16"].accepted and "fp16" not in judged.lesson.refused
    assert judged.lesson.refused["int8"].startswith("y is off by")
    with pytest.raises(EngineError, match="no real inputs"):
        judge_engine("other", normed(), inputs[:1], lambda line: None)


def test_one_lively_trial_does_not_decide_for_calm_ones() -> None:
    expected = [{"y": np.array([height], F32)} for height in (0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 10.0, 10.0)]
    found = [{"y": out["y"] + F32(1e-3)} for out in expected]
    whole = Gate([{}] * len(expected), 5e-3, None)
    assert judge(found, expected, whole).accepted
    verdict = judging.strictest(found, expected, whole)
    assert not verdict.accepted and verdict.relative["y"] == pytest.approx(1e-2, rel=1e-3)
    assert judging.strictest(found[6:], expected[6:], Gate([{}] * 2, 5e-3, None)).accepted


def test_lessons_are_written_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "precision.toml"
    for module in (judging, precision):
        monkeypatch.setattr(module, "LESSONS", path)
    judging.write_lessons({"a": Lesson(('odd "name"', "b"), {"int8": "too coarse"}), "c": Lesson((), {})})
    judging.write_lessons({"c": Lesson(("x",), {})})
    assert tomllib.loads(path.read_text())["c"]["hold"] == ["x"]
    lesson_of.cache_clear()
    try:
        assert lesson_of("a") == Lesson(('odd "name"', "b"), {"int8": "too coarse"})
    finally:
        lesson_of.cache_clear()


@cache
def clip_inputs(engine: str) -> list[Inputs]:
    return real_inputs(engine, None)


def holds(engine: str, graph: bytes, inputs: list[Inputs]) -> str:
    """ "" where the float16 network that ships passes its gate on those of `inputs` that judge, else the reason."""
    inputs = list(judging.halves(inputs)[1])
    model = portable(graph)
    half = as_rounded(to_half(model, lesson_of(engine).hold))
    gate = Gate(inputs, RELATIVE["fp16"], effect_of(engine))
    return judge(outputs_of(half, inputs), outputs_of(model, inputs), gate).reason


@pytest.mark.assets
def test_float16_as_it_ships_passes_its_gate_on_the_clip(assets: dict[str, Path]) -> None:
    assert holds("pose_detection", assets["pose_detection"].read_bytes(), clip_inputs("pose_detection")) == ""


@pytest.mark.assets
def test_float16_of_the_landmarks_is_rightly_refused(assets: dict[str, Path]) -> None:
    assert shipped("pose_landmark") == ("fp32",)
    assert "knee_deg" in holds("pose_landmark", assets["pose_landmark"].read_bytes(), clip_inputs("pose_landmark"))


@pytest.mark.shared
@pytest.mark.assets
def test_float16_as_it_ships_passes_its_gate_on_gait(assets: dict[str, Path], shared_data: Path) -> None:
    assert "fp16" in shipped("inpaint_gait")
    few = real_inputs("inpaint_gait", shared_data, 4)  # judge.py takes more; the later half judges there too
    assert holds("inpaint_gait", graphs()["inpaint_gait"], few) == ""


@pytest.mark.shared
@pytest.mark.assets
def test_float16_of_ground_reaction_is_rightly_refused(assets: dict[str, Path], shared_data: Path) -> None:
    assert shipped("grf_gait") == ("fp32",)
    few = real_inputs("grf_gait", shared_data, 4)
    assert "disagreement_bw" in holds("grf_gait", graphs()["grf_gait"], few)


@pytest.mark.assets
def test_what_is_shipped_computes_the_same_in_float32(assets: dict[str, Path]) -> None:
    inputs = clip_inputs("pose_landmark")[::40]
    original = outputs_of(onnx.load(str(assets["pose_landmark"])), inputs)
    found = outputs_of(portable(assets["pose_landmark"].read_bytes()), inputs)
    verdict = judge(found, original, Gate(inputs, 1e-5, effect_of("pose_landmark")))
    assert verdict.accepted, verdict.reason
