"""Events of a made-up walk: each once, with hysteresis, a phase from the last stride, none without a stride."""

from __future__ import annotations

import numpy as np
import pytest

from edge_runtime.biomech.gait_events import GaitEvents
from edge_runtime.types import F64

FRAME_NS = 10_000_000
STRIDE = 100  # frames


def walk(frames: int, first: int = 0) -> F64:
    """Contact [frames, 2]: right down for 60 of 100 frames, left half a stride later."""
    at = np.arange(first, first + frames)
    return np.stack([(at % STRIDE < 60) * 1.0, ((at + 50) % STRIDE < 60) * 1.0], axis=1)


def follow(contact: F64, events: GaitEvents | None = None) -> tuple[F64, F64, GaitEvents]:
    """Codes and phases [N, 2] of the whole stream."""
    events = events or GaitEvents()
    codes, phases = [], []
    for i, row in enumerate(contact):
        events.step(i * FRAME_NS, row)
        codes.append(events.code())
        phases.append(events.phase.copy())
    return np.array(codes), np.array(phases), events


def test_each_event_comes_once_on_its_frame() -> None:
    codes, _, _ = follow(walk(400, first=30))
    assert np.flatnonzero(codes[:, 0] == 1).tolist() == [70, 170, 270, 370]
    assert np.flatnonzero(codes[:, 0] == -1).tolist() == [30, 130, 230, 330]
    assert np.flatnonzero(codes[:, 1] == 1).tolist() == [20, 120, 220, 320]


def test_the_first_frame_is_no_event() -> None:
    codes, _, events = follow(walk(1))
    assert not codes.any()
    assert events.stance[0]


def test_a_flicker_between_the_thresholds_is_nothing() -> None:
    contact = walk(100)
    contact[30:33, 0], contact[70:73, 0] = 0.45, 0.55
    codes, _, _ = follow(contact)
    assert np.flatnonzero(codes[:, 0]).tolist() == [60]


def test_phase_runs_from_strike_to_strike_after_one_stride() -> None:
    _, phases, events = follow(walk(350, first=30))
    assert np.isnan(phases[:170, 0]).all()
    assert phases[170:270, 0] == pytest.approx(np.arange(100) / 100)
    assert events.stride_s == pytest.approx([1.0, 1.0])


def test_a_late_strike_holds_the_phase_and_a_stop_ends_it() -> None:
    contact = np.vstack([walk(290, first=30), np.zeros((200, 2))])
    _, phases, _ = follow(contact)
    assert phases[400, 0] == 1.0
    assert np.isnan(phases[-1]).all()


def test_what_is_too_long_for_a_stride_gives_no_phase() -> None:
    contact = np.vstack([walk(290, first=30), np.zeros((300, 2)), np.ones((20, 2))])
    codes, phases, events = follow(contact)
    assert codes[590].tolist() == [1.0, 1.0]
    assert np.isnan(phases[-1]).all() and np.isnan(events.stride_s).all()


def test_reset_forgets_stride_and_stance() -> None:
    _, _, events = follow(walk(350))
    events.reset()
    assert not events.stance.any() and np.isnan(events.phase).all()
    events.step(351 * FRAME_NS, np.ones(2))
    assert not events.struck.any()
