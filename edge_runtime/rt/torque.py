"""Everything a torque loop reads and writes: configuration, state and buffers, allocated once before it starts."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from calibration.profile import Profile
from edge_runtime.config import Device
from edge_runtime.intent import new_intent
from edge_runtime.rt import limiter
from edge_runtime.rt.mailbox import I64
from edge_runtime.shared import FEEDBACK_WORDS
from edge_runtime.telemetry import CYCLE_FIELDS
from edge_runtime.tissue import reduced
from edge_runtime.types import F64, U8
from firmware_bridge import e2e, wire
from firmware_bridge.clock import clock
from firmware_bridge.errors import TableError
from firmware_bridge.host_limits import HOST_HASH, HOST_LIMITS
from firmware_bridge.schema import Table
from firmware_bridge.table import JOINTS

JOINT_COUNT: Final = 2
_STREAMS: Final = JOINT_COUNT + 1  # JOINT_STATE per joint, GOVERNOR_STATE

CONFIG = np.dtype(
    [
        ("bus_fd", np.int64),
        ("setpoint_id", np.int64, (JOINT_COUNT,)),
        ("joint_id", np.int64, (JOINT_COUNT,)),
        ("host_state_id", np.int64),
        ("governor_state_id", np.int64),
        ("max_delta", np.int64),
        ("state_every", np.int64),  # cycles between HOST_STATE frames
        ("actuator_delay_ns", np.int64),
        ("lease_ms", np.int64),
        ("frame_max_ns", np.int64),
        ("full_age_ns", np.int64),  # on top of the camera's period
        ("zero_age_ns", np.int64),
        ("joint_silent_ns", np.int64),
        ("governor_silent_ns", np.int64),
        ("engage_ns", np.int64),
        ("hashes", np.int64, (3,)),  # protocol, limits, profile
    ]
)
STATE = np.dtype(
    [
        ("cycle", np.int64),
        ("last_ns", np.int64),
        ("sent", np.int64),
        ("received", np.int64),
        ("rejected", np.int64),
        ("missed", np.int64),
        ("setpoint_counter", np.int64, (JOINT_COUNT,)),
        ("state_counter", np.int64),
        ("state_mux", np.int64),
        ("position", np.float64, (JOINT_COUNT,)),
        ("velocity", np.float64, (JOINT_COUNT,)),
        ("measured", np.float64, (JOINT_COUNT,)),
        ("joint_ns", np.int64, (JOINT_COUNT,)),  # when the joint was last heard
        ("governor_state", np.int64),
        ("governor_reason", np.int64),
        ("governor_ns", np.int64),
        ("hash_heard", np.int64),  # bit per hash
        ("hash_differs", np.int64),
        ("hash_firmware", np.int64, (3,)),
        ("heartbeat", np.int64),
        ("heartbeat_ns", np.int64),
        ("heartbeat_lost", np.int64),  # latched until the supervisor takes the mode away
        ("engaged_ns", np.int64),  # when assistance began, 0 = not engaged
        ("intent_first", np.int64),
    ]
)


class Torque(NamedTuple):
    """Everything the cycle reads and writes; arrays only, so that the compiled code takes it as it is."""

    config: npt.NDArray[Any]  # CONFIG [1]
    state: npt.NDArray[Any]  # STATE [1]
    limits: npt.NDArray[Any]  # limiter.LIMITS [2]
    limiter: npt.NDArray[Any]  # limiter.STATE [2]
    tissue: npt.NDArray[Any]  # reduced.INTERFACE [2]
    tissue_state: npt.NDArray[Any]  # reduced.STATE [2]
    intent: npt.NDArray[Any]  # INTENT [1] that acts now
    pending: npt.NDArray[Any]  # INTENT [1] that waits for its time
    newest: npt.NDArray[Any]  # INTENT [1] as read; torn where a read failed
    newest_words: I64  # the same memory, for the mailbox
    receivers: I64  # E2E receivers [_STREAMS, RX_SIZE]
    clock: I64  # firmware_bridge.clock: governor clock against ours
    tx: U8
    rx: U8
    joint_values: F64
    state_values: I64
    feedback: F64
    feedback_words: I64
    crc_table: U8
    row: F64  # telemetry, CYCLE_FIELDS
    row_words: I64


def new_torque(table: Table, profile: Profile, device: Device, bus_fd: int) -> Torque:
    """Allocate and fill everything one torque loop needs.

    Raises TableError where the host's limits were generated from another table.
    """
    newest = new_intent()
    row = np.full(len(CYCLE_FIELDS), np.nan)
    feedback = np.zeros(FEEDBACK_WORDS)
    interfaces = [reduced.interface_params(p) for p in (profile.interface_r, profile.interface_l)]
    if table.host_hash != HOST_HASH:
        raise TableError(f"limits table {table.path}: changed; run: exo-edge can generate")
    limits = np.concatenate([limiter.host_limits(HOST_LIMITS[joint], profile.assist.ceiling_nm) for joint in JOINTS])
    return Torque(
        config=_config(table, profile, device, bus_fd),
        state=np.zeros(1, STATE),
        limits=limits,
        limiter=limiter.new_state(limits),
        tissue=np.concatenate(interfaces),
        tissue_state=np.zeros(JOINT_COUNT, reduced.STATE),
        intent=new_intent(),
        pending=new_intent(),
        newest=newest,
        newest_words=newest.view(np.int64),
        receivers=np.zeros((_STREAMS, e2e.RX_SIZE), np.int64),
        clock=clock(),
        tx=wire.frame(),
        rx=wire.frame(),
        joint_values=np.zeros(3),
        state_values=np.zeros(4, np.int64),
        feedback=feedback,
        feedback_words=feedback.view(np.int64),
        crc_table=e2e.CRC_TABLE,
        row=row,
        row_words=row.view(np.int64),
    )


def _config(table: Table, profile: Profile, device: Device, bus_fd: int) -> npt.NDArray[Any]:
    config = np.zeros(1, CONFIG)
    c = config[0]
    c["bus_fd"] = bus_fd
    c["setpoint_id"] = [table.messages["TORQUE_SETPOINT"].can_id[joint] for joint in JOINTS]
    c["joint_id"] = [table.messages["JOINT_STATE"].can_id[joint] for joint in JOINTS]
    c["host_state_id"] = table.messages["HOST_STATE"].can_id["all"]
    c["governor_state_id"] = table.messages["GOVERNOR_STATE"].can_id["all"]
    c["max_delta"] = table.protocol.max_delta_counter
    c["state_every"] = round(table.protocol.state_period_ms / table.protocol.setpoint_period_ms)
    c["actuator_delay_ns"] = round(device.actuator_delay_ms * 1e6)
    c["lease_ms"] = int(min(table.joints[joint].lease_ms for joint in JOINTS))
    c["frame_max_ns"] = round(table.age.frame_max_ms * 1e6)
    c["full_age_ns"] = round((table.age.latency_ms + table.age.late_full_ms) * 1e6)
    c["zero_age_ns"] = round((table.age.latency_ms + table.age.late_zero_ms) * 1e6)
    c["joint_silent_ns"] = round(table.host.joint_silent_ms * 1e6)
    c["governor_silent_ns"] = round(table.host.governor_silent_ms * 1e6)
    c["engage_ns"] = round(table.host.engage_ms * 1e6)
    c["hashes"] = [table.protocol_hash, table.limits_hash, profile.hash32]
    return config
