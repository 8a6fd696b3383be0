"""Synthetic people: joint angles that are driven are those that the joint centres show; camera; drawing; gaits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.errors import EngineError
from engines.training.people.bodies import F64, vertex_normals
from engines.training.people.camera import Camera, place_camera
from engines.training.people.casting import draw_training, held_out_cast, training_cast
from engines.training.people.gaits import HELD_OUT, load_gaits, sample
from engines.training.people.markers import Markers
from engines.training.people.motion import EXERCISES, exercise, measured
from engines.training.people.raster import cover
from engines.training.people.scenery import CROWDED, USUAL, Clutter, Occluder
from engines.training.people.skeleton import TRUTH, Skeleton, UpperBody, aligning, named
from tests.engines.stick_body import stick_body

BODY = stick_body()
STILL = UpperBody(np.zeros(3), np.zeros((2, 3)), np.zeros(2), np.zeros(2))
ANGLE = st.floats(-1.2, 1.2)


def joints(q: dict[str, float]) -> dict[str, F64]:
    """Joint centres of the stick body at `q` (rad; the rest is zero)."""
    _, heads = Skeleton(BODY).place(dict.fromkeys(TRUTH, 0.0) | q, STILL)
    return {name: heads[i] for i, name in enumerate(BODY.bones)}


def slope(start: F64, end: F64) -> float:
    """Angle of a segment from straight down, forward positive, in the sagittal plane."""
    return float(np.arctan2(end[0] - start[0], -(end[1] - start[1])))


def test_zero_is_a_straight_leg_below_the_hip() -> None:
    at = joints({})
    for side in "RL":
        hip, knee, ankle = (at[f"{name}.{side}"] for name in ("upperleg01", "lowerleg01", "foot"))
        np.testing.assert_allclose((knee - hip)[[0, 2]], 0.0, atol=1e-12)
        np.testing.assert_allclose((ankle - knee)[[0, 2]], 0.0, atol=1e-12)
        np.testing.assert_allclose(hip - BODY.head(f"upperleg01.{side}"), 0.0, atol=1e-12)


@given(tilt=ANGLE, hip=ANGLE, knee=st.floats(0.0, 2.2), ankle=ANGLE)
def test_sagittal_angles_are_those_between_joint_centres(tilt: float, hip: float, knee: float, ankle: float) -> None:
    for side, up in (("r", "R"), ("l", "L")):
        angles = {"hip_flexion": hip, "knee_angle": knee, "ankle_angle": ankle}
        at = joints({"pelvis_tilt": tilt} | {f"{name}_{side}": value for name, value in angles.items()})
        thigh = slope(at[f"upperleg01.{up}"], at[f"lowerleg01.{up}"])
        shank = slope(at[f"lowerleg01.{up}"], at[f"foot.{up}"])
        np.testing.assert_allclose(np.exp(1j * thigh), np.exp(1j * (tilt + hip)), atol=1e-9)
        np.testing.assert_allclose(np.exp(1j * (thigh - shank)), np.exp(1j * knee), atol=1e-9)
        toes = at[f"toe2-1.{up}"] - at[f"foot.{up}"]
        flat = BODY.head(f"toe2-1.{up}") - BODY.head(f"foot.{up}")
        turn = np.arctan2(toes[1], toes[0]) - np.arctan2(flat[1], flat[0])
        np.testing.assert_allclose(np.exp(1j * turn), np.exp(1j * (tilt + hip - knee + ankle)), atol=1e-9)


@given(flexion=ANGLE, adduction=st.floats(-0.5, 0.5))
def test_hip_in_space_follows_opensim_order(flexion: float, adduction: float) -> None:
    """Adduction of either leg goes towards the other; its axis has turned with flexion."""
    for side, up, inward in (("r", "R", -1.0), ("l", "L", 1.0)):
        at = joints({f"hip_flexion_{side}": flexion, f"hip_adduction_{side}": adduction})
        thigh = at[f"lowerleg01.{up}"] - at[f"upperleg01.{up}"]
        c = np.cos(adduction)
        expected = [c * np.sin(flexion), -c * np.cos(flexion), inward * np.sin(adduction)]
        np.testing.assert_allclose(thigh / np.linalg.norm(thigh), expected, atol=1e-9)


def test_internal_rotation_turns_the_toes_inward() -> None:
    for side, up, inward in (("r", "R", -1.0), ("l", "L", 1.0)):
        before, after = joints({}), joints({f"hip_rotation_{side}": 0.4})
        turned = after[f"toe2-1.{up}"] - after[f"foot.{up}"] - (before[f"toe2-1.{up}"] - before[f"foot.{up}"])
        assert inward * turned[2] > 0.04


@given(direction=st.tuples(st.floats(-1, 1), st.floats(-1, -0.01), st.floats(-1, 1)))
def test_aligning_is_the_smallest_rotation(direction: tuple[float, float, float]) -> None:
    start, down = np.array(direction), np.array([0.0, -1.0, 0.0])
    turn = aligning(start, down)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(turn @ start, np.linalg.norm(start) * down, atol=1e-9)
    angle = np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))
    assert angle == pytest.approx(np.arccos(np.clip(-start[1] / np.linalg.norm(start), -1, 1)), abs=1e-6)


def camera_at(yaw_deg: float) -> Camera:
    return place_camera(yaw_deg, np.array([0.0, 0.9, 0.0]), 1.7, np.random.default_rng(3))


@pytest.mark.parametrize(("yaw_deg", "nearer"), [(90.0, "R"), (60.0, "R"), (-90.0, "L"), (-30.0, "L")])
def test_camera_stands_where_yaw_says(yaw_deg: float, nearer: str) -> None:
    """Positive yaw sees the right side, and then the person faces to the right of the image."""
    camera, other = camera_at(yaw_deg), {"R": "L", "L": "R"}[nearer]
    near, far, nose, back = camera.project(
        np.array(
            [BODY.head(f"upperleg01.{nearer}"), BODY.head(f"upperleg01.{other}"), [0.3, 1.5, 0.0], [-0.3, 1.5, 0.0]]
        )
    )
    assert near[2] < far[2]
    assert (nose[0] > back[0]) == (yaw_deg > 0)
    assert nose[2] < back[2] or abs(yaw_deg) > 80.0


@given(x=st.floats(10.0, 600.0), y=st.floats(10.0, 400.0))
def test_rays_and_projection_are_inverse(x: float, y: float) -> None:
    camera = camera_at(50.0)
    point = camera.position_m + 3.0 * camera.rays(np.array(x), np.array(y))
    np.testing.assert_allclose(camera.project(point[None])[0, :2], [x, y], atol=1e-6)


def drawn(points: list[list[float]], faces: list[list[int]]) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    depth, owner = np.full((40, 40), np.inf, np.float32), np.full((40, 40), -1, np.int32)
    cover(np.array(points, dtype=np.float64), np.array(faces, dtype=np.int32), depth, owner)
    return owner


def test_outsides_are_drawn_and_insides_are_not() -> None:
    """The far side of a closed body must not show through: what faces the camera runs clockwise in the image."""
    corners = [[5.0, 5.0, 2.0], [35.0, 5.0, 2.0], [5.0, 35.0, 2.0]]
    assert (drawn(corners, [[0, 2, 1]]) == 0).sum() > 300
    assert (drawn(corners, [[0, 1, 2]]) >= 0).sum() == 0


def test_a_ball_before_the_camera_shows_its_near_half() -> None:
    """Normals of the drawn faces of an outward-oriented solid point to the camera."""
    middle = np.array([0.0, 1.0, 0.0])
    vertices = middle + np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    faces = np.array(
        [[4, 0, 2], [4, 2, 1], [4, 1, 3], [4, 3, 0], [5, 2, 0], [5, 1, 2], [5, 3, 1], [5, 0, 3]], dtype=np.int32
    )
    assert ((vertex_normals(vertices, faces) * (vertices - middle)).sum(axis=1) > 0.9).all()
    camera = camera_at(70.0)
    seen = camera.project(vertices)
    width, height = camera.size
    depth, owner = np.full((height, width), np.inf, np.float32), np.full((height, width), -1, np.int32)
    cover(seen, faces, depth, owner)
    shown = {int(face) for face in np.unique(owner) if face >= 0}
    assert shown
    for face in shown:
        a, b, c = vertices[faces[face]]
        assert np.cross(b - a, c - a) @ (camera.position_m - a) > 0.0


def test_of_two_faces_the_nearer_shows() -> None:
    points = [[5.0, 5.0, 3.0], [5.0, 35.0, 3.0], [35.0, 5.0, 3.0], [5.0, 5.0, 1.0], [5.0, 20.0, 1.0], [20.0, 5.0, 1.0]]
    owner = drawn(points, [[0, 1, 2], [3, 4, 5]])
    assert owner[8, 8] == 1
    assert owner[25, 8] == 0


def test_markers_ride_on_their_bones() -> None:
    skeleton, marks = Skeleton(BODY), Markers(BODY)
    q = dict.fromkeys(TRUTH, 0.0) | {"knee_angle_r": 1.0, "hip_flexion_l": 0.5}
    turns, heads = skeleton.place(q, STILL)
    at = marks.at(turns, heads)
    np.testing.assert_allclose(at[12], heads[BODY.bones.index("lowerleg01.R")])
    np.testing.assert_allclose(at[13], heads[BODY.bones.index("foot.L")])
    assert at[18, 0] < at[17, 0]  # the right shank is folded back, the left thigh lifted forward


@settings(max_examples=20, deadline=None)
@given(kind=st.sampled_from(EXERCISES), seed=st.integers(0, 10_000))
def test_exercises_stay_within_human_range(kind: str, seed: int) -> None:
    motion = exercise(kind, np.arange(40) / 30, np.random.default_rng(seed))
    q = {name: np.degrees(motion.q[:, i]) for i, name in enumerate(TRUTH)}
    for side in ("r", "l"):
        assert q[f"knee_angle_{side}"].min() >= -3.1
        assert q[f"knee_angle_{side}"].max() <= 135.1
        assert np.abs(np.diff(q[f"knee_angle_{side}"])).max() < 30.0  # per frame at 30 Hz: no jump


@pytest.mark.shared
def test_no_training_gait_is_of_a_held_out_person(shared_data: Path) -> None:
    gaits = load_gaits(shared_data)
    training, held_out = training_cast(gaits), held_out_cast(gaits)
    assert {gait.subject for gait in held_out.walks + held_out.runs} == set(HELD_OUT)
    assert not {gait.subject for gait in training.walks + training.runs} & set(HELD_OUT)
    subjects = {draw_training(training, 20, np.random.default_rng(i))[0].subject for i in range(60)}
    assert not subjects & set(HELD_OUT)


@pytest.mark.shared
def test_short_gaits_repeat_without_a_jump(shared_data: Path) -> None:
    for gait in [one for one in load_gaits(shared_data) if one.loops]:
        t_s = np.arange(0.0, 4.0, 1.0 / gait.fs)
        q, pelvis, _ = sample(gait, t_s)
        step = np.abs(np.diff(q, axis=0)).max(axis=0)
        inner = np.abs(np.diff(gait.q, axis=0)).max(axis=0)
        assert (step < 3.0 * inner + np.radians(0.5)).all(), gait.name
        assert np.diff(pelvis[:, 0]).min() > 0.0, gait.name  # walks on


@pytest.mark.shared
def test_measured_gait_is_left_as_measured_or_mirrored(shared_data: Path) -> None:
    gait = next(one for one in load_gaits(shared_data) if one.name == "RBDS001_T25")
    motion = measured(gait, np.arange(60) / 60, np.random.default_rng(1), 0.0)
    ranges = np.sort(np.ptp(motion.q, axis=0))
    assert (ranges <= np.sort(np.ptp(gait.q, axis=0)) + 1e-9).all()
    knees = [named(row)["knee_angle_r"] for row in motion.q]
    assert min(knees) >= gait.q[:, TRUTH.index("knee_angle_r")].min() - np.radians(12.0)


def test_missing_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="holds no measured gait"):
        load_gaits(tmp_path)


def test_crowded_pictures_hide_legs_far_more_often() -> None:
    def hidden(clutter: Clutter) -> float:
        """Mean share of the legs' place in the picture that something covers after a second."""
        random, view, shares = np.random.default_rng(5), camera_at(60.0), []
        for _ in range(150):
            image = np.full((view.size[1], view.size[0], 3), 255, np.uint8)
            Occluder(view, random, clutter).draw(image, 1.0)
            legs = image[image.shape[0] // 2 :, image.shape[1] // 3 : 2 * image.shape[1] // 3]
            shares.append(float((legs != 255).any(axis=2).mean()))
        return float(np.mean(shares))

    assert hidden(CROWDED) > 2.0 * hidden(USUAL)
