"""Golden vectors: what ships keeps the bars, what is spoilt does not, and they are what the original networks say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from engines.backends.ort_cpu import OrtCpuRunner
from engines.errors import EngineError
from engines.fetch import ZOO_DIR, onnx_path
from engines.golden import check, load_golden, store
from engines.golden.effects import effect_of
from engines.golden.parity import relative_error
from engines.golden.store import golden_path
from engines.golden.tflite import TfliteNet
from engines.manifest import load_manifest
from engines.plans import engines_with_terms, live_engines
from tests.conftest import unavailable

ZOO = ("grf_gait", "inpaint_gait", "pose_head")
POSE = {
    "pose_detection": "pose_detection_tflite",
    "pose_landmark": "pose_landmark_full_tflite",
    "pose_landmark_lite": "pose_landmark_lite_tflite",
    "pose_landmark_heavy": "pose_landmark_heavy_tflite",
}
REL_ERR, PX = 1e-4, 0.02


def parity_of(name: str, path: Path) -> tuple[float, float]:
    found = check(OrtCpuRunner(path), load_golden(name), engines_with_terms()[name].effect)
    return found.rel_err, found.effect


def test_the_live_engines_have_terms_golden_vectors_and_a_card() -> None:
    assert set(live_engines("pose_landmark_heavy")) == {*ZOO, "pose_detection", "pose_landmark_heavy"}
    assert set(engines_with_terms()) == {*ZOO, *POSE}
    assert sum(golden_path(name).stat().st_size for name in engines_with_terms()) < 600_000
    for name, terms in engines_with_terms().items():
        assert set(terms.effect_max) == set(terms.rel_err)
        assert terms.precisions[0] == "fp32"
        effect_of(terms.effect)
        golden, spec = load_golden(name), load_manifest().engines[name]
        assert {n: v.shape[1:] for n, v in golden.inputs.items()} == {t.name: t.shape for t in spec.inputs}
        assert set(golden.outputs) == {t.name for t in spec.outputs}
        assert terms.card.startswith("https://") or (ZOO_DIR.parents[1] / terms.card).is_file()


@pytest.mark.parametrize("name", ZOO)
def test_the_zoo_gives_what_torch_gave(name: str) -> None:
    assert parity_of(name, onnx_path(name))[0] <= REL_ERR


@pytest.mark.assets
@pytest.mark.parametrize("name", POSE)
def test_the_converted_networks_give_what_tflite_gave(assets: dict[str, Path], name: str) -> None:
    if name not in assets:
        unavailable(f"{name} comes from the npm registry, which is not reachable")
    rel_err, px = parity_of(name, assets[name])
    assert rel_err <= REL_ERR and px <= PX


@pytest.mark.assets
@pytest.mark.parametrize("name", POSE)
def test_the_vectors_are_what_the_original_says(assets: dict[str, Path], name: str) -> None:
    if POSE[name] not in assets:
        unavailable(f"{POSE[name]} comes from the npm registry, which is not reachable")
    try:
        original = TfliteNet(assets[POSE[name]])
    except EngineError as error:
        unavailable(str(error))
    golden = load_golden(name)
    outputs = original.infer(golden.inputs["input_1"][0])
    for tensor, at in golden.at.items():
        flat = outputs[tensor].ravel()
        assert relative_error(flat if at is None else flat[at], golden.outputs[tensor][0]) < 1e-6
    np.testing.assert_allclose(effect_of(engines_with_terms()[name].effect)(outputs), golden.effect[0], atol=1e-3)


def test_a_weight_that_is_off_by_a_percent_breaks_the_terms(tmp_path: Path) -> None:
    model = onnx.load(str(onnx_path("grf_gait")))
    weight = next(w for w in model.graph.initializer if w.name == "nets.0.gather.weight_half")
    value = numpy_helper.to_array(weight)
    weight.CopyFrom(numpy_helper.from_array((value * 1.01).astype(value.dtype), weight.name))
    onnx.save(model, str(tmp_path / "spoilt.onnx"))
    terms = live_engines()["grf_gait"]
    found = check(OrtCpuRunner(tmp_path / "spoilt.onnx"), load_golden("grf_gait"), terms.effect)
    assert "relative error" in found.problem(terms, "fp32")


def test_a_memory_that_is_not_given_back_breaks_the_terms_of_the_pose_head() -> None:
    golden, terms = load_golden("pose_head"), live_engines()["pose_head"]
    forgetful = replace(golden, inputs=golden.inputs | {"state": np.zeros_like(golden.inputs["state"])})
    found = check(OrtCpuRunner(onnx_path("pose_head")), forgetful, terms.effect)
    assert found.effect > 10 * terms.effect_max["fp32"]
    assert "relative error" in found.problem(terms, "fp32")


def test_values_that_are_no_numbers_are_infinitely_far() -> None:
    assert relative_error(np.array([1.0, np.nan]), np.ones(2)) == np.inf
    assert relative_error(np.zeros(2), np.zeros(2)) == 0.0


def test_a_precision_that_the_terms_do_not_know_is_a_problem() -> None:
    terms = live_engines()["grf_gait"]
    found = check(OrtCpuRunner(onnx_path("grf_gait")), load_golden("grf_gait"), terms.effect)
    assert found.problem(terms, "fp32") == "" != found.problem(terms, "int4")


@pytest.mark.parametrize("content", [None, b"", b"PK\3\4 no archive"])
def test_missing_or_damaged_vectors_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    monkeypatch.setattr(store, "FOLDER", tmp_path)
    if content is not None:
        (tmp_path / "grf_gait.npz").write_bytes(content)
    with pytest.raises(EngineError, match="restore them from the repository") as error:
        load_golden("grf_gait")
    assert "\n" not in str(error.value)
