"""Camera and encoder together: weighed, without steps, and a contradiction is said, not averaged."""

from __future__ import annotations

import numpy as np
import pytest

from edge_runtime.biomech.encoder import KneeReadings
from edge_runtime.biomech.knee_fusion import CONTRADICTS, NONE, STALE, USED, Fused, KneeFusion
from edge_runtime.types import F64

DT_S = 1.0 / 60.0
CAMERA_SD, ENCODER_SD = np.radians(5.0), np.radians(1.0)


def both(value: float) -> F64:
    return np.full(2, value)


def told(knee_rad: float, valid: bool = True) -> KneeReadings:
    return KneeReadings(both(knee_rad), both(ENCODER_SD), np.full(2, valid))


def frame(fusion: KneeFusion, seen: float, readings: KneeReadings | None, in_sight: bool = True) -> Fused:
    return fusion.step(DT_S, both(seen), both(CAMERA_SD), np.full(2, in_sight), both(seen), readings)


def knee(k: int) -> float:
    return 0.5 + 0.45 * float(np.sin(2 * np.pi * k * DT_S))


def settled(off_rad: float = 0.0) -> KneeFusion:
    """A second of agreement but for `off_rad`."""
    fusion = KneeFusion()
    for k in range(60):
        frame(fusion, knee(k), told(knee(k) + off_rad))
    return fusion


def test_without_a_device_the_camera_stands() -> None:
    fusion = KneeFusion()
    fused = frame(fusion, 0.4, None)
    assert fused.rad.tolist() == [0.4, 0.4]
    assert fused.sd_rad == pytest.approx(both(CAMERA_SD))
    assert (fusion.state == NONE).all()


def test_both_are_weighed_by_variance() -> None:
    fusion = settled(0.08)
    fused = frame(fusion, 0.5, told(0.58))
    weight = ENCODER_SD**-2 / (ENCODER_SD**-2 + CAMERA_SD**-2)
    assert fused.rad == pytest.approx(both(0.5 + weight * 0.08))
    assert fused.sd_rad == pytest.approx(both((ENCODER_SD**-2 + CAMERA_SD**-2) ** -0.5))
    assert (fusion.state == USED).all()


@pytest.mark.parametrize("off_deg", [6.0, -6.0])
def test_a_lost_encoder_leaves_without_a_step_and_the_deviation_grows(off_deg: float) -> None:
    fusion = settled(np.radians(off_deg))
    last = frame(fusion, 0.5, told(0.5 + np.radians(off_deg)))
    steps, sd = [float(last.rad[0])], [float(last.sd_rad[0])]
    for _ in range(20):
        fused = frame(fusion, 0.5, told(9.9, valid=False))
        steps.append(float(fused.rad[0]))
        sd.append(float(fused.sd_rad[0]))
    assert np.degrees(np.abs(np.diff(steps)).max()) < 0.6
    assert steps[-1] == pytest.approx(0.5)
    assert (np.diff(sd) >= 0.0).all() and sd[-1] == pytest.approx(CAMERA_SD)
    assert (fusion.state == STALE).all()


def test_one_that_comes_back_enters_without_a_step() -> None:
    fusion = KneeFusion()
    out = [float(frame(fusion, 0.5, told(0.6)).rad[0]) for _ in range(20)]
    assert np.degrees(np.abs(np.diff([0.5, *out])).max()) < 0.6
    assert out[-1] > 0.59


@pytest.mark.parametrize("fault", ["stuck", "shifted", "late"])
def test_an_encoder_against_the_camera_is_left_aside_and_said(fault: str) -> None:
    fusion = settled()
    for k in range(60, 150):
        reading = {"stuck": knee(60), "shifted": knee(k) + np.radians(25.0), "late": knee(k - 12)}[fault]
        fused = frame(fusion, knee(k), told(reading))
    assert (fusion.state == CONTRADICTS).all()
    assert fused.rad == pytest.approx(both(knee(149)))
    assert fused.sd_rad == pytest.approx(both(CAMERA_SD))


def test_what_the_camera_may_err_is_no_contradiction() -> None:
    random, fusion = np.random.default_rng(3), settled()
    for k in range(600):
        bias = np.radians(8.0) * np.sin(0.7 * k * DT_S)
        frame(fusion, knee(k) + bias + random.normal(0.0, np.radians(3.0)), told(knee(k)))
        assert (fusion.state == USED).all()


def test_a_contradiction_ends_once_both_agree_again() -> None:
    fusion = settled()
    for k in range(60):
        frame(fusion, knee(k), told(knee(k) + 0.6))
    assert (fusion.state == CONTRADICTS).all()
    for k in range(180):
        frame(fusion, knee(k), told(knee(k)))
    assert (fusion.state == USED).all()


def test_where_nobody_is_seen_the_encoder_alone_tells() -> None:
    fusion = settled()
    fused = frame(fusion, 0.0, told(0.7), in_sight=False)
    assert fused.known.all()
    assert fused.rad.tolist() == [0.7, 0.7]
    gone = frame(fusion, 0.0, told(0.7, valid=False), in_sight=False)
    assert not gone.known.any()


@pytest.mark.parametrize("shift_deg", [9.0, 28.0, -20.0])
def test_an_encoder_that_jumps_pulls_nothing_along(shift_deg: float) -> None:
    fusion = settled()
    before = float(frame(fusion, knee(60), told(knee(60))).rad[0]) - knee(60)
    for k in range(61, 70):
        fused = frame(fusion, knee(k), told(knee(k) + np.radians(shift_deg)))
        assert (fusion.state == CONTRADICTS).all()
        assert fused.rad == pytest.approx(both(knee(k) + before), abs=1e-6)


def test_a_knee_in_fast_swing_is_no_jump() -> None:
    """Running: 150 rad/s² at most, as ACCELERATION_RADPS2 says; at 30 frames a second, where it shows most."""
    fusion = KneeFusion()
    for k in range(120):
        swing = 0.9 + 0.75 * float(np.sin(14.0 * k / 30.0))
        fusion.step(1.0 / 30.0, both(swing), both(CAMERA_SD), np.full(2, True), both(swing), told(swing))
        assert (fusion.state == USED).all()
