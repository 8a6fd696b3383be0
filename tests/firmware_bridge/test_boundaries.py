"""Each boundary of boundaries.json, on governor and host limiter: legal passes, one wire step more does not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from edge_runtime.rt.limiter import NONE, STATE, host_limits, limit
from edge_runtime.rt.window import add, least
from firmware_bridge.boundaries import POWER_AT_CNM
from firmware_bridge.host_limits import HOST_LIMITS
from firmware_bridge.table import JOINTS, LIMITER_REASONS
from firmware_bridge.wire import CDEG_PER_RAD, CNM_PER_NM, DDEGPS_PER_RADPS
from tests.firmware_bridge.harness import HOST_ID, STEP_US, Governor

CONTENT: Final = json.loads((Path(__file__).parents[2] / "firmware_bridge/boundaries.json").read_text(encoding="utf-8"))
GOVERNOR: Final = CONTENT["joints"][JOINTS[0]]["governor"] | CONTENT["protocol"]
HOST: Final = CONTENT["joints"][JOINTS[0]]["host"]
SETTLED_STEPS: Final = 300  # longer than the window and every patience but the thermal one
MS: Final = 1_000_000

Probe = Callable[[Governor, int], None]


def climb(g: Governor, cnm: int) -> None:
    """To a torque in two steps, each within the window, and until the window has forgotten the way."""
    for value in range(14, cnm + 14, 14):
        g.tick(min(value, cnm), steps=SETTLED_STEPS if value % 700 == 0 else 1)
    g.tick(cnm, steps=SETTLED_STEPS)


def torque(g: Governor, value: int) -> None:
    climb(g, 1990)
    g.tick(value)


def window(g: Governor, value: int) -> None:
    g.raise_to(1490)
    g.tick(value)


def slew_down(g: Governor, value: int) -> None:
    g.raise_to(1000)
    g.tick(1000 - value)


def lease(g: Governor, value: int) -> None:
    for _ in range(value // STEP_US - 2):  # the last setpoint is a step old already
        g.keep_host()
        g.step()
    g.step(STEP_US + value % STEP_US)


def broken(g: Governor, value: int) -> None:
    for _ in range(value):
        g.frame(HOST_ID, bytes(8))
    g.tick(0)


def counter_step(g: Governor, value: int) -> None:
    """So large a step of the counter on one setpoint stream; a refused frame shows as a lease that ran out."""
    for _ in range(value - 1):
        g.setpoint_data(0, 0, "TORQUE")
    g.setpoint(0, 0, "TORQUE")
    for _ in range(20):
        g.keep_host()
        g.setpoint(1, 0, "TORQUE")
        g.step()


def age_at(cnm: int) -> Probe:
    def probe(g: Governor, value: int) -> None:
        if cnm > 100:
            climb(g, cnm)
        g.tick(cnm, age=value)

    return probe


def held(cnm: int, steps: int, name: str) -> Probe:
    def probe(g: Governor, value: int) -> None:
        if cnm:
            g.raise_to(cnm)
        setattr(g.measured[0], name, value)
        g.tick(cnm, steps=steps)

    return probe


def ticks(**fixed: Any) -> Probe:
    """Setpoints of zero torque in which the field without a value gets the boundary's."""
    name = next(key for key, value in fixed.items() if value is None)
    return lambda g, value: g.tick(0, steps=5, **(fixed | {name: value}))


def tracking(g: Governor, value: int) -> None:
    g.tracks = False
    g.measured[0].torque_cnm = value
    g.tick(0, steps=SETTLED_STEPS)


def opposed(cnm: int, velocity: int, steps: int) -> Callable[[Governor], None]:
    def apply(g: Governor) -> None:
        g.raise_to(cnm)
        g.measured[0].velocity_ddegps = -velocity
        g.tick(cnm, steps=steps)

    return apply


def persist(g: Governor, value: int) -> None:
    g.measured[0].velocity_ddegps = GOVERNOR["velocity"]["illegal"]
    g.tick(0, steps=value + 1)
    g.measured[0].velocity_ddegps = 0
    g.tick(0, steps=5)


def yielding(g: Governor, value: int) -> None:
    g.raise_to(100)
    g.measured[0].position_cdeg = GOVERNOR["position_max"]["illegal"]
    g.tick(100, steps=value + 1)
    g.measured[0].position_cdeg = 0
    g.tick(100, steps=5)


def host_silence(g: Governor, value: int) -> None:
    g.host("ENGAGED", 0, 0)
    for _ in range(value // STEP_US - 1):
        g.step()
        for joint in range(2):
            g.setpoint(joint, 0, "TORQUE")
    g.step(STEP_US + value % STEP_US)


PROBES: Final[dict[str, tuple[Probe, str]]] = {
    "torque": (torque, "torque"),
    "window": (window, "window"),
    "tracking": (tracking, "tracking"),
    "opposing_torque": (lambda g, value: opposed(value, 1000, 400)(g), "opposing"),
    "opposing_velocity": (lambda g, value: opposed(600, value, 400)(g), "opposing"),
    "opposing_time": (lambda g, value: opposed(600, 1000, value)(g), "opposing"),
    "slew_up": (lambda g, value: g.tick(value), "slew_up"),
    "slew_down": (slew_down, "slew_down"),
    "lease_range": (ticks(lease=None), "lease_range"),
    "lease": (lease, "lease"),
    "age_at_full_torque": (age_at(GOVERNOR["age_at_full_torque"]["torque_cnm"]), "age"),
    "age_at_least_torque": (age_at(GOVERNOR["age_at_least_torque"]["torque_cnm"]), "age"),
    "power": (held(POWER_AT_CNM, SETTLED_STEPS, "velocity_ddegps"), "power"),
    "velocity": (held(0, SETTLED_STEPS, "velocity_ddegps"), "velocity"),
    "position_max": (held(100, SETTLED_STEPS, "position_cdeg"), "soft_stop"),
    "position_min": (held(-100, SETTLED_STEPS, "position_cdeg"), "soft_stop"),
    "persist": (persist, "velocity"),
    "yield": (yielding, "soft_stop"),
    "counter_step": (counter_step, "lease"),
    "broken_in_a_row": (broken, "crc"),
    "ahead": (ticks(ahead=None), "apply_at"),
    "late": (ticks(ahead=None), "apply_at"),
    "mode": (lambda g, value: g.tick(0, value), "mode"),
    "host_silence": (host_silence, "host_silent"),
}
ELSEWHERE: Final = {"i2t": "test_slow_rules.py: takes minutes", "clear_velocity": "test_governor_safe.py: leaves SAFE"}
"""Boundaries that other tests hold."""


def test_every_boundary_of_the_governor_has_a_probe() -> None:
    assert set(GOVERNOR) == set(PROBES) | set(ELSEWHERE)


@pytest.mark.parametrize("rule", PROBES)
def test_governor(make_armed: Callable[[], Governor], rule: str) -> None:
    probe, reason = PROBES[rule]
    legal, illegal = make_armed(), make_armed()
    probe(legal, GOVERNOR[rule]["legal"])
    wanted = "host_safe" if rule == "mode" else "none"  # the last mode asks for SAFE
    assert legal.reason == wanted, (legal.state, legal.reason)
    probe(illegal, GOVERNOR[rule]["illegal"])
    assert (illegal.state, illegal.reason) == ("SAFE", reason)


def limited(
    asked_cnm: int, *, before_cnm: int = 0, held_ms: int = 0, hot: float = 0.0, opposed_ms: float = 0.0, **motion: int
) -> tuple[int, str]:
    """The host's setpoint in wire units and its reason, after so long at an earlier torque."""
    lim, s = host_limits(HOST_LIMITS[JOINTS[0]], 20.0)[0], np.zeros(1, STATE)[0]
    position, velocity = motion.get("position", 3000) / CDEG_PER_RAD, motion.get("velocity", 0) / DDEGPS_PER_RADPS
    s["torque_nm"], s["t_ns"] = before_cnm / CNM_PER_NM, 10_000 * MS
    for queue, sign in ((s["lows"], 1.0), (s["highs"], -1.0)):
        if held_ms:
            least(queue, (10_000 - held_ms) * MS, 0)  # no torque until then
        add(queue, sign * s["torque_nm"])
    s["heat_nm2"], s["opposed_ns"] = hot, round(opposed_ms * MS)
    measured = motion.get("measured", asked_cnm) / CNM_PER_NM
    out = limit(lim, s, asked_cnm / CNM_PER_NM, NONE, 1.0, position, velocity, measured, 10_001 * MS)
    return round(out * CNM_PER_NM), LIMITER_REASONS[int(s["reason"])]


LIMITS = HOST_LIMITS[JOINTS[0]]
HOT_NM2: Final = LIMITS.i2t_nm**2 + 1.0
FAST: Final = 1000
HOST_PROBES: Final[dict[str, tuple[Callable[[int], tuple[int, str]], str]]] = {
    "torque": (lambda v: limited(v, before_cnm=1890), "torque"),
    "window": (lambda v: limited(v, before_cnm=1415, held_ms=100), "window"),
    "tracking": (lambda v: limited(v, before_cnm=465, measured=0), "tracking"),
    "opposing_torque": (lambda v: limited(v, before_cnm=300, velocity=-FAST, opposed_ms=1e3), "opposing"),
    "i2t": (lambda v: limited(v, before_cnm=955, hot=HOT_NM2), "i2t"),
    "slew_up": (limited, "slew_up"),
    "slew_down": (lambda v: limited(1000 - v, before_cnm=1000), "slew_down"),
    "power": (lambda v: limited(POWER_AT_CNM, before_cnm=POWER_AT_CNM, velocity=v), "power"),
    "velocity": (lambda v: limited(50, before_cnm=50, velocity=v), "velocity"),
    "position_max": (lambda v: limited(10, before_cnm=10, position=v), "soft_stop"),
    "position_min": (lambda v: limited(-10, before_cnm=-10, position=v), "soft_stop"),
}


def test_every_boundary_of_the_host_has_a_probe() -> None:
    assert set(HOST) == set(HOST_PROBES) | {"opposing_velocity"}


@pytest.mark.parametrize("rule", HOST_PROBES)
def test_host(rule: str) -> None:
    probe, reason = HOST_PROBES[rule]
    assert probe(HOST[rule]["legal"])[1] == "none"
    assert probe(HOST[rule]["illegal"])[1] == reason


@pytest.mark.parametrize(("which", "counted"), [("legal", 0), ("illegal", 1)])
def test_host_counts_what_opposes(which: str, counted: int) -> None:
    lim, s = host_limits(LIMITS, 20.0)[0], np.zeros(1, STATE)[0]
    s["torque_nm"], s["t_ns"] = 6.0, 10_000 * MS
    velocity = -HOST["opposing_velocity"][which] / DDEGPS_PER_RADPS
    limit(lim, s, 6.0, NONE, 1.0, math.radians(30), velocity, 6.0, 10_001 * MS)
    assert s["opposed_ns"] == counted * MS


def test_the_host_is_the_tighter_of_the_two() -> None:
    for rule, host in HOST.items():
        governor = GOVERNOR[rule]
        assert abs(host["illegal"]) <= abs(governor["legal"]), rule
