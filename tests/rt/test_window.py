"""The monotonic queue against a plain list of everything it has seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from edge_runtime.rt.window import QUEUE, ROWS, add, least
from tests.assurance.test_limiter_oracle import plain

MS = 1_000_000
WINDOW_NS = 250 * MS
START_NS = 10_000 * MS


def fresh() -> Any:
    return plain(np.zeros(1, QUEUE)[0])


steps = st.tuples(st.integers(-20, 20), st.one_of(st.integers(0, 3), st.integers(200, 300)))


@settings(max_examples=300, deadline=None)
@given(st.lists(steps, max_size=200))
def test_it_answers_as_the_whole_list_would(sequence: list[tuple[int, int]]) -> None:
    queue, now_ns = fresh(), START_NS
    past: list[tuple[int, float]] = []  # until when, how much
    last = 0.0
    for setpoint, gap_ms in sequence:
        now_ns += gap_ms * MS
        past.append((now_ns, last))
        expected = min(nm for until_ns, nm in past if now_ns - until_ns <= WINDOW_NS)
        assert least(queue, now_ns, WINDOW_NS) == expected
        add(queue, float(setpoint))
        last = float(setpoint)


@pytest.mark.parametrize(("held_ms", "expected"), [(250, 1.0), (251, 2.0)])
def test_a_setpoint_counts_to_the_end_of_the_window(held_ms: int, expected: float) -> None:
    queue = fresh()
    least(queue, START_NS, WINDOW_NS)
    add(queue, 1.0)
    least(queue, START_NS + 7 * MS, WINDOW_NS)
    add(queue, 2.0)
    assert least(queue, START_NS + (7 + held_ms) * MS, WINDOW_NS) == expected


@njit
def _fill(queue: Any, count: int) -> float:
    for k in range(count):
        least(queue, START_NS + k, WINDOW_NS)
        add(queue, float(k))
    return least(queue, START_NS + count, WINDOW_NS)


def test_one_that_is_full_forgets_none_of_the_small_ones() -> None:
    queue = fresh()
    assert _fill(queue, 3 * ROWS) == 0.0
    late_ns = START_NS + 3 * ROWS + WINDOW_NS
    assert least(queue, late_ns, 0) == ROWS - 1.0  # the last one taken: smaller than those that were not


def test_long_after_only_the_newest_is_left() -> None:
    queue = fresh()
    _fill(queue, 100)
    assert least(queue, START_NS + 10**12, WINDOW_NS) == 99.0


def test_it_goes_on_for_ever() -> None:
    queue, span = fresh(), WINDOW_NS // MS
    for k in range(3 * ROWS):
        lowest = least(queue, START_NS + k * MS, WINDOW_NS)
        if k > span + 1:
            assert lowest == k - 1 - span  # replaced one window ago
        add(queue, float(k))
