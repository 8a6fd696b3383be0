"""Offset of the governor's clock: follows the fastest frames, the wrap of the counter, and drift."""

from __future__ import annotations

import random
from itertools import pairwise

from firmware_bridge import clock

MS = 1_000_000


def governor_clock(t_ns: int) -> int:
    return (t_ns // clock.TICK_NS) & 0xFFFFFFFF


def test_nothing_known_is_zero() -> None:
    assert clock.clock_offset_ns(clock.clock()) == 0


def test_late_frames_do_not_pull_it() -> None:
    rng, state, offset = random.Random(1), clock.clock(), -123_456_789_000
    for k in range(200):
        sent = 10**12 + k * 100 * MS
        delay = 200_000 if k % 10 == 0 else rng.randrange(200_000, 5 * MS)
        clock.clock_update(state, governor_clock(sent + offset), sent + delay)
    assert -400_000 <= clock.clock_offset_ns(state) - offset <= 0


def test_survives_the_wrap() -> None:
    state, start = clock.clock(), (2**32 - 50) * clock.TICK_NS
    for k in range(100):
        sent = start + k * MS
        clock.clock_update(state, governor_clock(sent), sent)
        assert abs(clock.clock_offset_ns(state)) <= clock.TICK_NS


def test_follows_drift() -> None:
    state = clock.clock()
    for k in range(1000):
        sent = k * 100 * MS
        clock.clock_update(state, governor_clock(sent - sent // 20_000), sent)
    error = clock.clock_offset_ns(state) + 999 * 100 * MS // 20_000
    assert 0 <= error <= 2 * clock.WINDOW * 100 * MS // 20_000


def test_falls_slowly_when_the_best_sample_is_forgotten() -> None:
    state, offsets = clock.clock(), []
    for k in range(400):
        sent, delay = k * 100 * MS, 0 if k == 5 else 900_000
        clock.clock_update(state, governor_clock(sent), sent + delay)
        offsets.append(clock.clock_offset_ns(state))
    falls = [before - after for before, after in pairwise(offsets)]
    assert max(falls) == clock.FALL_MAX_NS
    assert (offsets[5], offsets[-1]) == (0, -900_000)
