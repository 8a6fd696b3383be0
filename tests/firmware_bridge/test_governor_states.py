"""States of the governor: silent at boot, armed only after the handshake, SAFE on every fault."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from firmware_bridge.table import MUX, TABLE
from tests.firmware_bridge.harness import (
    GOVERNOR_ID,
    HASHES,
    JOINT_STATE_ID,
    JOINTS,
    SETPOINT_ID,
    Governor,
)


def test_boots_silent_and_waits_for_sensors(governor: Governor) -> None:
    governor.measured[1].valid = 0
    governor.listen(50)
    assert (governor.state, governor.reason, governor.torque) == ("OFF", "boot", (0, 0))
    governor.measured[1].valid = 1
    governor.listen(1)
    assert (governor.state, governor.reason) == ("IDLE", "no_host")


def test_needs_all_three_hashes(governor: Governor) -> None:
    governor.step()
    for mux in (MUX["PROTOCOL_HASH"], MUX["LIMITS_HASH"]):
        governor.host("READY", mux, HASHES[mux])
        governor.step()
        assert (governor.state, governor.reason) == ("IDLE", "no_host")
    governor.host("READY", MUX["PROFILE_HASH"], HASHES[MUX["PROFILE_HASH"]])
    governor.step()
    assert governor.state == "READY"


@pytest.mark.parametrize("name", ["PROTOCOL_HASH", "LIMITS_HASH", "PROFILE_HASH"])
@pytest.mark.parametrize("flip", [1, 1 << 31])
def test_a_differing_hash_refuses_and_says_which(governor: Governor, name: str, flip: int) -> None:
    governor.step()
    for mux, value in HASHES.items():
        governor.host("READY", mux, value ^ (flip if mux == MUX[name] else 0))
    governor.tick(0, "ZERO", steps=5)
    assert (governor.state, governor.reason) == ("IDLE", name.lower())
    governor.host("ARMED", MUX[name], HASHES[MUX[name]] ^ flip)
    governor.step()
    assert governor.state == "IDLE"


def test_a_hash_that_changes_while_live_trips(armed: Governor) -> None:
    armed.raise_to(300)
    armed.host("ENGAGED", MUX["LIMITS_HASH"], 1)
    armed.tick(300)
    assert (armed.state, armed.reason) == ("SAFE", "limits_hash")


def test_a_host_that_appears_armed_does_not_arm(governor: Governor) -> None:
    governor.host_state = "ARMED"
    governor.tick(0, "ZERO", steps=200)
    assert governor.state == "IDLE"


def test_torque_before_arming_trips_without_torque(governor: Governor) -> None:
    governor.step()
    governor.tick(0, "ZERO", steps=100)
    governor.tick(10, "TORQUE", steps=30)
    assert (governor.state, governor.reason, governor.torque) == ("SAFE", "not_armed", (0, 0))


def test_never_damps_when_it_was_never_armed(governor: Governor) -> None:
    governor.step()
    governor.tick(10, "TORQUE")
    governor.measured[0].velocity_ddegps = 3000
    governor.listen(200)
    assert (governor.state, governor.torque) == ("SAFE", (0, 0))


def test_orderly_start_and_stop(armed: Governor) -> None:
    armed.raise_to(100)
    armed.host_state, armed.host_due = "DEGRADED", 0
    armed.tick(100, steps=2)
    assert armed.state == "DEGRADED"
    armed.host_state, armed.host_due = "ENGAGED", 0
    armed.tick(50)
    armed.tick(0, steps=2)
    assert armed.state == "ENGAGED"
    armed.tick(0, "ZERO", steps=2)
    assert armed.state == "ARMED"
    armed.tick(0, "OFF", steps=2)
    assert armed.state == "READY"
    armed.listen(50)
    assert (armed.state, armed.reason) == ("READY", "none")


@pytest.mark.parametrize(("mode", "after"), [("ZERO", "ARMED"), ("OFF", "READY")])
def test_stops_only_when_the_queue_has_played(armed: Governor, mode: str, after: str) -> None:
    for value in (0, 0, 0, 0, 0, 14, 28, 40):
        armed.tick(value, ahead=40)
    torques, states = [], []
    for _ in range(7):
        armed.tick(0, mode, ahead=40)
        torques.append(armed.torque[0])
        states.append(armed.state)
    assert torques == [14, 28, 40, 0, 0, 0, 0]
    assert states == ["ENGAGED"] * 4 + [after] * 3


def test_stays_engaged_until_the_drive_is_at_zero(armed: Governor) -> None:
    armed.raise_to(72)
    states = []
    for _ in range(4):
        armed.tick(0, "ZERO")
        states.append((armed.state, armed.torque[0]))
    assert states == [("ENGAGED", 12), ("ENGAGED", 0), ("ARMED", 0), ("ARMED", 0)]


def test_zero_mode_with_torque_on_is_a_drop(armed: Governor) -> None:
    armed.raise_to(500)
    armed.tick(0, "ZERO")
    assert (armed.state, armed.reason) == ("SAFE", "slew_down")


@pytest.mark.parametrize("mode", [4, 9, 15])
def test_unknown_modes(armed: Governor, mode: int) -> None:
    armed.setpoint(0, 0, mode)
    armed.step()
    assert (armed.state, armed.reason) == ("SAFE", "mode")


@pytest.mark.parametrize("mode", ["OFF", "ZERO"])
def test_torque_without_the_mode_for_it(armed: Governor, mode: str) -> None:
    armed.setpoint(1, 1, mode)
    armed.step()
    assert (armed.state, armed.reason) == ("SAFE", "mode")


def test_host_may_ask_for_safe(make_armed: Callable[[], Governor]) -> None:
    by_mode, by_state = make_armed(), make_armed()
    for g in (by_mode, by_state):
        g.raise_to(300)
    by_mode.setpoint(0, 0, "SAFE", ahead=2000)
    by_state.host("SAFE", 0, 0)
    for g in (by_mode, by_state):
        g.step()
        assert (g.state, g.reason) == ("SAFE", "host_safe")


def test_silent_host(armed: Governor) -> None:
    armed.raise_to(300)
    armed.host_due = armed.now_us + 10**9
    armed.tick(300, steps=175)
    assert armed.state == "ENGAGED"
    armed.tick(300, steps=30)
    assert (armed.state, armed.reason) == ("SAFE", "host_silent")


@pytest.mark.parametrize("joint", [0, 1])
def test_sensor_lost(armed: Governor, joint: int) -> None:
    armed.raise_to(300)
    armed.measured[joint].valid = 0
    armed.measured[joint].velocity_ddegps = 3000
    armed.tick(300)
    assert (armed.state, armed.reason) == ("SAFE", "sensor")
    armed.listen(100)
    assert armed.torque == (0, 0)


@pytest.mark.parametrize(("broken", "state"), [(4, "ENGAGED"), (5, "SAFE")])
def test_crc_storm(armed: Governor, broken: int, state: str) -> None:
    armed.raise_to(300)
    for _ in range(broken):
        armed.keep_host()
        data = bytearray(armed.setpoint_data(0, 300, "TORQUE"))
        data[3] ^= 0x40
        armed.frame(SETPOINT_ID["knee_r"], bytes(data))
        armed.setpoint(1, 300, "TORQUE")
        armed.step()
    armed.tick(300, steps=2)
    assert armed.state == state
    assert armed.reason == ("crc" if state == "SAFE" else "none")


@pytest.mark.parametrize("length", [0, 7])
def test_short_frames_are_refused(armed: Governor, length: int) -> None:
    for _ in range(5):
        armed.frame(SETPOINT_ID["knee_l"], armed.setpoint_data(1, 0, "ZERO")[:length])
    armed.step()
    assert (armed.state, armed.reason) == ("SAFE", "crc")


@pytest.mark.parametrize(("repeats", "state"), [(4, "ARMED"), (5, "SAFE")])
def test_repeats(armed: Governor, repeats: int, state: str) -> None:
    armed.tick(0, "ZERO")
    data = armed.setpoint_data(0, 0, "ZERO")
    armed.frame(SETPOINT_ID["knee_r"], data)
    for _ in range(repeats):
        armed.frame(SETPOINT_ID["knee_r"], data)
    armed.step()
    assert armed.state == state
    assert armed.reason == ("counter" if state == "SAFE" else "none")


@pytest.mark.parametrize(("lost", "first"), [(4, 110), (5, 100)])
def test_gap_tolerance(armed: Governor, lost: int, first: int) -> None:
    armed.raise_to(100)
    for _ in range(lost):
        armed.setpoint_data(0, 0, "TORQUE")
        armed.setpoint_data(1, 0, "TORQUE")
        armed.step()
    armed.tick(110)
    assert armed.torque == (first, first)
    armed.tick(110)
    assert (armed.state, armed.torque) == ("ENGAGED", (110, 110))


def test_counter_wraps(armed: Governor) -> None:
    armed.raise_to(100)
    armed.tick(100, steps=47)
    assert armed.state == "ENGAGED"


def test_foreign_ids_are_ignored(armed: Governor) -> None:
    for can_id in (0, 0x0FF, 0x102, 0x180, 0x7FF, 0x100 | 1 << 31):
        for _ in range(20):
            armed.frame(can_id, bytes(8))
    armed.tick(0, "ZERO")
    assert armed.state == "ARMED"


def test_sends_joint_states_and_cycles_its_own_state(armed: Governor) -> None:
    seen: dict[int, int] = {}
    times_us = []
    for _ in range(130):
        armed.tick(0, "ZERO")
        assert [can_id for can_id, _ in armed.frames[:2]] == [JOINT_STATE_ID[name] for name in JOINTS]
        for can_id, data in armed.frames[2:]:
            assert can_id == GOVERNOR_ID
            times_us.append(armed.now_us)
            seen[data[2] >> 4] = int.from_bytes(data[4:], "little")
    assert {b - a for a, b in pairwise(times_us)} == {round(TABLE.protocol.state_period_ms * 1000)}
    assert {mux: seen[mux] for mux in HASHES} == HASHES
    assert seen[MUX["CLOCK"]] in [t_us // 100 for t_us in times_us]


@pytest.mark.parametrize("mux", [0, *range(4, 16)])
def test_other_payloads_are_no_hashes(armed: Governor, mux: int) -> None:
    armed.host("ENGAGED", mux, 0xFFFFFFFF)
    armed.tick(0, "ZERO", steps=30)
    assert (armed.state, armed.reason) == ("ARMED", "none")
    armed.host_state, armed.host_due = "READY", 0
    armed.tick(0, "ZERO", steps=3)
    armed.host("READY", mux, 0xFFFFFFFF)
    armed.step()
    assert (armed.state, armed.reason) == ("READY", "none")


def test_tells_a_change_of_state_at_once(armed: Governor) -> None:
    armed.setpoint(0, 0, "SAFE")
    armed.step()
    assert any(can_id == GOVERNOR_ID and data[2] & 15 == 6 for can_id, data in armed.frames)


def test_counts_what_it_refused(armed: Governor) -> None:
    armed.tick(0, "ZERO")
    bad = bytearray(armed.setpoint_data(0, 0, "ZERO"))
    bad[0] ^= 1
    armed.frame(SETPOINT_ID["knee_r"], bytes(bad))
    data = armed.setpoint_data(0, 0, "ZERO")
    armed.frame(SETPOINT_ID["knee_r"], data)
    armed.frame(SETPOINT_ID["knee_r"], data)
    for _ in range(6):
        armed.setpoint_data(1, 0, "ZERO")
    armed.setpoint(1, 0, "ZERO")
    armed.tick(0, "ZERO", ahead=400)
    counters = b""
    for _ in range(105):
        armed.tick(0, "ZERO")
        for can_id, payload in armed.frames:
            if can_id == GOVERNOR_ID and payload[2] >> 4 == MUX["COUNTERS"]:
                counters = payload[4:]
    assert list(counters) == [1, 1, 1, 2]


def test_a_host_that_comes_back_must_show_all_hashes_again(governor: Governor) -> None:
    governor.step()
    governor.tick(0, "ZERO", steps=100)
    assert governor.state == "READY"
    governor.listen(210)
    assert (governor.state, governor.reason) == ("IDLE", "no_host")
    governor.host("READY", MUX["PROFILE_HASH"], HASHES[MUX["PROFILE_HASH"]])
    governor.step()
    assert (governor.state, governor.reason) == ("IDLE", "no_host")


def test_a_host_that_was_wrong_may_come_back_right(governor: Governor) -> None:
    governor.step()
    governor.host("READY", MUX["LIMITS_HASH"], 1)
    governor.step()
    assert governor.reason == "limits_hash"
    governor.listen(210)
    governor.tick(0, "ZERO", steps=100)
    assert governor.state == "READY"


@pytest.mark.parametrize(("late_us", "state"), [(0, "READY"), (1, "IDLE")])
def test_host_timeout_at_the_microsecond(governor: Governor, late_us: int, state: str) -> None:
    governor.step()
    governor.tick(0, "ZERO", steps=100)
    governor.host("READY", 0, 0)
    governor.step(round(TABLE.protocol.host_timeout_ms * 1000) + late_us)
    assert governor.state == state
