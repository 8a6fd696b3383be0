"""The supervisor on rows of our own: what it asks of the loop in every situation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_runtime import shared
from edge_runtime.doubt import CAUSES
from edge_runtime.estimate_row import REASONS
from edge_runtime.rt.bus_state import ACTIVE, OFF
from edge_runtime.rt.rights import Right
from edge_runtime.states import State
from edge_runtime.supervisor import TICK_NS, Supervisor
from edge_runtime.telemetry import CYCLE_FIELDS, ESTIMATE_HEAD
from firmware_bridge.table import GOVERNOR_REASONS, MODES, STATES, TABLE

S = 1_000_000_000


class World:
    """Drives a supervisor tick by tick with a firmware that follows the host, unless a test says otherwise."""

    def __init__(self, simulated: bool = True) -> None:
        self.control = shared.local(100).control
        self.events: list[tuple[int, str, str, str]] = []
        self.supervisor = Supervisor(TABLE, self.control, lambda *event: self.events.append(event), simulated)
        self.now_ns = S
        self.governor, self.reason = "IDLE", "none"
        self.follows = True
        self.firmware_talks = self.loop_runs = self.estimates = True
        self.control[shared.LOOP_READY] = self.control[shared.ESTIMATOR_READY] = 1
        self.control[shared.HASH_HEARD] = 7

    def tick(self, count: int = 1) -> State:
        for _ in range(count):
            self.control[shared.CYCLES] += 100 * self.loop_runs
            self.control[shared.SILENCE_NS] = 0 if self.firmware_talks else self.control[shared.SILENCE_NS] + TICK_NS
            self._rows()
            state = self.supervisor.tick(self.now_ns)
            if self.follows and self.governor != "SAFE" and State.READY <= state < State.SAFE:
                self.governor = state.name
            self.now_ns += TICK_NS
        return self.supervisor.state

    def _rows(self) -> None:
        row = np.zeros((1, len(CYCLE_FIELDS)))
        for name, value in (
            ("t_ns", self.now_ns),
            ("governor_state", STATES[self.governor]),
            ("governor_reason", GOVERNOR_REASONS[self.reason]),
        ):
            row[0, CYCLE_FIELDS.index(name)] = value
        self.supervisor.see_cycles(row)
        if self.estimates:
            estimate = np.zeros(len(ESTIMATE_HEAD))
            estimate[ESTIMATE_HEAD.index("valid")] = 1.0
            estimate[ESTIMATE_HEAD.index("t_capture_ns")] = self.now_ns
            self.supervisor.see_estimate(estimate)

    def codes(self) -> list[str]:
        return [code for _, _, code, _ in self.events]


@pytest.fixture
def engaged() -> World:
    world = World()
    assert world.tick(8) is State.ENGAGED
    return world


def test_it_shows_ready_before_it_arms(engaged: World) -> None:
    assert engaged.codes() == ["started", "handshake_complete", "armed", "estimate_valid"]
    assert engaged.control[shared.MODE] == MODES["TORQUE"]
    assert engaged.control[shared.HOST_STATE] == STATES["ENGAGED"]


@pytest.mark.parametrize(("k", "name"), [(0, "protocol"), (1, "limits"), (2, "profile")])
def test_a_hash_that_differs_is_named_and_never_armed(k: int, name: str) -> None:
    world = World()
    world.control[shared.HASH_DIFFERS] = 1 << k
    world.control[shared.HASH_HOST + k], world.control[shared.HASH_FIRMWARE + k] = 0xC0FFEE42, 0x1234
    assert world.tick(20) is State.IDLE
    assert world.control[shared.MODE] == MODES["OFF"]
    refused = [text for _, _, code, text in world.events if code == "handshake_refused"]
    assert len(refused) == 1 and refused[0].startswith(world.supervisor.handshake_refusal)
    assert refused[0].startswith(f"{name} of host and firmware differ, host 0xC0FFEE42, firmware 0x00001234: ")


def test_all_hashes_that_differ_are_named() -> None:
    world = World()
    world.control[shared.HASH_DIFFERS] = 7
    assert world.tick(20) is State.IDLE
    (refused,) = [text for _, _, code, text in world.events if code == "handshake_refused"]
    assert all(f"{name} of host and firmware differ" in refused for name in ("protocol", "limits", "profile"))


def test_a_firmware_that_refuses_our_hashes_is_waited_for() -> None:
    world = World()
    world.reason = "limits_hash"
    assert world.tick(20) is State.IDLE


@pytest.mark.parametrize(("attribute", "cause"), [("loop_runs", "loop_stopped"), ("firmware_talks", "firmware_lost")])
def test_silence_leads_to_safe_within_half_a_second(engaged: World, attribute: str, cause: str) -> None:
    setattr(engaged, attribute, False)
    assert engaged.tick(5) is State.SAFE
    assert engaged.codes()[-1] == cause
    assert engaged.control[shared.MODE] == MODES["SAFE"]


def test_a_firmware_that_fell_back_is_not_taken_for_armed(engaged: World) -> None:
    engaged.follows, engaged.governor = False, "READY"
    assert engaged.tick(10) is State.SAFE
    assert engaged.codes()[-1] == "firmware_unarmed"


def test_a_firmware_that_never_arms_is_a_fault() -> None:
    world = World()
    world.tick(2)
    world.follows, world.governor = False, "READY"
    assert world.tick(10) is State.SAFE


def test_a_firmware_that_fell_back_does_not_hide_a_missing_estimate(engaged: World) -> None:
    engaged.follows, engaged.governor, engaged.estimates = False, "READY", False
    assert engaged.tick(3) is State.DEGRADED


def test_our_own_standstill_is_latched(engaged: World) -> None:
    engaged.control[shared.HEARTBEAT_LOST] = 1
    assert engaged.tick() is State.SAFE
    assert engaged.codes()[-1] == "supervisor_stalled"


@pytest.mark.parametrize(("word", "cause"), [(shared.DEADLINES_LOST, "deadlines_missed"), (shared.BUS_LOST, "bus_off")])
def test_what_the_loop_latched_is_safe_until_the_clear_which_releases_it(engaged: World, word: int, cause: str) -> None:
    engaged.control[word] = 1
    assert engaged.tick() is State.SAFE
    assert engaged.codes()[-1] == cause
    assert engaged.control[shared.CLEARS] == 0
    assert engaged.tick(12) is State.IDLE
    assert engaged.control[shared.CLEARS] == 1
    engaged.control[word] = 0  # as the loop does when it sees CLEARS count
    engaged.governor = "IDLE"
    assert engaged.tick(8) is State.ENGAGED


def test_a_latch_that_is_not_released_keeps_out_of_ready(engaged: World) -> None:
    engaged.control[shared.DEADLINES_LOST] = 1
    engaged.tick(13)
    engaged.governor = "IDLE"
    assert engaged.tick(20) is State.IDLE


def test_a_bus_that_is_still_off_holds_safe_and_recovery_begins_at_idle(engaged: World) -> None:
    engaged.control[shared.BUS_STATE], engaged.control[shared.BUS_LOST] = OFF, 1
    assert engaged.tick(100) is State.SAFE
    engaged.control[shared.BUS_STATE] = ACTIVE
    assert engaged.tick() is State.IDLE


def test_no_estimate_degrades_and_an_estimate_engages_again(engaged: World) -> None:
    engaged.estimates = False
    assert engaged.tick(3) is State.DEGRADED
    engaged.estimates = True
    assert engaged.tick(3) is State.ENGAGED


def test_in_simulation_a_safe_firmware_is_cleared_through_idle(engaged: World) -> None:
    engaged.governor, engaged.reason = "SAFE", "lease"
    assert engaged.tick(2) is State.SAFE
    assert engaged.tick(12) is State.IDLE
    assert engaged.control[shared.CLEAR] == 1
    engaged.governor, engaged.reason = "IDLE", "none"
    assert engaged.tick(8) is State.ENGAGED
    assert engaged.control[shared.CLEAR] == 0


def cut_bus(world: World) -> None:
    """Nothing is heard until the host has been cleared from SAFE; the firmware's last word is its state before."""
    world.firmware_talks = world.follows = False
    assert world.tick(4) is State.SAFE
    world.firmware_talks = True
    while world.tick() is not State.IDLE:
        pass
    assert world.control[shared.CLEAR] == 0


def test_a_clear_counts_for_a_safe_that_a_dead_bus_tells_later(engaged: World) -> None:
    cut_bus(engaged)
    engaged.governor, engaged.reason = "SAFE", "lease"
    asked = [engaged.tick() is State.IDLE and int(engaged.control[shared.CLEAR]) for _ in range(4)]
    assert asked == [1, 0, 1, 0]  # anew: a request that began before the SAFE is not taken


def test_a_clear_does_not_count_for_a_safe_long_after(engaged: World) -> None:
    cut_bus(engaged)
    engaged.reason = "mode"  # the firmware waits for something else
    assert engaged.tick(11) is State.IDLE
    engaged.governor, engaged.reason = "SAFE", "lease"
    assert engaged.tick() is State.IDLE
    assert engaged.control[shared.CLEAR] == 0


def test_a_state_that_no_table_knows_is_said_and_stops_nobody(engaged: World) -> None:
    """One broken message in 256 has the right CRC-8."""
    rows = np.zeros((1, len(CYCLE_FIELDS)))
    rows[0, CYCLE_FIELDS.index("t_ns")] = engaged.now_ns
    rows[0, CYCLE_FIELDS.index("governor_state")] = 15.0
    rows[0, CYCLE_FIELDS.index("governor_reason")] = 250.0
    engaged.supervisor.see_cycles(rows)
    assert engaged.events[-1][2:] == ("unknown_250", "firmware: unknown_15")
    assert engaged.tick() is State.ENGAGED


@pytest.mark.parametrize("right", list(Right))
def test_on_hardware_a_missing_right_is_named_and_never_armed(right: Right) -> None:
    world = World(simulated=False)
    world.control[shared.RIGHTS_MISSING] = right
    assert world.tick(20) is State.READY
    assert world.control[shared.MODE] == MODES["OFF"]
    told = [(level, text) for _, level, code, text in world.events if code == "rights_missing"]
    assert len(told) == 1
    assert told[0][0] == "error"
    assert right.words() in told[0][1]


def test_in_simulation_a_missing_right_is_only_a_warning() -> None:
    world = World()
    world.control[shared.RIGHTS_MISSING] = Right.PRIORITY | Right.CORE
    assert world.tick(8) is State.ENGAGED
    assert [(level, code) for _, level, code, _ in world.events if level != "info"] == [("warning", "rights_missing")]


def test_a_virtual_can_interface_counts_as_simulation() -> None:
    world = World(simulated=False)
    world.control[shared.BUS_SIMULATED], world.control[shared.RIGHTS_MISSING] = 1, Right.PRIORITY
    assert world.tick(8) is State.ENGAGED


def test_a_dead_loop_is_seen_before_its_counter_is_missed(engaged: World) -> None:
    engaged.supervisor.world.loop_dead = True
    assert engaged.supervisor.loop_stopped(engaged.now_ns)
    assert engaged.tick() is State.SAFE
    assert engaged.codes()[-1] == "loop_stopped"


@pytest.mark.parametrize(("silent_ms", "stopped"), [(49, False), (51, True)])
def test_the_counter_may_stand_still_for_fifty_milliseconds(engaged: World, silent_ms: int, stopped: bool) -> None:
    last_ns = engaged.now_ns
    engaged.control[shared.CYCLES] += 1
    assert not engaged.supervisor.loop_stopped(last_ns)
    assert engaged.supervisor.loop_stopped(last_ns + silent_ms * 1_000_000) == stopped


def test_on_hardware_safe_stays() -> None:
    world = World(simulated=False)
    world.tick(8)
    world.governor, world.reason = "SAFE", "lease"
    assert world.tick(100) is State.SAFE


def test_the_heartbeat_counts_every_tick(engaged: World) -> None:
    before = int(engaged.control[shared.HEARTBEAT])
    engaged.tick(5)
    assert engaged.control[shared.HEARTBEAT] == before + 5


def test_stopping_takes_the_mode_away(engaged: World) -> None:
    engaged.supervisor.world.stop_requested = True
    assert engaged.tick() is State.OFF
    assert engaged.control[shared.MODE] == MODES["OFF"]


def test_a_doubt_is_told_once_until_it_changes_or_has_been_away() -> None:
    world = World()
    causes = ["reserve"] * 3 + [""] * 3 + ["reserve", "solve_late"] + [""] * 70 + ["solve_late"]
    for k, cause in enumerate(causes):
        row = np.full(len(ESTIMATE_HEAD), np.nan)
        row[ESTIMATE_HEAD.index("cut")] = row[ESTIMATE_HEAD.index("valid")] = 0.0
        row[ESTIMATE_HEAD.index("t_capture_ns")] = S + k * S // 60
        row[ESTIMATE_HEAD.index("doubt_cause")] = CAUSES.index(cause)
        world.supervisor.see_estimate(row)
    assert world.codes() == ["reserve", "solve_late", "solve_late"]
    for cause in CAUSES[1:]:
        page = Path(__file__).resolve().parents[1] / f"docs/reasons/{cause}.md"
        assert f"`{cause}`" in page.read_text(encoding="utf-8")


def test_a_fault_of_the_camera_is_told_once_until_it_changes_or_has_been_away() -> None:
    world = World()
    reasons = (
        ["camera_black"] * 3 + [""] * 3 + ["camera_black", "wearer_lost", "searching"] + [""] * 70 + ["wearer_lost"]
    )
    for k, reason in enumerate(reasons):
        row = np.full(len(ESTIMATE_HEAD), np.nan)
        row[ESTIMATE_HEAD.index("cut")] = row[ESTIMATE_HEAD.index("valid")] = 0.0
        row[ESTIMATE_HEAD.index("t_capture_ns")] = S + k * S // 60
        row[ESTIMATE_HEAD.index("reason")] = REASONS.index(reason)
        world.supervisor.see_estimate(row)
    assert world.codes() == ["camera_black", "wearer_lost", "wearer_lost"]
