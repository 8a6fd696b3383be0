"""Physics of a stream of frames: faults of one frame are refused and forgotten, doubt is always a share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from edge_runtime.biomech.ground_physics import GroundPhysics, Refined
from edge_runtime.biomech.model import LegModel
from edge_runtime.biomech.whole_body import BODY_COORDINATES, body_segments
from edge_runtime.types import F64

MASS_KG = 70.0
HALF_N = 0.5 * MASS_KG * 9.80665
FRAME_NS = 16_666_667
BODY = body_segments(LegModel(1.75, MASS_KG))
SIZE = len(BODY_COORDINATES)


@dataclass
class Found:
    """What a network says of somebody who stands."""

    force_n: F64
    sd_n: F64
    cop_ankle_m: F64
    contact: F64
    valid: bool = True


def standing(vertical_n: float = HALF_N, sd_n: float = 20.0) -> Found:
    force = np.zeros((2, 3))
    force[:, 1] = vertical_n
    return Found(force, np.full((2, 3), sd_n), np.tile([0.05, -0.08, 0.0], (2, 1)), np.ones(2))


def still() -> F64:
    motion = np.zeros((3, SIZE))
    motion[0, BODY_COORDINATES.index("pelvis_ty")] = 0.95
    return motion


class Stream:
    """Physics fed at `FRAME_NS`."""

    def __init__(self) -> None:
        self.physics, self.t_ns = GroundPhysics(BODY), 0

    def step(self, motion: F64 | None = None, found: Found | None = None, count: int = 1) -> Refined | None:
        for _ in range(count):
            self.t_ns += FRAME_NS
            given = still() if motion is None else motion
            refined = self.physics.step(self.t_ns, given, np.ones(SIZE, np.bool_), found or standing())
        return refined


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
@pytest.mark.parametrize("order", range(3))
def test_motion_that_is_no_motion_is_refused_and_forgotten(bad: float, order: int) -> None:
    stream, broken = Stream(), still()
    stream.step(count=30)
    broken[order, BODY_COORDINATES.index("pelvis_tilt")] = bad
    refined = stream.step(broken)
    assert refined is None or 0.0 <= refined.doubt <= 1.0
    refined = stream.step(count=30)
    assert refined is not None and 0.0 <= refined.doubt <= 1.0
    assert stream.physics.motion.sd[:3].max() < 20 * HALF_N


@pytest.mark.parametrize("vertical_n", [1e200, 1e300, -1e200, np.nan])
def test_a_force_beyond_all_measure_is_refused_and_forgotten(vertical_n: float) -> None:
    stream = Stream()
    stream.step(count=30)
    assert stream.step(found=standing(vertical_n, abs(vertical_n))) is None
    refined = stream.step()
    assert refined is not None and refined.doubt == 0.0


def test_a_force_against_the_motion_is_doubted_without_the_doubt_being_stuck() -> None:
    stream = Stream()
    stream.step(count=30)
    refined = stream.step(found=standing(4.0 * HALF_N), count=30)
    assert refined is not None and (refined.doubt, refined.reason) == (1.0, "unphysical")
    refined = stream.step(count=120)
    assert refined is not None and (refined.doubt, refined.reason) == (0.0, "")


def test_a_person_who_stands_has_stance_and_no_gait() -> None:
    stream = Stream()
    struck = []
    for _ in range(400):
        stream.step()
        struck.append(stream.physics.events.code().any())
    assert not any(struck)
    assert stream.physics.events.stance.all()
    assert np.isnan(stream.physics.events.phase).all()


@pytest.mark.parametrize("back_ns", [0, FRAME_NS, 10**9])
def test_time_that_does_not_go_on_begins_anew(back_ns: int) -> None:
    stream = Stream()
    stream.step(count=60)
    stream.t_ns -= FRAME_NS + back_ns
    refined = stream.step()
    assert refined is not None and 0.0 <= refined.doubt <= 1.0
    assert np.isfinite(stream.physics.motion.sd).all() and stream.physics.motion.sd[:3].max() < HALF_N


def test_a_force_that_just_came_is_held_against_late_motion_less_than_one_that_stays() -> None:
    landing, staying = Stream(), Stream()
    landing.step(found=standing(0.1 * HALF_N, 100.0), count=30)
    staying.step(found=standing(1.5 * HALF_N, 100.0), count=30)
    late = landing.step(found=standing(1.5 * HALF_N, 100.0))
    late_n = 0.0 if late is None else float(late.force_n[:, 1].sum())
    held = staying.step(found=standing(1.5 * HALF_N, 100.0))
    held_n = 0.0 if held is None else float(held.force_n[:, 1].sum())
    weight_n = 2 * HALF_N
    assert weight_n < held_n < 1.2 * weight_n  # the motion rests: it asks for the weight
    assert late_n > 1.45 * weight_n
    again = landing.step(found=standing(1.5 * HALF_N, 100.0))
    assert again is not None
    assert float(again.force_n[:, 1].sum()) == pytest.approx(held_n)
