"""Walking and running told apart by contact; novelty and disagreement measured against their limits over time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.grf.doubt import BLOCK_ROWS, FAR, Doubt, Gait, blocks_known
from engines.grf.features import BASE
from engines.grf.weights import Limits

LIMITS = Limits((2.0, 1.0), 0.1, 0.5, 0.6, ((1.0,) * 3,) * 2)
FRAME_NS = 16_666_667
KNOWN = np.ones((2, 2), dtype=np.bool_)


def gait(duty: float, seconds: float = 3.0) -> float:
    """Running share after feet in turn on the ground for `duty` of a 0.8 s stride."""
    tell, found = Gait(), 0.0
    for i in range(round(seconds * 60)):
        phase = (i / 60 / 0.8) % 1.0
        down = [float(phase < duty), float((phase + 0.5) % 1.0 < duty)]
        found = tell.step(i * FRAME_NS, np.array(down))
    return found


def test_flight_is_running_double_support_is_not() -> None:
    assert gait(0.35) > 0.9
    assert gait(0.62) < 0.1
    assert gait(1.0) < 0.05


def test_neither_flight_nor_double_support_is_undecided() -> None:
    assert gait(0.5) == pytest.approx(0.5, abs=0.1)


def settled(
    novelty: list[float], apart_bw: float = 0.0, unexplained: float = 0.0, frames: int = 120
) -> tuple[Doubt, float]:
    doubt, strange = Doubt(LIMITS), 0.0
    for i in range(frames):
        strange = doubt.step(i * FRAME_NS, np.array([novelty, [0.0, 0.0]]), KNOWN, apart_bw, unexplained)
    return doubt, strange


@pytest.mark.parametrize(
    ("novelty", "apart_bw", "unexplained", "expected"),
    [
        ([2.0, 0.1], 0.0, 0.2, 1.0),
        ([0.1, 0.5], 0.0, 0.2, 0.5),
        ([0.2, 0.1], 0.15, 0.5, 1.5),
        ([0.2, 0.1], 0.05, 1.0, 2.0),
    ],
)
def test_the_nearest_limit_counts(novelty: list[float], apart_bw: float, unexplained: float, expected: float) -> None:
    assert settled(novelty, apart_bw, unexplained)[1] == pytest.approx(expected, rel=1e-3)


def test_doubt_begins_at_the_usual_and_is_whole_at_the_limit() -> None:
    doubt = Doubt(LIMITS)
    assert [doubt.level(x) for x in (0.0, 0.6, 0.8, 1.0, 3.0)] == pytest.approx([0.0, 0.0, 0.5, 1.0, 1.0])


def test_the_network_is_kept_up_to_a_limit_and_given_up_just_past_it() -> None:
    lost = [Doubt.lost(x) for x in (0.0, 0.9, 1.0, 0.5 * (1.0 + FAR), FAR, 5.0)]
    assert lost == pytest.approx([0.0, 0.0, 0.0, 0.5, 1.0, 1.0])


def test_a_short_oddity_is_smoothed_and_a_lasting_one_is_not() -> None:
    doubt, _ = settled([0.5, 0.2])
    start = 120 * FRAME_NS
    first = doubt.step(start, np.full((2, 2), 4.0), KNOWN, 0.0, 0.0)
    assert first < 1.0
    for i in range(1, 30):
        last = doubt.step(start + i * FRAME_NS, np.full((2, 2), 4.0), KNOWN, 0.0, 0.0)
    assert last > 1.0


def test_what_is_hidden_keeps_its_last_value() -> None:
    doubt, before = settled([1.0, 0.9])
    for i in range(120, 180):
        after = doubt.step(i * FRAME_NS, np.full((2, 2), 9.0), ~KNOWN, 0.0, 0.0)
    assert after == pytest.approx(before)


@given(st.integers(0, len(BASE) - 1), st.integers(0, 62))
def test_a_block_is_known_only_if_seen_throughout(row: int, at: int) -> None:
    seen = np.ones((2, len(BASE), 63), dtype=np.bool_)
    seen[1, row, at] = False
    known = blocks_known(seen)
    assert known[0].all()
    assert known[1].tolist() == [row not in rows for rows in BLOCK_ROWS]
