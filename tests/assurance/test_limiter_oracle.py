"""The host limiter against its reference, at the edges of every rule; with numba's compiler and without."""

from __future__ import annotations

import math
import random
from types import SimpleNamespace
from typing import Any, Final

import numba
import numpy as np
import pytest

from edge_runtime.rt import limiter
from edge_runtime.rt.window import ROWS
from firmware_bridge.table import LIMITER_REASONS, TABLE
from tests.assurance.reference_limiter import HostLimiter, HostLimits

HOST: Final = TABLE.host_limits("knee_r")
LIM: Final = limiter.host_limits(HOST, HOST.torque_nm)[0]
LIMITS: Final = HostLimits(*(LIM[name].item() for name in limiter.LIMITS.names or ()))
MS: Final = 1_000_000
START_NS: Final = 10_000 * MS
WITHHELD: Final = ("none",) * 8 + ("disengaged", "stale", "kcf")
EPS: Final = 1e-6


def plain(record: Any) -> Any:
    """For the interpreter: a record of Python values; for the compiler: the record itself."""
    if not numba.config.DISABLE_JIT:
        return record
    fields = {name: record[name] for name in record.dtype.names}
    return SimpleNamespace(**{k: plain(v) if isinstance(v, np.void) else v.tolist() for k, v in fields.items()})


def told(state: Any, name: str) -> Any:
    """One field of a state."""
    return state[name].item() if isinstance(state, np.void) else getattr(state, name)


def pair(torque: float, heat: float, opposed_ns: int, limits: Any = LIM) -> tuple[Any, HostLimiter]:
    """Limiter state and reference that have held `torque` for ever."""
    record = np.zeros(1, limiter.STATE)[0]
    values = {"torque_nm": torque, "t_ns": START_NS, "heat_nm2": heat, "opposed_ns": opposed_ns}
    for name, value in values.items():
        record[name] = value
    for queue, sign in ((record["lows"], 1.0), (record["highs"], -1.0)):
        queue["until_ns"], queue["nm"] = START_NS, sign * torque
    own = HostLimits(*(limits[name].item() for name in limiter.LIMITS.names or ()))
    return plain(record), HostLimiter(own, torque, START_NS, "none", opposed_ns, heat, [(START_NS, torque)])


def near(rng: random.Random, *values: float) -> float:
    """One of the values, with either sign, exactly or a hair beside."""
    return rng.choice((-1, 1)) * (rng.choice(values) + rng.choice((0.0, 0.0, EPS, -EPS)))


def world(rng: random.Random, torque: float) -> tuple[float, str, float, float, float, float]:
    """asked, withheld, gain, position, velocity, measured."""
    asked = near(
        rng,
        0.0,
        LIMITS.torque_nm,
        LIMITS.torque_nm,
        25.0,
        LIMITS.power_w / 4,
        LIMITS.opposing_nm,
        LIMITS.i2t_nm,
        abs(torque),
    )
    if rng.random() < 0.03:
        asked = rng.choice((math.nan, math.inf, -math.inf))
    gain = rng.choice((1.0,) * 6 + (0.5, 0.0, 0.999999))
    position = rng.choice((0.5,) * 4 + (LIMITS.position_max_rad, LIMITS.position_min_rad))
    position += rng.choice((0.0, 0.0, EPS, -EPS))
    velocity = near(rng, 0.0, 0.0, 4.0, LIMITS.velocity_radps, LIMITS.opposing_radps, LIMITS.opposing_radps, 1.5, 8.0)
    measured = torque + near(rng, 0.0, 0.0, 0.0, LIMITS.tracking_nm)
    return asked, rng.choice(WITHHELD), gain, position, velocity, measured


def check(
    state: Any, reference: HostLimiter, cycle: tuple[float, str, float, float, float, float], now_ns: int
) -> None:
    """One cycle of both gives the same torque for the same reason, and leaves the same memory."""
    asked, withheld, *motion = cycle
    limits = plain(LIM)
    torque = limiter.limit(limits, state, asked, LIMITER_REASONS.index(withheld), *motion, now_ns)
    expected = reference.limit(asked, withheld, motion[0], motion[1], motion[2], motion[3], now_ns)
    assert torque == pytest.approx(expected, abs=1e-9)
    assert LIMITER_REASONS[told(state, "reason")] == reference.reason
    assert told(state, "opposed_ns") == reference.opposed_ns
    assert told(state, "heat_nm2") == pytest.approx(reference.heat_nm2, abs=1e-9)
    assert (told(state, "torque_nm"), told(state, "t_ns")) == (torque, now_ns)
    reference.torque_nm = torque  # rounding must not add up


@pytest.mark.parametrize("seed", range(4))
def test_as_the_reference_at_the_edges(seed: int) -> None:
    rng = random.Random(seed)
    ease_ns = round(0.8 * LIMITS.opposing_ns)
    for _ in range(60):
        torque = near(rng, 0.0, 0.0, 3.0, 10.0, LIMITS.i2t_nm, LIMITS.torque_nm, LIMITS.power_w / 4)
        torque = max(-LIMITS.torque_nm, min(LIMITS.torque_nm, torque))
        heat = rng.choice((0.0, 0.8, 0.9, 1.0, 2.0)) * LIMITS.i2t_nm**2
        opposed = rng.choice((0, MS, 3 * MS, ease_ns, ease_ns + MS, LIMITS.opposing_ns, LIMITS.opposing_ns - MS))
        state, reference = pair(torque, heat, opposed)
        now_ns = START_NS
        for _ in range(5):
            now_ns += rng.choice((MS, MS, MS, 0, MS // 2, 2 * MS, 2 * MS + 1, 5 * MS, 40 * MS, -MS))
            check(state, reference, world(rng, reference.torque_nm), now_ns)


def still(asked: float, measured: float) -> tuple[float, str, float, float, float, float]:
    """A standing wearer with the whole gain."""
    return asked, "none", 1.0, 0.5, 0.0, measured


@pytest.mark.parametrize("sign", [1, -1])
def test_as_the_reference_through_the_window(sign: int) -> None:
    """Up to the window's limit, wait for its length to the nanosecond, go on; then away from the top."""
    for late_ns in (0, 1):
        state, reference = pair(0.0, 0.0, 0)
        now_ns = START_NS
        for _ in range(110):
            now_ns += MS
            check(state, reference, still(sign * 19.0, reference.torque_nm), now_ns)
        assert abs(reference.torque_nm) == pytest.approx(LIMITS.window_nm)
        # the first setpoint was replaced at START_NS + 1 ms, the second 1 ms later
        for end_ns in (START_NS + MS, START_NS + 2 * MS):
            now_ns = end_ns + LIMITS.window_ns + late_ns
            check(state, reference, still(sign * 19.0, reference.torque_nm), now_ns)
        for _ in range(25):
            now_ns += 2 * MS
            check(state, reference, still(-sign * 3.0, reference.torque_nm), now_ns)


def test_remembers_the_whole_window_at_early_cycles() -> None:
    """Periods of half a millisecond fill the memory to its last row."""
    period_ns = LIMITS.window_ns // (ROWS - 1)
    assert LIMITS.window_ns // period_ns + 1 == ROWS
    state, reference = pair(0.0, 0.0, 0)
    now_ns = START_NS
    for _ in range(ROWS + 8):
        now_ns += period_ns
        check(state, reference, still(19.0, reference.torque_nm), now_ns)


def test_first_cycle_and_its_time() -> None:
    """Before the first cycle there is no time: nothing grows in it."""
    record = np.zeros(1, limiter.STATE)[0]
    state = plain(record)
    assert limiter.limit(plain(LIM), state, 5.0, limiter.NONE, 1.0, 0.5, 0.0, 0.0, START_NS) == 0.0
    assert limiter.limit(plain(LIM), state, 5.0, limiter.NONE, 1.0, 0.5, 0.0, 0.0, START_NS + MS) > 0.1


def test_first_cycle_at_the_first_nanosecond() -> None:
    state = plain(np.zeros(1, limiter.STATE)[0])
    for now_ns, least in ((1, 0.0), (1 + MS, 0.1)):
        assert limiter.limit(plain(LIM), state, 5.0, limiter.NONE, 1.0, 0.5, 0.0, 0.0, now_ns) >= least


@pytest.mark.parametrize(
    ("torque", "velocity", "reason"),
    [
        (LIMITS.power_w / 4, 4.0, "none"),  # exactly the power allowed
        (LIMITS.power_w / 4, -4.0, "none"),
        (0.05, LIMITS.velocity_radps, "velocity"),  # hardly any power, but too fast
        (-0.05, -LIMITS.velocity_radps, "velocity"),
        (0.05, -LIMITS.velocity_radps, "none"),
    ],
)
def test_rules_of_motion_exactly_at_their_limits(torque: float, velocity: float, reason: str) -> None:
    state, reference = pair(torque, 0.0, 0)
    check(state, reference, (torque, "none", 1.0, 0.5, velocity, torque), START_NS)
    if reason == "none":
        assert reference.reason == reason
    check(state, reference, (torque, "none", 1.0, 0.5, velocity, torque), START_NS + MS)


def test_host_limits_take_every_field() -> None:
    assert tuple(limiter.host_limits(HOST, 5.0)[0]) == (5.0, *tuple(LIM)[1:])
    expected = HostLimits(
        torque_nm=0.95 * 20.0,
        slew_up_nm_per_s=0.95 * 150.0,
        slew_down_nm_per_s=0.95 * 600.0,
        window_nm=0.95 * 15.0,
        window_ns=round(250e6 / 0.95),
        power_w=0.95 * 60.0,
        velocity_radps=math.radians(0.95 * 700.0),
        position_min_rad=math.radians(52.5 - 0.95 * 57.5),
        position_max_rad=math.radians(52.5 + 0.95 * 57.5),
        tracking_nm=0.95 * 5.0,
        opposing_nm=0.95 * 3.0,
        opposing_radps=math.radians(0.95 * 60.0),
        opposing_ns=round(0.95 * (300.0 - 20.0) * 1e6),
        i2t_nm=0.95 * 10.0,
        i2t_s=20.0,
    )
    for name in limiter.LIMITS.names or ():
        value = getattr(expected, name)
        assert getattr(LIMITS, name) == (value if isinstance(value, int) else pytest.approx(value)), name


def test_starts_as_hot_as_it_may_be() -> None:
    state = limiter.new_state(limiter.host_limits(HOST, HOST.torque_nm))
    assert state.shape == (1,)
    assert state["heat_nm2"][0] == LIMITS.i2t_nm**2
    assert state["torque_nm"][0] == 0.0
