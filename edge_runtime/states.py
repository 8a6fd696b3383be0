"""The state machine of the host: a pure function of (state, flags); flags are named so that False means fine.

The order of `State` is precedence: a fault can only move to a state of higher precedence, and SAFE is left by an
explicit clear alone. Causes are reason codes; each has a page under docs/reasons/.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class State(IntEnum):
    """What the host is doing; higher numbers win."""

    OFF = 0  # nothing runs
    IDLE = 1  # processes up, no talk with the firmware yet
    READY = 2  # handshake complete, engines warm
    ARMED = 3  # setpoints flow, torque zero
    ENGAGED = 4  # assisting
    DEGRADED = 5  # no trustworthy estimate: torque faded to zero, setpoints flow
    SAFE = 6  # latched


@dataclass(frozen=True, slots=True)
class Flags:
    """World as the supervisor sees it; every default is the good case."""

    starting: bool = False
    handshake_open: bool = False  # firmware silent, or a hash differs
    firmware_behind: bool = False  # it has not followed to the present state yet
    rights_missing: bool = False  # the loop lacks real-time rights and the bus leads to hardware
    envelope_refused: bool = False  # this device's timing was not accepted and the bus leads to hardware
    arm_withheld: bool = False  # nobody asked for assistance
    estimate_invalid: bool = False
    loop_stopped: bool = False  # cycle counter does not advance
    deadlines_missed: bool = False  # so many in a row that the loop took torque away
    supervisor_stalled: bool = False  # the loop missed our heartbeat while assisting
    estimator_dead: bool = False
    encoder_implausible: bool = False  # it goes on talking, and cannot be right
    bus_off: bool = False  # the CAN controller gave up, or its interface is down
    firmware_lost: bool = False  # one of its streams is silent
    firmware_unarmed: bool = False  # it does not arm, or fell back, although we are armed
    firmware_safe: bool = False
    clear_absent: bool = True  # nobody asked to leave SAFE
    stop_requested: bool = False


FAULTS = (
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
"""Flags that lead to SAFE from READY on, worst first. A firmware in SAFE does not hold the host there: it is the host's
way through IDLE, with a clear request, that lets the firmware leave."""


CAUSES = (
    "started",
    "handshake_complete",
    "handshake_lost",
    "armed",
    "disarmed",
    "estimate_valid",
    "estimate_invalid",
    "cleared",
    "stop_requested",
    *FAULTS,
)
"""Every cause of a transition."""


@dataclass(frozen=True, slots=True)
class Transition:
    """Next state and why ("" where nothing changed)."""

    state: State
    cause: str


def step(state: State, flags: Flags) -> Transition:
    """One step of the machine; call it at the supervisor's rate."""
    if flags.stop_requested:
        return _to(state, State.OFF, "stop_requested")
    fault = next((name for name in FAULTS if getattr(flags, name)), "")
    if state is State.SAFE:
        if (fault and fault != "firmware_safe") or flags.clear_absent:
            return Transition(state, "")
        return Transition(State.IDLE, "cleared")
    if fault:
        return Transition(State.SAFE, fault) if state >= State.READY else Transition(state, "")
    return _normal(state, flags)


def _normal(state: State, flags: Flags) -> Transition:
    if state is State.OFF:
        return _to(state, State.OFF if flags.starting else State.IDLE, "started")
    if state is State.IDLE:
        return _to(state, State.IDLE if flags.handshake_open else State.READY, "handshake_complete")
    if flags.handshake_open:
        return Transition(State.SAFE, "handshake_lost")
    if flags.arm_withheld or flags.rights_missing or flags.envelope_refused:
        return _to(state, State.READY, "disarmed")
    if state is State.READY:
        return _to(state, State.READY if flags.firmware_behind else State.ARMED, "armed")
    if flags.estimate_invalid:
        return _to(state, State.ARMED if state is State.ARMED else State.DEGRADED, "estimate_invalid")
    return _to(state, state if flags.firmware_behind else State.ENGAGED, "estimate_valid")


def _to(state: State, target: State, cause: str) -> Transition:
    return Transition(target, cause if target is not state else "")
