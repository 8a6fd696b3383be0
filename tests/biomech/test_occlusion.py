"""A leg that the camera lost: marked, wider, without waiting, and invalid again when nothing speaks for it."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from edge_runtime.biomech.kinematics import GAP_S, TRACKED
from edge_runtime.biomech.occlusion import OcclusionFill, shown
from edge_runtime.types import COORDINATES, F64, Kinematics
from engines.beside import Inline, Placement, Threaded
from engines.inpaint import Fill
from engines.inpaint.stream import LONGEST_S
from tests.engines.test_inpaint_stream import Clairvoyant
from tests.engines.test_inpaint_window import gait

FRAME_NS = 16_666_667
SIDE_VIEW = np.isin(COORDINATES, TRACKED)
RIGHT = np.array([name.endswith("_r") for name in COORDINATES])


class Filler(Clairvoyant):
    """Knows how the walk of `seen` goes on, up to its 40 ms ahead; counts what it is asked."""

    force_sd_bw_per_rad = np.array([1.0, 4.0, 1.0])

    def __init__(self) -> None:
        super().__init__(sd_rad=0.05)
        self.asked = 0
        self.now_s = 0.0

    def fill(self, t_s: F64, q: F64) -> Fill:
        self.asked += 1
        return self._fill(self.now_s)


def seen(k: int, lost_since: int | None) -> Kinematics:
    """What the filter gives of a walk whose right leg is lost from frame `lost_since` on."""
    t_s = np.array([k * FRAME_NS * 1e-9])
    q = np.where(SIDE_VIEW, gait(t_s)[0], 0.0)
    qd = (gait(t_s + 1e-3)[0] - gait(t_s - 1e-3)[0]) / 2e-3
    observed, reason = SIDE_VIEW.copy(), ""
    if lost_since is not None and k >= lost_since:
        observed &= ~RIGHT
        q = np.where(RIGHT, 0.0, q)
        reason = "hidden" if (k - lost_since + 1) * FRAME_NS * 1e-9 > GAP_S else ""
    sd = np.full(16, 0.02)
    return Kinematics(k * FRAME_NS, reason == "", reason, q, qd, np.zeros(16), sd, observed)


def walk(fill: OcclusionFill, filler: Filler, frames: int, lost_since: int | None) -> list[Kinematics]:
    out = []
    for k in range(frames):
        filler.now_s = k * FRAME_NS * 1e-9
        out.append(fill.step(seen(k, lost_since)))
    return out


@pytest.fixture
def filler() -> Filler:
    return Filler()


@pytest.fixture
def legs(filler: Filler) -> OcclusionFill:
    return OcclusionFill(filler, Inline)


def test_what_is_seen_passes_untouched_and_asks_nothing(legs: OcclusionFill, filler: Filler) -> None:
    assert all(not k.inferred.any() and k.valid for k in walk(legs, filler, 40, None))
    assert filler.asked == 0


def test_a_lost_leg_is_inferred_marked_and_wider(legs: OcclusionFill, filler: Filler) -> None:
    frames = walk(legs, filler, 80, 40)
    for k, found in enumerate(frames[40:], 40):
        assert found.valid and found.reason == ""
        assert (found.inferred == (RIGHT & SIDE_VIEW)).all() and not found.observed[RIGHT].any()
        assert np.abs(found.q - gait(np.array([k * FRAME_NS * 1e-9]))[0])[RIGHT & SIDE_VIEW].max() < 0.06
        assert (shown(found) == SIDE_VIEW).all()
    assert frames[-1].sd[RIGHT & SIDE_VIEW] == pytest.approx(0.05)
    assert legs.inferred_s == pytest.approx([40 * FRAME_NS * 1e-9, 0.0])


def test_after_a_second_the_leg_is_hidden_again(legs: OcclusionFill, filler: Filler) -> None:
    frames = walk(legs, filler, 120, 40)
    last = max(k for k in range(120) if frames[k].inferred.any())
    assert (last - 39) * FRAME_NS * 1e-9 == pytest.approx(LONGEST_S, abs=0.02)
    assert not frames[-1].valid and frames[-1].reason == "hidden"
    assert not legs.inferred_s.any()


def test_a_lost_pelvis_is_not_made_up(legs: OcclusionFill, filler: Filler) -> None:
    walk(legs, filler, 40, None)
    for k in range(40, 60):
        gone = seen(k, 40)
        gone.observed[:] = False
        found = legs.step(replace(gone, valid=k < 52, reason="" if k < 52 else "hidden"))
    assert not found.valid and found.reason == "hidden"


@pytest.mark.parametrize("reason", ["lost", "settling"])
def test_an_invalid_pose_stays_invalid(legs: OcclusionFill, filler: Filler, reason: str) -> None:
    walk(legs, filler, 60, 40)
    k = replace(seen(60, 40), valid=False, reason=reason)
    assert legs.step(k) is k


def test_a_reset_forgets_what_is_being_computed(legs: OcclusionFill, filler: Filler) -> None:
    walk(legs, filler, 45, 40)
    legs.reset()
    found = legs.step(seen(45, 40))
    assert not found.inferred.any()


def test_the_ground_reaction_is_less_sure_of_an_inferred_leg(legs: OcclusionFill, filler: Filler) -> None:
    frames = walk(legs, filler, 60, 40)
    sd_n = np.full((2, 3), 30.0)
    assert legs.force_sd_n(sd_n, frames[39], 70.0) is sd_n
    wider = legs.force_sd_n(sd_n, frames[59], 70.0)
    assert wider[0, 1] == pytest.approx(np.hypot(30.0, 0.05 * 4.0 * 70.0 * 9.80665))


class Stuck(Filler):
    """A fill that does not end until it may."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def fill(self, t_s: F64, q: F64) -> Fill:
        assert self.gate.wait(5)
        return super().fill(t_s, q)


def test_a_stuck_fill_never_holds_up_a_frame_and_the_leg_becomes_hidden() -> None:
    filler = Stuck()
    placement: Placement = Threaded
    legs = OcclusionFill(filler, placement)
    frames = walk(legs, filler, 70, 40)  # would take 5 s a frame if it waited
    assert not frames[-1].inferred.any() and frames[-1].reason == "hidden"
    filler.gate.set()
    legs.close()
