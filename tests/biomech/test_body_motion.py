"""Causal acceleration of the whole body: right for known motion, late by what it says, vague where it cannot see."""

from __future__ import annotations

import numpy as np
import pytest

from edge_runtime.biomech.body_motion import BLIND_BW, BodyMotion, Differentiator, cutoff_hz, delay_s
from edge_runtime.biomech.model import GRAVITY_MPS2, LegModel
from edge_runtime.biomech.whole_body import BODY_COORDINATES, body_segments
from edge_runtime.types import COORDINATES, F64

MASS_KG = 70.0
WEIGHT_N = MASS_KG * GRAVITY_MPS2
SEGMENTS = body_segments(LegModel(1.75, MASS_KG))
ALL = np.ones(len(BODY_COORDINATES), np.bool_)
TY = COORDINATES.index("pelvis_ty")


def bounce(rate_hz: float, seconds: float, belt_mps: float = 0.0, hidden: tuple[str, ...] = ()) -> tuple[F64, F64, F64]:
    """Times, asked wrenches and deviations [N, 6] of a body that goes up and down by 3 cm twice a second."""
    motion, body = Differentiator(), BodyMotion(SEGMENTS)
    known = ALL.copy()
    known[[BODY_COORDINATES.index(name) for name in hidden]] = False
    t_s = np.arange(0.0, seconds, 1.0 / rate_hz)
    asked, sd = [], []
    for t in t_s:
        q = np.zeros(len(BODY_COORDINATES))
        q[TY] = 0.95 + 0.03 * np.sin(4 * np.pi * t)
        q[COORDINATES.index("pelvis_tx")] = -belt_mps * t
        motion.step(round(t * 1e9), q, known)
        body.step(round(t * 1e9), motion.motion, known)
        asked.append(body.wrench.copy())
        sd.append(body.sd.copy())
    return t_s, np.array(asked), np.array(sd)


@pytest.mark.parametrize("rate_hz", [50.0, 100.0, 200.0])
def test_vertical_force_of_a_known_motion_comes_late_by_what_is_stated(rate_hz: float) -> None:
    t_s, asked, _ = bounce(rate_hz, 3.0)
    late = t_s - delay_s(cutoff_hz(0.0))
    truth = WEIGHT_N - MASS_KG * 0.03 * (4 * np.pi) ** 2 * np.sin(4 * np.pi * late)
    settled = t_s > 1.0
    error = np.sqrt(np.mean((asked[settled, 1] - truth[settled]) ** 2))
    swing = MASS_KG * 0.03 * (4 * np.pi) ** 2
    assert error < (0.15 if rate_hz < 100 else 0.05) * swing


def test_a_steady_belt_asks_for_nothing_more() -> None:
    still, moving = bounce(100.0, 2.0)[1], bounce(100.0, 2.0, belt_mps=1.4)[1]
    assert moving[100:] == pytest.approx(still[100:], abs=1e-3 * WEIGHT_N)


def test_deviation_grows_with_the_motion_and_with_what_is_hidden() -> None:
    _, _, sd = bounce(100.0, 2.0)
    assert sd[-1, 1] > 1.5 * sd[1, 1]
    leg = bounce(100.0, 2.0, hidden=("hip_flexion_l", "knee_angle_l"))[2]
    assert leg[-1, 1] > sd[-1, 1] + 0.05 * WEIGHT_N
    trunk = bounce(100.0, 2.0, hidden=("lumbar_extension",))[2]
    assert trunk[-1, 1] > 1.1 * sd[-1, 1]


@pytest.mark.parametrize(
    ("hidden", "blind"),
    [
        ("pelvis_list", [2, 3, 4]),
        ("hip_adduction_r", [2, 3, 4]),
        ("pelvis_tx", [0, 4, 5]),
        ("pelvis_ty", [1, 3, 5]),
        ("pelvis_tilt", [0, 1, 2, 3, 4, 5]),
    ],
)
def test_channels_without_their_coordinate_say_that_they_know_nothing(hidden: str, blind: list[int]) -> None:
    sd = bounce(100.0, 1.0, hidden=(hidden,))[2][-1] / WEIGHT_N
    assert sd[blind] == pytest.approx(np.full(len(blind), BLIND_BW))
    rest = [i for i in range(6) if i not in blind]
    assert (sd[rest] < 1.0).all()


def test_an_unknown_trunk_stays_upright_over_a_nodding_pelvis() -> None:
    motion = Differentiator()
    known = ALL.copy()
    known[len(COORDINATES) :] = False
    for i in range(300):
        q = np.zeros(len(BODY_COORDINATES))
        q[0] = 0.1 + 0.05 * np.sin(0.04 * np.pi * i)
        motion.step(i * 10_000_000, q, known)
    trunk_in_space = motion.motion[0, 0] + motion.motion[0, len(COORDINATES)]
    assert trunk_in_space == pytest.approx(0.1, abs=0.02)


def test_more_noise_lowers_the_cutoff_and_lengthens_the_delay() -> None:
    assert cutoff_hz(0.003) == cutoff_hz(0.0) == 18.0
    assert cutoff_hz(0.024) == pytest.approx(9.0)
    assert delay_s(5.0) == pytest.approx(0.0637, abs=1e-4)
