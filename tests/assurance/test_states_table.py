"""The host's state machine, every state with every combination of flags, against the rules as a table."""

from __future__ import annotations

import itertools
from dataclasses import fields

import pytest

from edge_runtime.states import CAUSES, FAULTS, Flags, State, Transition, step

WORST_FIRST = (
    "loop_stopped",
    "deadlines_missed",
    "supervisor_stalled",
    "estimator_dead",
    "encoder_implausible",
    "bus_off",
    "firmware_lost",
    "firmware_safe",
    "firmware_unarmed",
)
CALM = ("starting", "handshake_open", "firmware_behind", "estimate_invalid", "clear_absent")
WITHHELD = ("arm_withheld", "rights_missing", "envelope_refused")


def expected(state: str, on: set[str]) -> tuple[str, str]:
    """Next state and cause, as the documents tell it: stop, then faults, then the first rule that holds."""
    if "stop_requested" in on:
        return "OFF", "stop_requested" if state != "OFF" else ""
    faults = [name for name in WORST_FIRST if name in on]
    if state == "SAFE":
        held = "clear_absent" in on or set(faults) - {"firmware_safe"} & {faults[0] if faults else ""}
        return ("SAFE", "") if held else ("IDLE", "cleared")
    if faults:
        return (state, "") if state in ("OFF", "IDLE") else ("SAFE", faults[0])
    assisting = state in ("ARMED", "ENGAGED", "DEGRADED")
    rules = [
        (state == "OFF", "IDLE" if "starting" not in on else "OFF", "started"),
        (state == "IDLE", "READY" if "handshake_open" not in on else "IDLE", "handshake_complete"),
        ("handshake_open" in on, "SAFE", "handshake_lost"),
        (bool(on & set(WITHHELD)), "READY", "disarmed"),
        (state == "READY", "ARMED" if "firmware_behind" not in on else "READY", "armed"),
        (assisting and "estimate_invalid" in on, "ARMED" if state == "ARMED" else "DEGRADED", "estimate_invalid"),
        (assisting, state if "firmware_behind" in on else "ENGAGED", "estimate_valid"),
    ]
    target, cause = next((target, cause) for holds, target, cause in rules if holds)
    return target, cause if target != state else ""


@pytest.mark.parametrize("state", list(State))
def test_every_state_with_every_combination(state: State) -> None:
    names = [name for name in (field.name for field in fields(Flags)) if name not in WORST_FIRST]
    assert set(names) == {*CALM, *WITHHELD, "stop_requested"}
    one = [(), *itertools.combinations(WORST_FIRST, 1)]
    two = list(itertools.combinations(WORST_FIRST, 2))
    for values in itertools.product((False, True), repeat=len(names)):
        calm = dict(zip(names, values, strict=True))
        plain = not any(calm[name] for name in (*WITHHELD, "stop_requested"))
        for chosen in one + two * plain:
            on = {name for name, value in calm.items() if value} | set(chosen)
            found = step(state, Flags(**calm, **dict.fromkeys(chosen, True)))
            assert (found.state.name, found.cause) == expected(state.name, on), on


def test_every_default_is_the_good_case() -> None:
    assert step(State.SAFE, Flags()) == Transition(State.SAFE, "")
    for state, after in (("OFF", "IDLE"), ("IDLE", "READY"), ("READY", "ARMED"), ("ARMED", "ENGAGED")):
        assert step(State[state], Flags()).state is State[after]
    assert step(State.ENGAGED, Flags()) == Transition(State.ENGAGED, "")


def test_names_and_order() -> None:
    names = ["OFF", "IDLE", "READY", "ARMED", "ENGAGED", "DEGRADED", "SAFE"]
    assert [(state.name, state.value) for state in State] == [(name, code) for code, name in enumerate(names)]
    assert FAULTS == WORST_FIRST
    assert set(FAULTS) < set(CAUSES)
