"""The supervisor on rows of our own: what it asks of the loop in every situation."""

from __future__ import annotations

import numpy as np
import pytest

from edge_runtime import shared
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


def test_a_hash_that_differs_is_named_and_never_armed() -> None:
    world = World()
    world.control[shared.HASH_DIFFERS] = 4
    world.control[shared.HASH_HOST + 2], world.control[shared.HASH_FIRMWARE + 2] = 0xC0FFEE42, 0x1234
    assert world.tick(20) is State.IDLE
    assert world.control[shared.MODE] == MODES["OFF"]
    refused = [text for _, _, code, text in world.events if code == "handshake_refused"]
    assert len(refused) == 1
    assert refused[0].startswith("profile of host and firmware differ, host 0xC0FFEE42, firmware 0x00001234: ")


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
