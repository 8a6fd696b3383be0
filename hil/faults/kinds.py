"""The kinds of faults, in one table.

`reasons` are codes of events, of the limiter, or counters of the loop's rows (docs/reasons/ has a page for each of the
first two); `within_ms` counts from the beginning of the fault to zero torque at the governor's output, for the default
parameters. Milder parameters may stay without any reaction, as long as no limit is broken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from firmware_bridge.table import TABLE
from hil.faults.kind import Choice, Kind, Number, Reaction, Seam

_LEASE_MS: Final = max(joint.lease_ms for joint in TABLE.joints.values())
_RELEASE_MS: Final = 1e3 * max(joint.torque_nm / joint.slew_down_nm_per_s for joint in TABLE.joints.values())
_STEPS_MS: Final = 3.0  # a cycle that has just gone out, the step that notices, and the one that ends at zero
LET_GO_MS: Final = _LEASE_MS + TABLE.safe.ramp_ms + _STEPS_MS
"""Lease and ramp: from the last setpoint to zero torque."""

_BROKEN_MS: Final = TABLE.protocol.consecutive_errors_max + TABLE.safe.ramp_ms + _STEPS_MS
_AGED_MS: Final = TABLE.age.latency_ms + TABLE.age.frame_max_ms + TABLE.age.late_zero_ms + _STEPS_MS
_TICK_MS: Final = 100.0  # of the supervisor, which sees a death or a mismatch
_HEARTBEAT_MS: Final = 500.0 + _TICK_MS + _RELEASE_MS + _STEPS_MS


_ALL: Final = frozenset({Seam.LOOP, Seam.CHAIN, Seam.LIVE})
_PICTURES: Final = frozenset({Seam.CHAIN, Seam.LIVE})
_WIRE: Final = frozenset({Seam.LOOP, Seam.LIVE})
_JOINTS: Final = Choice(("both", "right", "left"))
_DIRECTION: Final = Choice(("both", "to_governor", "to_host"))
_PROBABILITY: Final = Number("", 1.0, 0.0, 1.0)

_SILENCE: Final = (
    "lease",
    "counter",
    "host_silent",
    "firmware_lost",
    "firmware_unarmed",
    "handshake_lost",
    "no_host",
    "stale",
    "e2e_lost",
    "e2e_gaps",
    "governor_gaps",
    "disengaged",
)
_BROKEN: Final = ("crc", "e2e_crc", "governor_crc", *_SILENCE)
_SHUFFLED: Final = ("slew_up", "slew_down", "window")  # setpoints in another order than they were meant
_LATE: Final = ("apply_at", "age", "e2e_repeats", "governor_repeats", *_SHUFFLED, *_SILENCE)
_MISPLACED: Final = ("velocity", "opposing", "power", "soft_stop")
"""What the governor finds in torque that a host gives by old or wrong angles."""
_BLIND: Final = ("estimate_invalid", "age", "invalid")
_IMPLAUSIBLE: Final = ("encoder_implausible", "host_safe")
_GONE: Final = ("loop_stopped", "host_safe", *_SILENCE)

KINDS: Final[Mapping[str, Kind]] = {
    "camera_stall": Kind("no new pictures", _ALL, Reaction.ZERO, _BLIND, _AGED_MS),
    "camera_slow": Kind(
        "pictures come so many times slower",
        _ALL,
        Reaction.ZERO,
        _BLIND,
        _AGED_MS,
        {"factor": Number("times", 10.0, 2.0, 100.0)},
    ),
    "camera_black": Kind("black pictures", _PICTURES, Reaction.ZERO, _BLIND, 1000.0),
    "camera_blur": Kind(
        "pictures out of focus",
        _PICTURES,
        Reaction.HARMLESS,
        (*_BLIND, "unfamiliar", "unphysical", "reserve"),
        parameters={"sigma": Number("px", 12.0, 0.5, 100.0)},
    ),
    "camera_wrong_person": Kind(
        "somebody else in the picture, walking the other way",
        _PICTURES,
        Reaction.HARMLESS,
        (*_BLIND, "unfamiliar", "unphysical", "frame_turn", "reserve"),
    ),
    "camera_remounted": Kind(
        "camera turned about its axis",
        _PICTURES,
        Reaction.HARMLESS,
        (*_BLIND, "frame_tilt", "frame_list", "unfamiliar", "unphysical", "reserve"),
        parameters={"roll": Number("deg", 25.0, -180.0, 180.0)},
    ),
    "encoder_off": Kind(
        "encoder dead, its driver says so", _WIRE, Reaction.SAFE, ("sensor",), 63.0, {"joint": _JOINTS}
    ),
    "encoder_stuck": Kind(
        "encoder shows its last angle", _WIRE, Reaction.HARMLESS, _IMPLAUSIBLE, 0.0, {"joint": _JOINTS}
    ),
    "encoder_offset": Kind(
        "encoder shifted",
        _WIRE,
        Reaction.HARMLESS,
        (*_IMPLAUSIBLE, "soft_stop"),
        0.0,
        {"joint": _JOINTS, "offset": Number("rad", 0.1, -0.6, 0.6)},
    ),
    "encoder_noise": Kind(
        "noise on the encoder",
        _WIRE,
        Reaction.HARMLESS,
        (*_IMPLAUSIBLE, *_MISPLACED),
        0.0,
        {"joint": _JOINTS, "sd": Number("rad", 0.01, 0.0, 0.5)},
    ),
    "encoder_delayed": Kind(
        "encoder late",
        _WIRE,
        Reaction.HARMLESS,
        (*_IMPLAUSIBLE, "opposing", "power", "soft_stop"),
        0.0,
        {"joint": _JOINTS, "delay": Number("ms", 20.0, 0.0, 400.0)},
    ),
    "can_loss": Kind(
        "frames lost",
        _WIRE,
        Reaction.SAFE,
        _SILENCE,
        LET_GO_MS,
        {"probability": _PROBABILITY, "direction": _DIRECTION},
    ),
    "can_duplicate": Kind(
        "frames doubled",
        _WIRE,
        Reaction.HARMLESS,
        ("e2e_repeats", "governor_repeats", *_LATE),
        0.0,
        {"probability": _PROBABILITY, "direction": _DIRECTION, "copies": Number("", 1.0, 1.0, 4.0)},
    ),
    "can_corrupt": Kind(
        "bits flipped",
        _WIRE,
        Reaction.SAFE,
        _BROKEN,
        LET_GO_MS,
        {"probability": _PROBABILITY, "direction": _DIRECTION, "bits": Number("", 1.0, 1.0, 64.0)},
    ),
    "can_delay": Kind(
        "frames late",
        _WIRE,
        Reaction.SAFE,
        (*_LATE, *_MISPLACED),
        LET_GO_MS,
        {"delay": Number("ms", 50.0, 0.0, 200.0), "jitter": Number("ms", 0.0, 0.0, 50.0), "direction": _DIRECTION},
    ),
    "can_bus_off": Kind(
        "a controller has left the bus",
        _WIRE,
        Reaction.SAFE,
        ("bus_off", *_SILENCE),
        LET_GO_MS,
        {"side": Choice(("firmware", "host"))},
    ),
    "can_babble": Kind(
        "a node that never stops talking",
        _WIRE,
        Reaction.SAFE,
        ("rejected", *_SILENCE),
        LET_GO_MS,
        {"frames": Number("per ms", 8.0, 0.0, 8.0), "can_id": Number("", 0.0, 0.0, 2047.0)},
    ),
    "can_swapped": Kind(
        "frames of the two joints under each other's id",
        _WIRE,
        Reaction.SAFE,
        _BROKEN,
        _BROKEN_MS,
        {"direction": _DIRECTION},
    ),
    "engine_nan": Kind(
        "an engine's output is no number", frozenset({Seam.LOOP, Seam.CHAIN}), Reaction.ZERO, _BLIND, _AGED_MS
    ),
    "engine_slow": Kind(
        "an engine takes so much longer",
        frozenset({Seam.LOOP}),
        Reaction.ZERO,
        (*_BLIND, "solve_late"),
        _AGED_MS,
        {"delay": Number("ms", 300.0, 0.0, 5000.0)},
    ),
    "engine_wrong_shape": Kind(
        "an engine's output has another shape",
        frozenset({Seam.CHAIN}),
        Reaction.ZERO,
        _BLIND,
        _AGED_MS,
    ),
    "engine_stale_certificate": Kind(
        "an engine was certified so long ago; the host takes its bus for hardware",
        frozenset({Seam.START}),
        Reaction.REFUSED,
        ("certificate_expired",),
        parameters={"age": Number("days", 400.0, 0.0, 10_000.0)},
    ),
    "process_kill": Kind(
        "SIGKILL",
        _WIRE,
        Reaction.SAFE,
        ("estimator_dead", *_BLIND, *_GONE),
        LET_GO_MS,
        {"target": Choice(("loop", "estimator", "supervisor", "firmware"))},
        {"estimator": _AGED_MS},
    ),
    "process_stop": Kind(
        "SIGSTOP, then SIGCONT",
        _WIRE,
        Reaction.SAFE,
        ("missed", "deadlines_missed", "supervisor_stalled", *_BLIND, *_GONE),
        LET_GO_MS,
        {"target": Choice(("loop", "estimator", "supervisor", "firmware"))},
        {"estimator": _AGED_MS, "supervisor": _HEARTBEAT_MS},
    ),
    "process_oom": Kind(
        "no memory left: the kernel kills the largest, or an allocation fails",
        _WIRE,
        Reaction.SAFE,
        ("estimator_dead", "host_safe", *_BLIND),
        _AGED_MS,
    ),
    "disk_full": Kind("the record cannot be written", frozenset({Seam.LIVE}), Reaction.HARMLESS, ()),
    "clock_jump": Kind(
        "one clock leaps forward",
        _WIRE,
        Reaction.SAFE,
        (*_LATE, *_BLIND, "supervisor_stalled", "loop_stopped"),
        LET_GO_MS,
        {"side": Choice(("firmware", "host")), "leap": Number("ms", 100.0, 0.0, 10_000.0)},
    ),
    "mismatch": Kind(
        "host says another profile, limits table or protocol than the firmware's",
        frozenset({Seam.LOOP}),
        Reaction.SAFE,
        ("profile_hash", "limits_hash", "protocol_hash", "handshake_lost", "handshake_refused"),
        4 * TABLE.protocol.state_period_ms + TABLE.safe.ramp_ms + _STEPS_MS,
        {"which": Choice(("profile", "limits", "protocol"))},
    ),
    "host_load": Kind(
        "the host's processors are taken: the loop wakes late, estimates come late",
        _WIRE,
        Reaction.HARMLESS,
        ("missed", "deadlines_missed", "host_safe", *_BLIND, *_SILENCE),
        0.0,
        {"share": Number("of cycles", 0.05, 0.0, 1.0), "longest": Number("ms", 5.0, 1.0, 50.0)},
    ),
}
"""Every kind by its name."""
