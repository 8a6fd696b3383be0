"""SAFE of the governor: latched until the host asks to clear it, at the right time, with everything calm."""

from __future__ import annotations

import pytest

from firmware_bridge.table import MUX, TABLE
from tests.firmware_bridge.harness import Governor, reason_code

CLEAR = reason_code("clear_request")


def clear(g: Governor, steps: int = 25) -> None:
    """A host that is calm, then asks to clear."""
    g.host_state, g.host_reason, g.host_due = "READY", 0, 0
    g.tick(0, "ZERO", steps=85)
    g.host_reason, g.host_due = CLEAR, 0
    g.tick(0, "ZERO", steps=steps)
    g.host_reason, g.host_due = 0, 0


def trip(g: Governor) -> None:
    g.raise_to(300)
    g.tick(300, mode="SAFE")
    assert g.state == "SAFE"


def test_safe_stays_whatever_the_host_streams(armed: Governor) -> None:
    trip(armed)
    armed.tick(0, "ZERO", steps=700)
    armed.tick(300, "TORQUE", steps=200)
    assert (armed.state, armed.reason, armed.torque) == ("SAFE", "host_safe", (0, 0))


def test_safe_clears_to_idle_and_arms_again_only_from_ready(armed: Governor) -> None:
    trip(armed)
    armed.host_state = "ENGAGED"
    armed.tick(0, "ZERO", steps=520)
    armed.host_reason, armed.host_due = CLEAR, 0
    armed.tick(0, "ZERO", steps=3)
    assert armed.state == "IDLE"
    armed.host_reason = 0
    armed.tick(0, "ZERO", steps=100)
    assert armed.state == "IDLE"
    armed.host_state = "READY"
    armed.tick(0, "ZERO", steps=25)
    assert armed.state == "READY"


def test_clear_is_refused_before_its_time(armed: Governor) -> None:
    trip(armed)
    clear(armed, steps=390)
    assert armed.state == "SAFE"
    clear(armed, steps=60)
    assert armed.state == "READY"


def test_a_stuck_clear_request_does_not_clear(armed: Governor) -> None:
    armed.host_reason = CLEAR
    trip(armed)
    armed.tick(0, "ZERO", steps=900)
    assert armed.state == "SAFE"


def test_clears_at_the_velocity_limit(armed: Governor) -> None:
    trip(armed)
    armed.tick(0, "ZERO", steps=520)
    armed.measured[1].velocity_ddegps = -round(TABLE.safe.clear_velocity_degps * 10)
    clear(armed)
    assert armed.state == "READY"


@pytest.mark.parametrize("obstacle", ["torque", "velocity", "sensor", "hash", "host"])
def test_clear_conditions(armed: Governor, obstacle: str) -> None:
    trip(armed)
    armed.tick(0, "ZERO", steps=520)
    armed.host_reason, armed.host_due = CLEAR, 0
    if obstacle == "velocity":
        armed.measured[1].velocity_ddegps = round(TABLE.safe.clear_velocity_degps * 10) + 1
    if obstacle == "sensor":
        armed.measured[1].valid = 0
    if obstacle == "hash":
        armed.host("READY", MUX["PROFILE_HASH"], 1)
        armed.host_mux = 0
    if obstacle == "host":
        armed.host_state = "SAFE"
    mode = "TORQUE" if obstacle == "torque" else "ZERO"
    armed.tick(0, mode, steps=30)
    assert armed.state == "SAFE"


@pytest.mark.parametrize(("early_us", "state"), [(0, "IDLE"), (1, "SAFE")])
def test_clear_time_at_the_microsecond(armed: Governor, early_us: int, state: str) -> None:
    trip(armed)
    tripped_us = armed.now_us - 1000
    armed.tick(0, "ZERO", steps=400)
    armed.host("READY", 0, 0, CLEAR)
    until_us = tripped_us + round(TABLE.safe.clear_after_ms * 1000)
    armed.step(until_us - early_us - armed.now_us)
    assert armed.state == state
