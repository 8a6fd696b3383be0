"""Every network in every precision it ships, built by a real TensorRT builder without a GPU."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from engines.backends.tensorrt_pycuda import BuildOptions, TensorRtError, build_plan
from engines.convert import rtx_build
from engines.convert.graphs import graphs
from engines.convert.portable import portable
from engines.convert.precision import to_int8
from engines.errors import EngineError
from tests.conftest import unavailable
from tests.engines.small_nets import affine, model_of, normed


@pytest.fixture(scope="module")
def rtx() -> Any:
    try:
        return rtx_build.builder()
    except EngineError as error:
        unavailable(str(error))


@pytest.mark.assets
def test_every_network_builds_in_every_precision_it_ships(rtx: Any, assets: dict[str, Path]) -> None:
    said: list[str] = []
    found = rtx_build.build_all(said.append)
    assert set(found) == set(graphs())
    assert {f"{engine} {precision}" for engine, row in found.items() for precision in row} == set(said)
    wrong = {(engine, p): reason for engine, row in found.items() for p, reason in row.items() if reason != "ok"}
    assert wrong == {}
    assert all("fp32" in row for row in found.values())


def test_explicit_quantization_is_understood(rtx: Any) -> None:
    """No network ships in int8; the way there is kept open."""
    rng = np.random.default_rng(7)
    whole, depthwise = rng.standard_normal((8, 3, 3, 3)), rng.standard_normal((8, 1, 3, 3))
    nodes = [
        helper.make_node("Conv", ["x", "whole"], ["h"], name="whole"),
        helper.make_node("Conv", ["h", "depthwise"], ["y"], name="depthwise", group=8),
    ]
    kernels = {"whole": whole.astype(np.float32), "depthwise": depthwise.astype(np.float32)}
    convolving = model_of(nodes, {"x": [1, 3, 8, 8]}, {"y": [1, 8, 4, 4]}, kernels)
    for model, shape in ((convolving, (1, 3, 8, 8)), (portable(normed()), (4, 8))):
        quantized = to_int8(model, [{"x": rng.standard_normal(shape).astype(np.float32)} for _ in range(3)])
        assert build_plan(quantized.SerializeToString(), rtx_build.options_for(rtx), rtx)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # TensorRT-RTX only keeps up the appearance of one
def test_the_timing_cache_is_written_and_read_again(rtx: Any, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "timing.cache"
    options = dataclasses.replace(rtx_build.options_for(rtx), timing_cache=path)
    first = build_plan(affine(), options, rtx)
    assert path.stat().st_size > 0 and list(path.parent.iterdir()) == [path]
    assert len(build_plan(affine(), options, rtx)) == len(first)


def test_refusals_are_one_line(rtx: Any) -> None:
    cut = normed()[:-400]
    unknown = model_of([], {"x": [1]}, {"x": [1]}, {})
    unknown.graph.node.add(op_type="NoSuchOperator", input=["x"], output=["z"], name="odd")
    for broken in (cut, unknown.SerializeToString()):
        with pytest.raises(TensorRtError, match=r"TensorRT .* cannot (read|build) the network") as error:
            build_plan(broken, rtx_build.options_for(rtx), rtx)
        assert "\n" not in str(error.value)
    with pytest.raises(TensorRtError, match="no DLA core 0"):
        build_plan(affine(), BuildOptions(dla_core=0), rtx)


def test_a_network_that_does_not_build_is_named_with_its_reason(rtx: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    dynamic = model_of([], {"x": [1, 3]}, {"x": [1, 3]}, {"unused": np.zeros(1, np.float32)})
    dynamic.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    dynamic.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    monkeypatch.setattr(rtx_build, "convert", lambda engine, graph, precision: graph)
    assert "x has no fixed shape" in rtx_build.build_one("net", dynamic.SerializeToString(), "fp32", rtx)
    assert rtx_build.build_one("net", affine(), "fp32", rtx) == "ok"


def test_absent_builder_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(rtx_build, "_MODULE", "no_such_module")
    with pytest.raises(EngineError, match=r"exo-edge\[trt-ci\]"):
        rtx_build.build_all()
    assert rtx_build.main() == 1
    assert "rtx build:" in capsys.readouterr().err
