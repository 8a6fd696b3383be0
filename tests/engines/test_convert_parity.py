"""The converted networks against the TFLite runtime, on real crops of the demo clip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edge_runtime.camera import ClipSource, ClipSpec
from engines.backends.ort_cpu import OrtCpuRunner
from engines.convert.convert import convert_tflite
from engines.convert.graph import GraphBuilder
from engines.convert.ops import emit, same_pads
from engines.convert.reader import Net, Operator
from engines.errors import EngineError
from engines.pose import landmarks as landmark_net
from engines.pose.detector import PersonDetector, View, anchors, decode
from engines.pose.landmarks import LandmarkNet, refine
from engines.pose.roi import roi_from_points
from engines.pose.slot import pose_engine
from tests.conftest import unavailable

Arrays = dict[str, np.ndarray[Any, np.dtype[Any]]]
MAX_ERROR_PX = 0.02


class Oracle:
    """The TFLite runtime on the original file."""

    def __init__(self, path: Path) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError:
            unavailable("the TFLite runtime is not installed (pip install 'exo-edge[dev]')")
        self._net = Interpreter(str(path), num_threads=1)
        self._net.allocate_tensors()

    def infer(self, nchw: np.ndarray[Any, np.dtype[Any]]) -> Arrays:
        self._net.set_tensor(self._net.get_input_details()[0]["index"], nchw.transpose(0, 2, 3, 1))
        self._net.invoke()
        found = {d["name"]: self._net.get_tensor(d["index"]) for d in self._net.get_output_details()}
        return {k: v.transpose(0, 3, 1, 2) if v.ndim == 4 else v for k, v in found.items()}


@pytest.fixture(scope="module")
def frames(assets: dict[str, Path]) -> Any:
    return ClipSource(ClipSpec(assets["demo_clip"], 96, 190, (0, 430, 1150, 564))).frames[::13]


@pytest.fixture(scope="module")
def detector(assets: dict[str, Path]) -> Iterator[OrtCpuRunner]:
    runner = OrtCpuRunner(assets["pose_detection"])
    yield runner
    runner.close()


@pytest.mark.assets
@pytest.mark.parametrize("name", ["lite", "full", "heavy"])
def test_landmarks_agree(assets: dict[str, Path], detector: OrtCpuRunner, frames: Any, name: str) -> None:
    if f"pose_landmark_{name}_tflite" not in assets:
        unavailable("npm is not installed: no lite and heavy")
    engine = pose_engine(name)
    runner = OrtCpuRunner(engine.onnx)
    oracle = Oracle(assets[f"pose_landmark_{name}_tflite"])
    net, person = LandmarkNet(runner, engine.points), PersonDetector(detector)
    for rgb in frames:
        found = person.people(View(rgb))
        net.run(rgb, roi_from_points(found[0].points_px))
        ours, theirs = runner.infer(), oracle.infer(runner.inputs[landmark_net.INPUT])
        xy = [o[landmark_net.COORDINATES].reshape(39, 5)[:, :2].astype(float) for o in (ours, theirs)]
        assert np.abs(xy[0] - xy[1]).max() < MAX_ERROR_PX
        refined = [refine(xy[0], o[landmark_net.HEATMAPS][0]) for o in (ours, theirs)]
        assert np.abs(refined[0] - refined[1]).max() < MAX_ERROR_PX
        np.testing.assert_allclose(ours[landmark_net.WORLD], theirs[landmark_net.WORLD], atol=1e-3)
        np.testing.assert_allclose(ours[landmark_net.PRESENCE], theirs[landmark_net.PRESENCE], atol=1e-4)


@pytest.mark.assets
def test_detections_agree(assets: dict[str, Path], detector: OrtCpuRunner, frames: Any) -> None:
    oracle, person = Oracle(assets["pose_detection_tflite"]), PersonDetector(detector)
    for rgb in frames:
        person.people(View(rgb))
        ours, theirs = detector.infer(), oracle.infer(detector.inputs["input_1"])
        people = [decode(o["Identity"][0], o["Identity_1"][0, :, 0], anchors()) for o in (ours, theirs)]
        assert len(people[0]) == len(people[1]) > 0
        for mine, other in zip(*people, strict=True):
            assert np.abs(mine.points_px - other.points_px).max() * 224 < MAX_ERROR_PX
            assert mine.score == pytest.approx(other.score, abs=1e-4)


@pytest.mark.assets
def test_outputs_not_kept_are_cut_off_with_all_they_need(assets: dict[str, Path]) -> None:
    blob = assets["pose_landmark_full_tflite"].read_bytes()
    keeps = [("Identity_1",), ("Identity_1", "Identity_3"), ("Identity_1", "Identity_3", "Identity_2")]
    graphs = [onnx.load_from_string(convert_tflite(blob, keep)).graph for keep in keeps]
    assert [tuple(output.name for output in graph.output) for graph in graphs] == keeps
    assert len(graphs[0].node) < len(graphs[1].node) < len(graphs[2].node)
    for graph in graphs:
        used = {name for node in graph.node for name in node.input}
        assert {constant.name for constant in graph.initializer} <= used


@pytest.mark.assets
def test_the_same_file_gives_the_same_bytes(assets: dict[str, Path]) -> None:
    blob = assets["pose_detection_tflite"].read_bytes()
    keep = ("Identity", "Identity_1")
    assert convert_tflite(blob, keep) == convert_tflite(blob, keep) == assets["pose_detection"].read_bytes()


@pytest.mark.assets
def test_unknown_output_is_named(assets: dict[str, Path]) -> None:
    with pytest.raises(EngineError, match="no output 'Nose'; it has Identity, Identity_1"):
        convert_tflite(assets["pose_detection_tflite"].read_bytes(), ("Nose",))


@pytest.mark.parametrize("blob", [b"", b"PK\3\4 no model", b"\0" * 64])
def test_no_model_is_one_line(blob: bytes) -> None:
    with pytest.raises(EngineError, match="not a TFLite model"):
        convert_tflite(blob, ())


def test_unknown_operator_is_named() -> None:
    builder = GraphBuilder(Net((), (), (), ()), ())
    with pytest.raises(EngineError, match="operator SVDF is not supported"):
        emit(builder, Operator("SVDF", (), 0, None))


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "dilation", "pads"),
    [
        (5, 3, 1, 1, (1, 1)),
        (5, 2, 1, 1, (0, 1)),
        (8, 3, 2, 1, (0, 1)),
        (7, 3, 2, 1, (1, 1)),
        (9, 3, 1, 2, (2, 2)),
    ],
)
def test_same_padding_puts_the_odd_one_behind(
    size: int, kernel: int, stride: int, dilation: int, pads: tuple[int, int]
) -> None:
    assert same_pads(size, kernel, stride, dilation) == pads
