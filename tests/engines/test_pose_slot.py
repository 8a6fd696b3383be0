"""The slot for pose networks: a foreign network with 2D and 3D points fits by its engine file alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.backends.ort_cpu import OrtCpuRunner
from engines.beside import Inline
from engines.cache import sha256_hex
from engines.errors import EngineError
from engines.fetch import within_reach
from engines.pose import PoseTracker
from engines.pose.landmarks import LandmarkNet
from engines.pose.roi import Roi
from engines.pose.slot import pose_engine
from tests.conftest import unavailable
from tests.engines.test_pose_parts import FixedNet, raw_people

SMPL = {
    "pelvis": 0, "l_hip": 1, "r_hip": 2, "l_knee": 4, "r_knee": 5, "l_ankle": 7, "r_ankle": 8, "l_foot": 10,
    "r_foot": 11, "head": 15, "l_shoulder": 16, "r_shoulder": 17, "l_elbow": 18, "r_elbow": 19, "l_wrist": 20,
    "r_wrist": 21,
}  # fmt: skip
"""Joints of SMPL, as networks that recover a human mesh put them out."""

JOINTS = [15] * 11 + [16, 17, 18, 19, 20, 21] + [20, 21] * 3 + [1, 2, 4, 5, 7, 8, 7, 8, 10, 11]
ABSENT = [*range(11), *range(17, 23), 29, 30]
"""BlazePose's landmark by SMPL's joint; face, fingers and heels are stand-ins."""

SIDE = 224


def mesh_points() -> tuple[Any, Any]:
    """Somebody standing in the crop: image points -1..1 [24, 2], world points in mm about the pelvis [24, 3]."""
    image, world = np.zeros((24, 2)), np.zeros((24, 3))
    rows = {"head": -0.7, "shoulder": -0.5, "elbow": -0.25, "wrist": 0.0, "hip": 0.02, "knee": 0.4, "ankle": 0.75}
    for name, joint in SMPL.items():
        side, _, part = name.rpartition("_")
        image[joint] = {"l": 0.1, "r": -0.1}.get(side, 0.0), rows.get(part, 0.8 if part == "foot" else 0.0)
    world[:, :2] = image * 1000 + (0, 250)
    world[:, 2] = np.arange(24)
    return image.astype(np.float32), world.astype(np.float32)


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """An engine file beside an ONNX that always sees the same person, and hands the crop's mean through."""
    image, world = mesh_points()
    nodes = [
        helper.make_node("ReduceMean", ["crop"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["image_points", "nothing"], ["keypoints_2d"]),
        helper.make_node("Add", ["world_points", "nothing"], ["keypoints_3d"]),
        helper.make_node("Reshape", ["mean", "one"], ["brightness"]),
    ]
    constants = {"image_points": image[None], "world_points": world[None], "zero": np.float32(0), "one": np.array([1])}
    outputs = {"keypoints_2d": (1, 24, 2), "keypoints_3d": (1, 24, 3), "brightness": (1,)}
    graph = helper.make_graph(
        nodes,
        "mesh",
        [helper.make_tensor_value_info("crop", TensorProto.FLOAT, (1, 3, SIDE, SIDE))],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(tmp_path / "mesh.onnx"))
    path = tmp_path / "mesh.toml"
    path.write_text(engine_file(tmp_path / "mesh.onnx"))
    return path


def engine_file(model: Path) -> str:
    return f"""
onnx = "{model.name}"
sha256 = "{sha256_hex(model)}"
licence = "CC0-1.0"

[points]
pixel_gain = [0.0171247538, 0.0175070028, 0.0174291939]   # ImageNet's mean and deviation
pixel_offset = [-2.1179039, -2.0357143, -1.8044444]
image = "keypoints_2d"
image_width = 2
image_gain_px = 112.0
image_offset_px = 112.0
world = "keypoints_3d"
world_width = 3
world_gain_m = 0.001
joints = {JOINTS}
absent = {ABSENT}
"""


def test_a_foreign_network_is_read_by_its_engine_file(foreign: Path) -> None:
    engine = pose_engine(str(foreign))
    runner = OrtCpuRunner(engine.onnx)
    net = LandmarkNet(runner, engine.points)
    rgb = np.full((600, 800, 3), (124, 116, 104), np.uint8)  # ImageNet's mean
    found = net.run(rgb, Roi(400.0, 300.0, 448.0, 0.0))
    assert abs(float(runner.infer()["brightness"][0])) < 0.02  # fed with mean 0
    np.testing.assert_allclose(found.xy_px[[23, 24]], [[400 + 22.4, 304.48], [400 - 22.4, 304.48]], atol=1e-3)
    np.testing.assert_allclose(found.aux_px[0], [400, 304.48], atol=1e-3)
    assert np.hypot(*(found.aux_px[1] - found.aux_px[0])) == pytest.approx(0.78 * 224, rel=0.02)
    assert found.visibility[ABSENT].max() == 0.0 and found.visibility[25] == 1.0
    np.testing.assert_allclose(found.world_m[[23, 24]].mean(axis=0), 0.0, atol=1e-9)
    np.testing.assert_allclose(found.world_m[25, :2], [0.1, 0.38], atol=1e-6)
    assert found.score == 1.0


def test_a_foreign_network_is_tracked_like_any_other(foreign: Path) -> None:
    engine = pose_engine(str(foreign))
    detector = FixedNet(*raw_people([((0.5, 0.5), 3.0)]))
    pose = PoseTracker(detector, OrtCpuRunner(engine.onnx), None, Inline, engine.points)
    results = [pose.step(np.zeros((400, 400, 3), np.uint8), k * 33_000_000) for k in range(5)]
    assert [r.valid for r in results] == [False, False, True, True, True]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("keypoints_3d", "vertices", "no output 'vertices' (points.world)"),
        ("[15, 15, ", "[15, ", "maps 32 landmarks"),
        ("[15, 15, ", "[24, 15, ", "asks for point 24, image holds 24"),
    ],
)
def test_a_contract_that_the_network_does_not_keep_is_named(foreign: Path, old: str, new: str, says: str) -> None:
    foreign.write_text(foreign.read_text().replace(old, new, 1))
    engine = pose_engine(str(foreign))
    net = LandmarkNet(OrtCpuRunner(engine.onnx), engine.points)
    with pytest.raises(EngineError) as error:
        net.run(np.zeros((300, 300, 3), np.uint8), Roi(150, 150, 300, 0))
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("mesh.onnx", "gone.onnx", "which is not there"),
        ('sha256 = "', 'sha256 = "0', "has sha256"),
        ("image_gain_px = 112.0", 'image_gain_px = "wide"', "points.image_gain_px must be float, is str"),
        ("image_width", "image_widths", "unknown key points.image_widths"),
        ("[points]", "[points", "not valid TOML"),
    ],
)
def test_a_mistake_in_an_engine_file_is_named(foreign: Path, old: str, new: str, says: str) -> None:
    foreign.write_text(foreign.read_text().replace(old, new, 1))
    with pytest.raises(EngineError) as error:
        pose_engine(str(foreign))
    line = str(error.value)
    assert says in line and str(foreign) in line and "\n" not in line


def test_no_such_engine() -> None:
    with pytest.raises(EngineError, match="choose lite, full, heavy, or name an engine file"):
        pose_engine("huge")
    with pytest.raises(EngineError, match="cannot be read"):
        pose_engine("nowhere.toml")


@pytest.mark.assets
@pytest.mark.parametrize("name", ["lite", "full", "heavy"])
def test_ours_have_one_contract(assets: dict[str, Path], name: str) -> None:
    if not within_reach(["pose_landmark_lite"]):
        unavailable("npm is not installed: no lite and heavy")
    engine = pose_engine(name)
    net = LandmarkNet(OrtCpuRunner(engine.onnx), engine.points)
    assert net.run(np.zeros((300, 300, 3), np.uint8), Roi(150, 150, 300, 0)).score < 0.5
