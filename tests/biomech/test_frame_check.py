"""A walk whose coordinates are turned by a known angle: found, named, and silent on a right frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_runtime.biomech.frame_check import LIMITS_DEG, FrameCheck, Standing
from edge_runtime.evaluate_grf.stream import case_of, stream
from edge_runtime.types import COORDINATES, F64
from engines.grf import GrfEngine
from engines.grf.trials import read_trial

DT_S = 0.01


def turned(vectors: F64, degrees: tuple[float, float, float]) -> F64:
    """Vectors [..., 3] turned by tilt about z, then list about x, then turn about y."""
    return vectors @ rotation(degrees).T


def rotation(degrees: tuple[float, float, float]) -> F64:
    z, x, y = np.radians(degrees)
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    return about_z @ about_x @ about_y


def feed(check: FrameCheck, seconds: float, degrees: tuple[float, float, float], frontal: bool = True) -> None:
    """An even walk on a belt: each foot goes back 0.6 m in half a stride of 1 s, flat, the other in the air."""
    for i in range(round(seconds / DT_S)):
        t = i * DT_S
        leg = int(t % 1.0 >= 0.5)
        ankles = np.array([[0.5, 0.3, 0.1], [0.5, 0.3, -0.1]])
        ankles[leg] = [0.3 - 1.2 * (t % 0.5), 0.1, 0.1 - 0.2 * leg]
        rel = ankles - [0.0, 0.95, 0.0]
        load = np.zeros(2)
        load[leg] = 1.0
        lean = 0.9 * np.radians(degrees[1]) * 0.75  # the network's centre of pressure goes along with a quarter
        check.step(DT_S, Standing(turned(ankles, degrees), turned(rel, degrees), np.zeros(2), load, lean, 0.9, frontal))


@pytest.mark.parametrize(
    ("degrees", "reason"),
    [
        ((0, 0, 0), ""),
        ((4, 0, 0), ""),
        ((12, 0, 0), "frame_tilt"),
        ((-8, 0, 0), "frame_tilt"),
        ((0, 9, 0), "frame_list"),
        ((0, 0, -15), "frame_turn"),
        ((0, 0, 180), "frame_turn"),
    ],
)
def test_the_angle_is_found_and_named(degrees: tuple[float, float, float], reason: str) -> None:
    check = FrameCheck()
    feed(check, 6.0, degrees)
    off = (check.angle_deg - degrees + 180) % 360 - 180
    assert np.abs(off).max() < 1.0
    assert check.reason == reason
    over = max(abs(a) / b for a, b in zip(degrees, LIMITS_DEG, strict=True))
    assert check.doubt == pytest.approx(np.clip(over - 1.0, 0.0, 1.0), abs=0.15)


def test_no_verdict_before_two_strides_or_without_a_step() -> None:
    check = FrameCheck()
    feed(check, 1.5, (30, 30, 30))
    assert np.isnan(check.angle_deg).all() and check.reason == ""
    still = Standing(np.zeros((2, 3)), np.zeros((2, 3)), np.zeros(2), np.full(2, 0.5), 0.0, 0.9, True)
    check.reset()
    for _ in range(1000):
        check.step(DT_S, still)
    assert np.isnan(check.angle_deg).all() and check.reason == ""


def test_from_the_side_only_the_tilt_is_known() -> None:
    check = FrameCheck()
    feed(check, 6.0, (12, 0, 0), frontal=False)
    assert check.angle_deg[0] == pytest.approx(12, abs=1.0)
    assert np.isnan(check.angle_deg[1:]).all()


def turned_coordinates(q: F64, degrees: tuple[float, float, float]) -> F64:
    """Coordinates [N, 16] of the same motion in a frame that is turned: only the pelvis' six change."""
    out, turn = q.copy(), rotation(degrees)
    for i, row in enumerate(q):
        tilt, lean, rotated = np.degrees(row[:3])
        m = turn @ rotation((tilt, lean, rotated))
        out[i, :3] = np.arctan2(-m[0, 1], m[1, 1]), np.arcsin(m[2, 1]), np.arctan2(-m[2, 0], m[2, 2])
        out[i, 3:6] = turn @ row[3:6]
    return out


@pytest.mark.shared
@pytest.mark.parametrize(
    ("degrees", "reason"),
    [((0, 0, 0), ""), ((-12, 0, 0), "frame_tilt"), ((0, 12, 0), "frame_list"), ((0, 0, 20), "frame_turn")],
)
def test_a_measured_run_in_a_turned_frame(shared_data: Path, degrees: tuple[float, float, float], reason: str) -> None:
    import dataclasses

    path = shared_data / "rbds_run" / "RBDS001_T25.npz"
    case = case_of(read_trial(path), path)
    assert COORDINATES[:3] == ("pelvis_tilt", "pelvis_list", "pelvis_rotation")
    run = stream(GrfEngine(), dataclasses.replace(case, q=turned_coordinates(case.q, degrees)))
    assert run.frame_reason == reason
    assert np.abs(run.angle_deg - degrees).max() < 5.0
    assert (np.nanmax(run.doubt) > 0.5) == (reason != "")
