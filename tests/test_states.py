"""The host's state machine: every path into SAFE, no path out of it but an explicit clear."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.states import CAUSES, FAULTS, Flags, State, step

FINE = Flags()
NAMES = [f.name for f in fields(Flags)]
flags = st.builds(Flags, **{name: st.booleans() for name in NAMES})
TORQUE_STATES = [State.READY, State.ARMED, State.ENGAGED, State.DEGRADED]


def test_the_good_way_up() -> None:
    seen, state = [], State.OFF
    for _ in range(4):
        state = step(state, FINE).state
        seen.append(state)
    assert seen == [State.IDLE, State.READY, State.ARMED, State.ENGAGED]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("state", TORQUE_STATES)
def test_every_fault_leads_to_safe_and_says_why(state: State, fault: str) -> None:
    result = step(state, replace(FINE, **{fault: True}))
    assert (result.state, result.cause) == (State.SAFE, fault)


def test_an_open_handshake_keeps_out_of_ready_and_drops_out_of_torque() -> None:
    open_handshake = replace(FINE, handshake_open=True)
    assert step(State.IDLE, open_handshake).state is State.IDLE
    assert step(State.ENGAGED, open_handshake).state is State.SAFE


def test_missing_rights_keep_out_of_armed_and_take_back_what_was_armed() -> None:
    bare = replace(FINE, rights_missing=True)
    assert step(State.READY, bare).state is State.READY
    assert step(State.ENGAGED, bare) == step(State.ENGAGED, replace(FINE, arm_withheld=True))


def test_safe_is_left_by_an_explicit_clear_alone() -> None:
    assert step(State.SAFE, FINE).state is State.SAFE
    assert step(State.SAFE, replace(FINE, clear_absent=False)).state is State.IDLE
    blocked = replace(FINE, clear_absent=False, loop_stopped=True)
    assert step(State.SAFE, blocked).state is State.SAFE
    firmware_too = replace(FINE, clear_absent=False, firmware_safe=True)
    assert step(State.SAFE, firmware_too).state is State.IDLE
    assert step(State.IDLE, replace(FINE, firmware_safe=True, handshake_open=True)).state is State.IDLE


def test_the_host_waits_for_the_firmware_on_the_way_up() -> None:
    behind = replace(FINE, firmware_behind=True)
    assert step(State.READY, behind).state is State.READY
    assert step(State.ARMED, behind).state is State.ARMED
    assert step(State.ENGAGED, replace(behind, estimate_invalid=True)).state is State.DEGRADED


def test_an_invalid_estimate_degrades_and_recovers() -> None:
    doubt = replace(FINE, estimate_invalid=True)
    assert step(State.ARMED, doubt).state is State.ARMED
    assert step(State.ENGAGED, doubt).state is State.DEGRADED
    assert step(State.DEGRADED, FINE).state is State.ENGAGED


@given(st.sampled_from(list(State)), flags)
def test_torque_states_never_stand_beside_a_fault(state: State, world: Flags) -> None:
    after = step(state, world).state
    if any(getattr(world, name) for name in FAULTS) and not world.stop_requested:
        assert after not in (State.ARMED, State.ENGAGED, State.DEGRADED, State.READY)


@given(st.sampled_from(list(State)), flags)
def test_a_change_has_a_cause_and_no_change_has_none(state: State, world: Flags) -> None:
    result = step(state, world)
    assert (result.state is not state) == bool(result.cause)
    assert result.cause in (*CAUSES, "")
