"""The inpainter's window and its periodic guess: what is seen stays, what is hidden is hidden, gait repeats itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.grf.features import COORDINATES, F64
from engines.inpaint.periodic import doubt, guess, half_stride
from engines.inpaint.simple import extrapolated, held
from engines.inpaint.window import AGES_S, HOLE_S, LEGS, NOW, PAST, SAMPLES, STEP_S, mirror, on_grid

FPS = 60.0


def gait(t_s: F64, stride_s: float = 1.1) -> F64:
    """Coordinates [N, 16] of a made-up walk: hip, knee and ankle as two harmonics, left half a stride later."""
    q = np.zeros((len(t_s), 16))
    for first, shift in ((6, 0.0), (11, 0.5)):
        phase = 2.0 * np.pi * (t_s / stride_s + shift)
        q[:, first] = 0.1 + 0.4 * np.cos(phase)
        q[:, first + 3] = 0.5 + 0.4 * np.cos(phase + 1.0) + 0.15 * np.cos(2 * phase)
        q[:, first + 4] = 0.05 + 0.15 * np.cos(2.0 * phase + 0.5)
    q[:, COORDINATES.index("pelvis_tx")] = 1.3 * t_s
    return q


def frames(seconds: float = 1.6, fps: float = FPS) -> F64:
    return -np.arange(int(seconds * fps), -1, -1) / fps


def hidden_leg(t_s: F64, gap_s: float, first: int = 6, stride_s: float = 1.1) -> F64:
    q = gait(t_s, stride_s)
    q[t_s > -gap_s + 1e-9, first : first + 5] = np.nan
    return q


def test_what_is_seen_stays_and_what_is_not_is_marked() -> None:
    t_s = frames()
    window = on_grid(t_s, hidden_leg(t_s, 0.5))
    leg = window.seen[6]
    assert leg[AGES_S < -0.53].all() and not leg[AGES_S > -0.5 + 1e-6].any()
    assert window.seen[11, :PAST].all() and not window.seen[:, PAST:].any()
    truth = gait(AGES_S[:PAST]).T
    assert np.abs(window.value[11:, :PAST] - truth[11:])[:, :].max() < 0.01  # straight lines between frames


def test_a_missing_frame_hides_what_it_leaves_open() -> None:
    t_s = frames()
    kept = (t_s < -0.4) | (t_s > -0.4 + HOLE_S + 0.05)
    window = on_grid(t_s[kept], gait(t_s[kept]))
    inside = (AGES_S > -0.38) & (AGES_S < -0.28)
    assert not window.seen[:, inside].any() and window.seen[6:, NOW].all()


def test_one_frame_is_enough_to_ask() -> None:
    window = on_grid(np.zeros(1), gait(np.zeros(1)))
    assert window.seen[:, NOW].all() and window.seen.sum() == 16
    assert np.isfinite(guess(window)).all()


def test_forward_progress_is_taken_out() -> None:
    t_s = frames()
    far = gait(t_s)
    far[:, COORDINATES.index("pelvis_tx")] += 1000.0
    assert np.abs(on_grid(t_s, far).value[3]).max() < 1e-6


@given(stride_s=st.floats(0.6, 1.4), gap_s=st.floats(0.0, 0.6), first=st.sampled_from((6, 11)))
@settings(max_examples=40, deadline=None)
def test_the_stride_is_found_with_a_leg_hidden(stride_s: float, gap_s: float, first: int) -> None:
    t_s = frames()
    half = half_stride(on_grid(t_s, hidden_leg(t_s, gap_s, first, stride_s)))
    assert half is not None and half * STEP_S == pytest.approx(0.5 * stride_s, rel=0.03)


def test_too_little_motion_has_no_stride() -> None:
    t_s = frames(0.2)
    assert half_stride(on_grid(t_s, gait(t_s))) is None


def test_the_guess_continues_gait_better_than_the_simple_fills() -> None:
    t_s = frames()
    window = on_grid(t_s, hidden_leg(t_s, 0.5))
    truth = gait(AGES_S).T[LEGS]
    missing = ~window.seen[LEGS]
    errors = [np.abs(fill(window) - truth)[missing].max() for fill in (guess, held, extrapolated)]
    assert errors[0] < 0.05 < min(errors[1:])


def test_the_guess_begins_where_the_leg_was_last_seen() -> None:
    t_s = frames()
    q = hidden_leg(t_s, 0.3)
    q[:, 9] += 0.3  # bent more than in the stride before, from 0.5 s before the gap on
    q[t_s < -0.8, 9] -= 0.3
    window = on_grid(t_s, q)
    last = int(np.flatnonzero(window.seen[9])[-1])
    truth = gait(AGES_S)[:, 9] + 0.3
    assert guess(window)[3, last + 1] == pytest.approx(truth[last + 1], abs=0.05)


def test_doubt_is_nothing_where_seen_and_grows_into_the_gap() -> None:
    t_s = frames()
    window = on_grid(t_s, hidden_leg(t_s, 0.5))
    width = doubt(window)
    assert (width[window.seen[LEGS]] == 0.0).all()
    assert (np.diff(width[0, ~window.seen[6]]) > 0.0).all()


def test_mirroring_twice_changes_nothing() -> None:
    q = np.random.default_rng(1).normal(size=(16, SAMPLES))
    assert np.array_equal(mirror(mirror(q)), q)
    assert not np.array_equal(mirror(q)[6:11], q[6:11]) and np.array_equal(mirror(q)[6:11], q[11:16])
