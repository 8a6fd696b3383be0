"""Rules called by themselves, at the edges that no frame can reach: single microseconds, millionths of 0.01 Nm."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Final

from firmware_bridge.table import TABLE
from tests.assurance.reference_rules import (
    AGE_FULL_US,
    AGE_ZERO_US,
    BUCKETS,
    Limits,
    Window,
    limits_of,
    moved,
)
from tests.assurance.tape import Recorder

TABLE_LIMITS: Final = limits_of(next(iter(TABLE.joints.values())), 1 << 30)
NEAR: Final = (-1, 0, 1)


def record_rules(tape: Recorder, rng: random.Random) -> None:
    """Every rule, densely."""
    _faded(tape)
    _slew(tape, rng)
    _opposed(tape, rng)
    _heat(tape, rng)
    for _ in range(60):
        _window(tape, rng)


def _faded(tape: Recorder) -> None:
    span = AGE_ZERO_US - AGE_FULL_US
    for limit in (2000, 1, 0, 100_000_000):
        for edge in (AGE_FULL_US, AGE_ZERO_US, (AGE_FULL_US + AGE_ZERO_US) // 2, 0, 255_000):
            for age in (edge + near for near in NEAR):
                left = min(max(AGE_ZERO_US - age, 0), span)
                tape.rule("f", TABLE_LIMITS, (limit, age), limit * left // span)


def _slew(tape: Recorder, rng: random.Random) -> None:
    for _ in range(4000):
        limits = replace(TABLE_LIMITS, up=rng.choice((7, 15_000)), down=rng.choice((13, 60_000)))
        dt = rng.choice((0, 1, 2, 3, 1000, 20_000))
        fall, rise = limits.down * dt, limits.up * dt
        start = rng.choice((0, 0, 1, fall, fall + 1, fall - 1, 10 * fall + 5, fall // 2, limits.down, limits.down + 1))
        left = max(dt - -(-start // limits.down), 0)
        edges = (0, start, start + rise, start - fall, -limits.up * left, -start, 10**9)
        goal = rng.choice(edges) + rng.choice(NEAR)
        sign = rng.choice((-1, 1))
        start, goal = sign * max(start, 0), sign * goal
        tape.rule("s", limits, (start, goal, dt), moved(limits, start, goal, dt))


def _opposed(tape: Recorder, rng: random.Random) -> None:
    for _ in range(3000):
        limits = replace(TABLE_LIMITS, opposing=rng.choice((0, 300)), opposing_velocity=rng.choice((0, 600)))
        cnm = rng.choice((-1, 1)) * (rng.choice((0, limits.opposing, 1000)) + rng.choice(NEAR))
        velocity = rng.choice((-1, 1)) * (rng.choice((0, limits.opposing_velocity, 5000)) + rng.choice(NEAR))
        before, dt = rng.choice((0, 1, 999, 1000, 1001, 300_000)), rng.choice((0, 1, 1000, 2000))
        against = abs(cnm) > limits.opposing and abs(velocity) > limits.opposing_velocity and cnm * velocity < 0
        after = before + dt if against else max(before - dt, 0)
        tape.rule("o", limits, (before, cnm, velocity, dt), after)


def _heat(tape: Recorder, rng: random.Random) -> None:
    for _ in range(300):
        limits = replace(TABLE_LIMITS, i2t_us=rng.choice((1_000_000, 20_000_000)), i2t=rng.choice((0, 3, 1000)))
        heat = rng.randrange(4_000_000) * limits.i2t_us + rng.choice((0, 1, limits.i2t_us - 1))
        cnm, dt = rng.choice((0, 5, -2000, 2000, 46_341)), rng.choice((0, 1, 1000, 2000))
        tape.rule("h", limits, (heat, cnm, dt), heat + (cnm * cnm - heat // limits.i2t_us) * dt)
        for edge in (limits.i2t**2, limits.i2t**2 + 1):
            for near in NEAR:
                value = edge * limits.i2t_us + near
                tape.rule("t", limits, (value,), int(value >= (limits.i2t**2 + 1) * limits.i2t_us))


def _window(tape: Recorder, rng: random.Random) -> None:
    """One window through time: held, added and asked at the edges of its stretches and of its limit."""
    limits = replace(TABLE_LIMITS, bucket_us=rng.choice((7, 10_000)), window=rng.choice((100, 1500)))
    size, length = limits.bucket_us, limits.bucket_us * BUCKETS
    now = rng.choice((0, 3 * size, 10**9))
    window = Window()
    tape.rule("w", limits, ())
    for number in range(60):
        now += rng.choice((0, 1, size - now % size, size - 1, size, length - size, length, length + size, 3 * length))
        late = now - rng.choice((0, 0, 1, 2 * size)) if rng.random() < 0.3 else now
        late = max(late, 0)
        held = window.parts[-1][3]
        lows = [part[1] for part in window.parts] + [held]
        highs = [part[2] for part in window.parts] + [held]
        edge = rng.choice((min(lows) + limits.window, max(highs) - limits.window, held, 0, 0))
        cnm = edge + rng.choice(NEAR)
        if number < 4:  # far out, so that zero itself lies beyond the window
            now, cnm = now + 3 * length, (number + 1) * limits.window * rng.choice((-1, 1, 1))
            late = now
        elif number < 8:
            cnm = rng.choice((0, 1, -1))
        allowed = window.allows(limits, cnm, late)
        tape.rule("a", limits, (cnm, held, late), int(allowed))
        if allowed and rng.random() < 0.7:
            window.add(limits, cnm, late)
            tape.rule("n", limits, (cnm,))
        else:  # the governor opens the stretches when it asks
            _open(window, limits, late)


def _open(window: Window, limits: Limits, at_us: int) -> None:
    """Time that passes without a new torque: the last one is held."""
    if at_us // limits.bucket_us > window.parts[-1][0]:
        window.add(limits, window.parts[-1][3], at_us)
