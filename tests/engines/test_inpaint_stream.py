"""Legs frame by frame: no step where a leg is lost, marked while inferred, given up in time."""

from __future__ import annotations

import numpy as np
import pytest

from engines.grf.features import F64, Mask
from engines.inpaint.engine import AHEAD_S, Fill
from engines.inpaint.history import HistoryFill
from engines.inpaint.stream import LONGEST_S, OTHER_LEG_S, LegStream, TimedFill
from engines.inpaint.window import AGES_S, LEGS, SAMPLES, on_grid
from tests.engines.test_inpaint_window import gait

FRAME_NS = 16_666_667
NOTHING = np.zeros(16)


class Clairvoyant:
    """Fills with the true motion, but for an offset."""

    def __init__(self, offset_rad: float = 0.0, sd_rad: float = 0.04) -> None:
        self.offset_rad, self.sd_rad = offset_rad, sd_rad

    def at(self, t_ns: int) -> TimedFill:
        return TimedFill(t_ns, self._fill(t_ns * 1e-9))

    def fill(self, t_s: F64, q: F64) -> Fill:
        return self._fill(float(t_s[-1]))

    def _fill(self, now_s: float) -> Fill:
        joints = gait(now_s + AGES_S).T[LEGS] + self.offset_rad
        sd = np.full_like(joints, self.sd_rad)
        return Fill(joints, sd, joints, joints[None], np.ones(joints.shape, dtype=np.bool_))


def run(frames: int, hidden: dict[int, Mask], source: Clairvoyant | None, late: int = 0) -> list[tuple[F64, Mask]]:
    """`q` and `inferred` of each frame; `hidden` what is not seen in a frame, fills `late` frames old."""
    stream, out = LegStream(), []
    for k in range(frames):
        t_s = k * FRAME_NS * 1e-9
        q, before = gait(np.array([t_s]))[0], gait(np.array([t_s - 1e-3]))[0]
        after = gait(np.array([t_s + 1e-3]))[0]
        seen = ~hidden.get(k, np.zeros(16, dtype=np.bool_))
        motion = (np.where(seen, q, 0.0), (after - before) / 2e-3, (after - 2 * q + before) / 1e-6, NOTHING)
        newest = None if source is None else source.at((k - late) * FRAME_NS)
        found = stream.step(k * FRAME_NS, motion, seen, newest)
        out.append((found.q, found.inferred))
    return out


def leg_lost(first: int, last: int, columns: slice = slice(6, 11)) -> dict[int, Mask]:
    mask = np.zeros(16, dtype=np.bool_)
    mask[columns] = True
    return {k: mask for k in range(first, last + 1)}


@pytest.mark.parametrize("late", [1, 2])
def test_a_lost_leg_goes_on_near_the_truth_and_is_marked(late: int) -> None:
    frames = run(60, leg_lost(30, 59), Clairvoyant(), late)
    for k in range(30, 60):
        q, inferred = frames[k]
        assert inferred[[6, 9, 10]].all() and not inferred[11:].any()
        truth = gait(np.array([k * FRAME_NS * 1e-9]))[0]
        assert np.abs(q - truth)[6:11].max() < 0.04
    assert not any(inferred.any() for _, inferred in frames[:30])


def test_a_wrong_fill_draws_the_leg_without_a_step() -> None:
    right, wrong = (np.stack([q for q, _ in run(45, leg_lost(30, 44), Clairvoyant(off), 1)]) for off in (0.0, 0.5))
    apart = (wrong - right)[:, 9]
    assert apart[44] == pytest.approx(0.5, abs=0.03)
    assert np.abs(np.diff(apart)).max() < 0.25


def test_without_fills_a_leg_coasts_for_a_moment_only() -> None:
    frames = run(60, leg_lost(30, 59), None)
    marked = [k for k in range(60) if frames[k][1].any()]
    assert marked and marked[0] == 30 and marked[-1] - 29 <= AHEAD_S * 1e9 / FRAME_NS + 1


def test_a_fill_too_old_is_not_used() -> None:
    frames = run(60, leg_lost(30, 59), Clairvoyant(), late=4)
    assert not frames[40][1].any()


def test_a_leg_unseen_for_more_than_a_second_is_given_up() -> None:
    frames = run(110, leg_lost(30, 109), Clairvoyant(), 1)
    marked = [k for k in range(110) if frames[k][1].any()]
    assert marked[-1] * FRAME_NS * 1e-9 == pytest.approx(29 * FRAME_NS * 1e-9 + LONGEST_S, abs=2 * FRAME_NS * 1e-9)


def test_both_legs_lost_are_given_up_sooner() -> None:
    frames = run(90, leg_lost(30, 89, slice(6, 16)), Clairvoyant(), 1)
    marked = [k for k in range(90) if frames[k][1].any()]
    assert marked[-1] - 29 <= OTHER_LEG_S * 1e9 / FRAME_NS + 1


def test_a_leg_never_seen_is_never_inferred() -> None:
    frames = run(60, leg_lost(0, 59), Clairvoyant(), 1)
    assert not any(inferred.any() for _, inferred in frames)


def test_a_reset_forgets() -> None:
    stream = LegStream()
    seen = np.ones(16, dtype=np.bool_)
    motion = (gait(np.zeros(1))[0], NOTHING, NOTHING, NOTHING)
    stream.step(0, motion, seen, None)
    stream.reset()
    assert not stream.lacking
    found = stream.step(FRAME_NS, motion, ~leg_lost(0, 0)[0], Clairvoyant().at(FRAME_NS))
    assert not found.inferred.any()


def test_memory_keeps_the_last_window_of_a_long_run() -> None:
    stream = LegStream()
    seen = np.ones(16, dtype=np.bool_)
    for k in range(1500):
        stream.step(k * 4_000_000, (np.full(16, float(k)), NOTHING, NOTHING, NOTHING), seen, None)
    t_s, q = stream.recent()
    assert t_s[-1] == 0.0 and q[-1, 6] == 1499.0
    assert on_grid(t_s, q).seen[6].sum() >= SAMPLES - 30  # at 250 Hz at least the half of the memory that is kept


def test_history_fill_gives_the_newest_frame_and_leaves_what_was_seen() -> None:
    t_s = np.arange(90) / 60.0
    q = gait(t_s)
    hidden = q.copy()
    hidden[60:, 6:11] = np.nan
    fill = HistoryFill(Clairvoyant(sd_rad=0.07))
    for k in range(60, 90):
        value, sd = fill.fill(t_s[: k + 1], hidden[: k + 1])
        assert np.array_equal(value[-1, 11:], q[k, 11:]) and (sd[-1, 11:] == 0.0).all()
        assert np.abs(value[-1, 6:11] - q[k, 6:11]).max() < 0.05
    assert sd[-1, 9] == pytest.approx(0.07)


def test_a_leg_that_nothing_led_for_a_while_begins_at_its_fill() -> None:
    stream, source = LegStream(), Clairvoyant()
    hidden = leg_lost(0, 0)[0]
    for k in range(60):
        t_s = k * FRAME_NS * 1e-9
        truth = gait(np.array([t_s]))[0]
        seen = ~hidden if k >= 30 else np.ones(16, dtype=np.bool_)
        motion = (np.where(seen, truth, 0.0), np.where(seen, 3.0, 0.0), np.where(seen, 80.0, 0.0), NOTHING)
        newest = source.at((k - 1) * FRAME_NS) if k >= 48 else None  # the first fill comes 0.3 s late
        found = stream.step(k * FRAME_NS, motion, seen, newest)
        if found.inferred.any() and k >= 48:
            assert np.abs(found.q - truth)[found.inferred].max() < 0.05
    assert found.inferred[[6, 9, 10]].all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["joints", "sd"])
def test_a_fill_that_is_no_number_is_not_used(bad: float, where: str) -> None:
    class Broken(Clairvoyant):
        def _fill(self, now_s: float) -> Fill:
            fill = super()._fill(now_s)
            getattr(fill, where)[3, -4:] = bad
            return fill

    frames = run(60, leg_lost(30, 59), Broken(), 1)
    assert all(np.isfinite(q).all() for q, _ in frames)
    inferred = frames[-1][1]
    assert not inferred[9] and inferred[10]
