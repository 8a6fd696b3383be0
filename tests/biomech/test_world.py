"""Where the wearer is, against a walker whose place is known, projected by a camera written down here."""

from __future__ import annotations

from math import cos, radians, sin

import numpy as np
import pytest

from edge_runtime.biomech.sagittal import SHANK_SHARE, THIGH_SHARE, TRUNK_SHARE
from edge_runtime.biomech.world import GAP_S, CameraPlace, Whereabouts, WorldTracker, up_of
from edge_runtime.types import F64, Pose

STATURE_M, RATE_HZ, SPEED_MPS, STRIDE_S = 1.75, 60.0, 1.2, 1.1
SIZE, FOCAL_PX, HEIGHT_M, PITCH, ROLL = (1280, 720), 1000.0, 1.3, radians(6.0), radians(2.0)
FRAME_NS = round(1e9 / RATE_HZ)
SOLE_M = 0.02


def body(k: int) -> F64:
    """Landmarks [33, 3] of a walker to the right: x ahead, y up from the floor, z to the right; hips over x = 0."""
    points = np.zeros((33, 3))
    for side, (shoulder, hip, knee, ankle, heel, toe) in enumerate(
        ((11, 23, 25, 27, 29, 31), (12, 24, 26, 28, 30, 32))
    ):
        across = (-0.1, 0.1)[side]
        phase = (k / RATE_HZ / STRIDE_S + 0.5 * side) % 1.0
        stands, share = phase < 0.6, phase / 0.6 if phase < 0.6 else (phase - 0.6) / 0.4
        reach = 0.3 * SPEED_MPS * STRIDE_S
        ahead = reach - 2 * reach * share if stands else -reach + 2 * reach * (3 * share**2 - 2 * share**3)
        lift = 0.0 if stands else 0.08 * sin(np.pi * share)
        hip_m = STATURE_M * (THIGH_SHARE + SHANK_SHARE) * 0.96 + 0.07
        points[hip] = (0.0, hip_m, across)
        points[shoulder] = (0.0, hip_m + TRUNK_SHARE * STATURE_M, 1.5 * across)
        points[ankle] = (ahead, lift + 0.07, across)
        middle, line = 0.5 * (points[hip] + points[ankle]), points[ankle] - points[hip]
        short = max((0.5 * (THIGH_SHARE + SHANK_SHARE) * STATURE_M) ** 2 - 0.25 * float(line @ line), 0.0) ** 0.5
        points[knee] = middle + short * np.array([-line[1], line[0], 0.0]) / np.linalg.norm(line)
        points[heel], points[toe] = (ahead - 0.05, lift + SOLE_M, across), (ahead + 0.15, lift + SOLE_M, across)
    return points


def axes() -> F64:
    """Rows right, down, away of the camera in the world: x right, y up, z towards."""
    level = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]])
    pitched = np.array([[1, 0, 0], [0, cos(PITCH), -sin(PITCH)], [0, sin(PITCH), cos(PITCH)]]) @ level
    rolled = np.array([[cos(ROLL), sin(ROLL), 0], [-sin(ROLL), cos(ROLL), 0], [0, 0, 1]])
    return np.asarray(rolled @ pitched)


class Film:
    """A walker in the world, going to the right at SPEED_MPS (on a treadmill: on the spot), seen frame by frame."""

    def __init__(
        self, travels: float = 1.0, noise_px: float = 0.0, towards: bool = False, start_m: float = -1.0
    ) -> None:
        self.start_m = start_m
        self.travels, self.noise_px, self.towards = travels, noise_px, towards
        self.random = np.random.default_rng(7)

    def hips(self, k: int) -> F64:
        points = self.world(k)
        return np.asarray(points[[23, 24]].mean(axis=0))

    def world(self, k: int) -> F64:
        points = body(k)
        ahead = self.travels * SPEED_MPS * k / RATE_HZ
        if self.towards:
            return points[:, [2, 1, 0]] * (-1.0, 1.0, 1.0) + np.array([0.3, 0.0, -5.0 + ahead])
        return points + np.array([self.start_m + ahead, 0.0, -4.0])

    def pose(self, k: int) -> Pose:
        seen = (self.world(k) - (0.0, HEIGHT_M, 0.0)) @ axes().T
        xy = FOCAL_PX * seen[:, :2] / seen[:, 2:] + 0.5 * np.array(SIZE)
        xy += self.random.normal(0.0, self.noise_px, xy.shape) if self.noise_px else 0.0
        middle = seen[[23, 24]].mean(axis=0)
        ray = middle / np.linalg.norm(middle)
        across = np.cross([0.0, 1.0, 0.0], ray)
        across /= np.linalg.norm(across)
        crop = np.stack([across, np.cross(ray, across), ray])  # what a net sees that looks straight at the wearer
        world = 0.9 * (seen - middle) @ crop.T
        return Pose(FRAME_NS * (k + 1), True, "", xy, np.ones(33), world, 1.0, np.ones(33), SIZE)


def camera(**known: object) -> CameraPlace:
    place = {"focal_px": FOCAL_PX, "height_m": HEIGHT_M, "up": up_of(PITCH, ROLL)} | known
    return CameraPlace(**place)  # type: ignore[arg-type]


def run(film: Film, place: CameraPlace, frames: int = 120) -> tuple[list[Whereabouts], F64]:
    tracker = WorldTracker(STATURE_M, place)
    found = [tracker.step(film.pose(k)) for k in range(frames)]
    return found, np.array([one.position_m - film.hips(k) for k, one in enumerate(found)])


def test_up_is_where_the_camera_says() -> None:
    assert up_of(PITCH, ROLL) == pytest.approx(tuple(axes() @ np.array([0.0, 1.0, 0.0])))
    assert up_of(0.0, 0.0) == (-0.0, -1.0, -0.0)


def test_a_walker_is_where_they_are() -> None:
    found, error = run(Film(), camera())
    assert all(one.valid for one in found)
    late = np.abs(error[20:])
    assert late[:, :2].max() < 0.05
    assert late[:, 2].max() < 0.25
    z = error[20:] / np.array([one.sd_m for one in found[20:]])
    assert np.abs(z).max() < 3.0


def test_the_way_walked_is_the_way_walked() -> None:
    found, _ = run(Film(noise_px=2.0), camera())
    film = Film()
    walked = found[110].position_m - found[20].position_m
    assert np.linalg.norm(walked - (film.hips(110) - film.hips(20))) < 0.08 * SPEED_MPS * 1.5


def test_the_ground_corrects_a_body_that_is_taken_for_larger() -> None:
    """Size alone would be wrong by the share; the feet's rays are not."""
    film, wrong = Film(), 1.08
    tracker = WorldTracker(STATURE_M * wrong, camera())
    blind = WorldTracker(STATURE_M * wrong, camera(height_m=None))
    for k in range(60):
        with_ground, without = tracker.step(film.pose(k)), blind.step(film.pose(k))
    true = film.hips(59)
    assert abs(with_ground.position_m[2] - true[2]) < 0.6 * abs(without.position_m[2] - true[2])


def test_without_a_height_the_feet_say_where_the_ground_is() -> None:
    _, error = run(Film(), camera(height_m=None))
    assert np.abs(error[60:, 1]).max() < 0.05


def test_without_a_focal_length_it_is_less_sure() -> None:
    film = Film()
    known, unknown = (run(film, camera(focal_px=focal, height_m=None), 40)[0][-1] for focal in (FOCAL_PX, None))
    assert unknown.sd_m[2] > 1.3 * known.sd_m[2]


@pytest.mark.parametrize("towards", [False, True])
def test_on_a_treadmill_the_belt_does_not_carry_the_wearer_away(towards: bool) -> None:
    _, error = run(Film(travels=0.0, towards=towards), camera(ground="treadmill"))
    assert np.abs(error[20:]).max() < 0.13


def test_a_standing_foot_says_how_far_the_wearer_comes_closer() -> None:
    """Where size and ground are noisy, towards the camera: no lag, and smoother than they are."""
    film = Film(towards=True, noise_px=4.0)
    _, error = run(film, camera())
    assert np.abs(error[20:, 2].mean()) < 0.08
    assert np.std(np.diff(error[20:, 2])) < 0.02


def test_a_wearer_at_the_edge_of_the_picture_is_not_seen_askew() -> None:
    """The network's depth runs along the ray to them, 30° off the optical axis."""
    _, error = run(Film(start_m=-2.4), camera(height_m=None), 10)
    assert np.abs(error[:, 0]).max() < 0.09


def test_nobody_seen_is_less_and_less_sure_and_then_nothing() -> None:
    film, tracker = Film(), WorldTracker(STATURE_M, camera())
    for k in range(30):
        last = tracker.step(film.pose(k))

    def gone(k: int) -> Pose:
        return Pose(FRAME_NS * (k + 1), False, "lost", np.zeros((33, 2)), np.zeros(33), np.zeros((33, 3)), 0.0)

    early, late = tracker.step(gone(32)), tracker.step(gone(50))
    assert early.valid and late.valid
    assert (late.sd_m > early.sd_m).all() and (early.sd_m > last.sd_m).all()
    assert not tracker.step(gone(31 + round(GAP_S * RATE_HZ) + 2)).valid


def test_points_that_are_no_numbers_are_nobody() -> None:
    film, tracker = Film(), WorldTracker(STATURE_M, camera())
    pose = film.pose(0)
    pose.world_m[27] = np.nan
    assert not tracker.step(pose).valid
