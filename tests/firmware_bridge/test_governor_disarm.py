"""The host's state says disarmed while torque goes on: its own release may finish, anything longer ends in SAFE."""

from __future__ import annotations

import pytest

from firmware_bridge.table import GOVERNOR_REASONS
from tests.firmware_bridge.harness import STEP_US, Governor

RELEASE_MS = 100  # GOV_RELEASE_US of the governor


def disarm(g: Governor, state: str) -> int:
    """The host's state falls while its setpoints go on; returns the time at which the governor saw it."""
    g.raise_to(300)
    g.host_state, g.host_due = state, 0
    g.tick(300)
    return g.now_us


@pytest.mark.parametrize("host_state", ["OFF", "IDLE", "READY"])
@pytest.mark.parametrize(("after_ms", "state"), [(99, "ENGAGED"), (100, "ENGAGED"), (101, "SAFE")])
def test_torque_that_outlives_the_hosts_state(armed: Governor, host_state: str, after_ms: int, state: str) -> None:
    disarm(armed, host_state)
    armed.tick(300, steps=after_ms)
    assert (armed.state, armed.reason) == (state, "mode" if state == "SAFE" else "none")


@pytest.mark.parametrize(("late_us", "state"), [(0, "ENGAGED"), (1, "SAFE")])
def test_disarmed_torque_at_the_microsecond(armed: Governor, late_us: int, state: str) -> None:
    seen_us = disarm(armed, "OFF")
    armed.tick(300, steps=RELEASE_MS - 1)
    armed.keep_host()
    for joint in range(2):
        armed.setpoint(joint, 300, "TORQUE")
    armed.step(seen_us + RELEASE_MS * STEP_US + late_us - armed.now_us)
    assert armed.state == state


def test_disarmed_torque_mode_at_zero_trips(armed: Governor) -> None:
    armed.raise_to(14)
    armed.tick(0, steps=5)
    armed.host_state, armed.host_due = "READY", 0
    armed.tick(0, steps=RELEASE_MS + 1)
    assert (armed.state, armed.torque) == ("ENGAGED", (0, 0))
    armed.tick(0)
    assert (armed.state, armed.reason) == ("SAFE", "mode")


def test_one_joint_alone_in_mode_torque_trips(armed: Governor) -> None:
    armed.raise_to(28)
    armed.host_state, armed.host_due = "OFF", 0
    for _ in range(RELEASE_MS + 2):
        armed.keep_host()
        armed.setpoint(0, 28, "TORQUE")
        armed.setpoint(1, 0, "OFF")
        armed.step()
    assert (armed.state, armed.reason) == ("SAFE", "mode")


@pytest.mark.parametrize(("host_state", "after"), [("OFF", "IDLE"), ("READY", "READY")])
@pytest.mark.parametrize("mode", ["OFF", "ZERO"])
def test_a_release_after_the_state_fell_is_an_orderly_stop(
    armed: Governor, host_state: str, after: str, mode: str
) -> None:
    armed.raise_to(1400)
    armed.host_state, armed.host_due = host_state, 0
    for cnm in range(1400, 0, -35):
        armed.tick(cnm, ahead=10)
        assert (armed.state, armed.reason) == ("ENGAGED", "none")
    armed.tick(0, mode, steps=200, ahead=10)
    assert (armed.state, armed.reason, armed.torque) == (after, "none", (0, 0))


@pytest.mark.parametrize(("back", "state"), [("ARMED", "ENGAGED"), ("ENGAGED", "ENGAGED"), ("DEGRADED", "DEGRADED")])
def test_a_host_that_is_armed_again_in_time_goes_on(armed: Governor, back: str, state: str) -> None:
    armed.raise_to(300)
    for _ in range(3):
        armed.host_state, armed.host_due = "READY", 0
        armed.tick(300, steps=RELEASE_MS - 10)
        armed.host_state, armed.host_due = back, 0
        armed.tick(300, steps=30)
        assert (armed.state, armed.reason) == (state, "none")


def test_the_time_of_an_earlier_disarming_is_forgotten(armed: Governor) -> None:
    disarm(armed, "READY")
    armed.tick(300, steps=RELEASE_MS - 10)
    armed.tick(300, "SAFE")
    armed.tick(0, "ZERO", steps=600)
    armed.host_reason, armed.host_due = GOVERNOR_REASONS["clear_request"], 0
    armed.tick(0, "ZERO", steps=3)
    armed.host_reason = 0
    armed.tick(0, "ZERO", steps=100)
    armed.host_state, armed.host_due = "ARMED", 0
    armed.tick(0, "ZERO")
    assert armed.state == "ARMED"
    armed.host("READY", 0, 0)
    armed.host_due = armed.now_us + 20_000
    armed.tick(0, "TORQUE", steps=10)
    assert (armed.state, armed.reason) == ("ENGAGED", "none")
