"""Everything a torque loop reads and writes: configuration, state and buffers, allocated once before it starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from calibration.profile import Profile
from calibration.reduced_tissue import ReducedTissue
from edge_runtime.config import Device
from edge_runtime.errors import UserError
from edge_runtime.intent import new_intent
from edge_runtime.rt import bus_state, deadlines, frames, limiter
from edge_runtime.rt.evidence import Evidence, evidence
from edge_runtime.rt.mailbox import I64, stream_words
from edge_runtime.shared import ENCODER_FIELDS, ENCODER_ROWS
from edge_runtime.telemetry import cycle_width
from edge_runtime.tissue.compensation import inverse_params
from edge_runtime.tissue.inverse import INVERSE_STATE
from edge_runtime.tissue.one_spring import one_spring
from edge_runtime.tissue.pack import packed
from edge_runtime.types import F64, U8
from firmware_bridge import e2e
from firmware_bridge.buses.base import CANFD_BRS, CANFD_FDF, FD_FRAME_SIZE, FRAME_SIZE
from firmware_bridge.clock import clock
from firmware_bridge.errors import TableError
from firmware_bridge.host_limits import HOST_HASH, HOST_LIMITS
from firmware_bridge.schema import JointLimits, Table

JOINTS_MAX: Final = 4  # knees and hips: what two classic CAN buses carry at 1 kHz

CONFIG = np.dtype(
    [
        ("bus_fd", np.int64),
        ("is_can", np.int64),  # a CAN socket of the kernel, not a unix: bus
        ("tx_flags", np.int64),  # of canfd_frame; 0 on a classic bus
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
        ("state_counter", np.int64),
        ("state_mux", np.int64),
        ("governor_state", np.int64),
        ("governor_reason", np.int64),
        ("governor_ns", np.int64),
        ("governor_counts", np.int64),  # payload of COUNTERS as last heard
        ("hash_heard", np.int64),  # bit per hash
        ("hash_differs", np.int64),
        ("hash_firmware", np.int64, (3,)),
        ("heartbeat", np.int64),
        ("mode_asked", np.int64),  # of us, in the cycle before
        ("heartbeat_ns", np.int64),
        ("heartbeat_lost", np.int64),  # latched until the supervisor takes the mode away
        ("engaged_ns", np.int64),  # when assistance began, 0 = not engaged
        ("intent_first", np.int64),
        ("clears", np.int64),  # explicit clears seen
    ]
)
JOINT = np.dtype(
    [
        ("setpoint_id", np.int64),
        ("state_id", np.int64),
        ("setpoint_counter", np.int64),
        ("position", np.float64),  # rad, rad/s, Nm, as last heard
        ("velocity", np.float64),
        ("measured", np.float64),
        ("heard_ns", np.int64),
    ]
)


class Torque(NamedTuple):
    """Everything the cycle reads and writes; arrays only, so that the compiled code takes it as it is."""

    config: npt.NDArray[Any]  # CONFIG [1]
    state: npt.NDArray[Any]  # STATE [1]
    rules: npt.NDArray[Any]  # deadlines.RULES [1]
    deadlines: npt.NDArray[Any]  # deadlines.DEADLINES [1]
    joints: npt.NDArray[Any]  # JOINT [n], in the order of the table; so are the four below
    limits: npt.NDArray[Any]  # limiter.LIMITS [n]
    limiter: npt.NDArray[Any]  # limiter.STATE [n]
    tissue: npt.NDArray[Any]  # inverse.INVERSE [n]
    tissue_state: npt.NDArray[Any]  # inverse.INVERSE_STATE [n]
    intent: npt.NDArray[Any]  # INTENT [1] that acts now
    pending: npt.NDArray[Any]  # INTENT [1] that waits for its time
    newest: npt.NDArray[Any]  # INTENT [1] as read; torn where a read failed
    newest_words: I64  # the same memory, for the mailbox
    receivers: I64  # E2E receivers [n + 1, RX_SIZE]: JOINT_STATE of each joint, GOVERNOR_STATE
    clock: npt.NDArray[Any]  # firmware_bridge.clock.CLOCK [1]: governor clock against ours
    tx: U8
    inbox: frames.Inbox
    bus: npt.NDArray[Any]  # bus_state.BUS [1]
    timespec: I64  # scratch
    evidence: Evidence
    joint_values: F64
    state_values: I64
    feedback: F64
    feedback_words: I64
    reading: F64  # shared.ENCODER_FIELDS of each joint
    reading_words: I64
    readings: I64  # ring of those; a process replaces it by the shared one
    crc_table: U8
    row: F64  # telemetry, CYCLE_FIELDS and on
    row_words: I64


def new_torque(
    table: Table, profile: Profile, device: Device, bus_fd: int, tissues: Mapping[str, ReducedTissue] | None = None
) -> Torque:
    """Allocate and fill everything one torque loop needs, for the joints of `table`, 1 to JOINTS_MAX.

    A joint `<name>_l` takes the left interface of the profile, any other the right one; where `tissues` has the side
    (`r`, `l`), that identified leg instead. Raises TableError where the
    host's limits were generated from another table.
    """
    names = tuple(table.joints)
    count = len(names)
    if not 1 <= count <= JOINTS_MAX:
        raise UserError(f"limits table {table.path}: {count} joints, the torque loop drives 1 to {JOINTS_MAX}")
    newest = new_intent(count)
    row = np.full(cycle_width(count), np.nan)
    feedback, reading = np.zeros(2 * count), np.zeros(len(ENCODER_FIELDS) * count)
    interfaces = [_inverse(profile, tissues or {}, "l" if name.endswith("_l") else "r") for name in names]
    limits = _limits(table, profile.assist.ceiling_nm)
    return Torque(
        config=_config(table, profile, device, bus_fd),
        state=np.zeros(1, STATE),
        rules=deadlines.rules(table.host, table.protocol.setpoint_period_ms),
        deadlines=deadlines.fresh(),
        limits=limits,
        joints=_joints(table),
        limiter=limiter.new_state(limits),
        tissue=np.concatenate(interfaces),
        tissue_state=np.zeros(count, INVERSE_STATE),
        intent=new_intent(count),
        pending=new_intent(count),
        newest=newest,
        newest_words=newest.view(np.int64),
        receivers=np.zeros((count + 1, e2e.RX_SIZE), np.int64),
        clock=clock(),
        tx=np.zeros(FD_FRAME_SIZE if frames.is_fd(bus_fd) else FRAME_SIZE, np.uint8),
        inbox=frames.inbox(),
        bus=np.zeros(1, bus_state.BUS),
        timespec=np.zeros(2, np.int64),
        evidence=evidence(),
        joint_values=np.zeros(3),
        state_values=np.zeros(4, np.int64),
        feedback=feedback,
        feedback_words=feedback.view(np.int64),
        reading=reading,
        reading_words=reading.view(np.int64),
        readings=np.zeros(stream_words(ENCODER_ROWS, reading.size), np.int64),
        crc_table=e2e.CRC_TABLE,
        row=row,
        row_words=row.view(np.int64),
    )


def _inverse(profile: Profile, tissues: Mapping[str, ReducedTissue], side: str) -> npt.NDArray[Any]:
    """Compensation of one leg: from its identified tissue, else from the profile's one-spring interface."""
    if side in tissues:
        return inverse_params(packed(tissues[side]))
    interface = profile.interface_l if side == "l" else profile.interface_r
    return inverse_params(one_spring(interface), interface.transmission)


def _limits(table: Table, ceiling_nm: float) -> npt.NDArray[Any]:
    """Limits of each joint: the generated ones; computed where the table names other joints than those."""
    hosts: Mapping[str, JointLimits] = {name: table.host_limits(name) for name in table.joints}
    if table.joints.keys() == HOST_LIMITS.keys():
        if table.host_hash != HOST_HASH:
            raise TableError(f"limits table {table.path}: changed; run: exo-edge can generate")
        hosts = HOST_LIMITS
    return np.concatenate([limiter.host_limits(hosts[name], ceiling_nm) for name in table.joints])


def _joints(table: Table) -> npt.NDArray[Any]:
    joints = np.zeros(len(table.joints), JOINT)
    joints["setpoint_id"] = [table.messages["TORQUE_SETPOINT"].can_id[name] for name in table.joints]
    joints["state_id"] = [table.messages["JOINT_STATE"].can_id[name] for name in table.joints]
    return joints


def _config(table: Table, profile: Profile, device: Device, bus_fd: int) -> npt.NDArray[Any]:
    config = np.zeros(1, CONFIG)
    c = config[0]
    c["bus_fd"], c["is_can"] = bus_fd, frames.is_can(bus_fd)
    c["tx_flags"] = CANFD_BRS | CANFD_FDF if frames.is_fd(bus_fd) else 0
    c["host_state_id"] = table.messages["HOST_STATE"].can_id["all"]
    c["governor_state_id"] = table.messages["GOVERNOR_STATE"].can_id["all"]
    c["max_delta"] = table.protocol.max_delta_counter
    c["state_every"] = round(table.protocol.state_period_ms / table.protocol.setpoint_period_ms)
    c["actuator_delay_ns"] = round(device.actuator_delay_ms * 1e6)
    c["lease_ms"] = int(min(joint.lease_ms for joint in table.joints.values()))
    c["frame_max_ns"] = round(table.age.frame_max_ms * 1e6)
    c["full_age_ns"] = round((table.age.latency_ms + table.age.late_full_ms) * 1e6)
    c["zero_age_ns"] = round((table.age.latency_ms + table.age.late_zero_ms) * 1e6)
    c["joint_silent_ns"] = round(table.host.joint_silent_ms * 1e6)
    c["governor_silent_ns"] = round(table.host.governor_silent_ms * 1e6)
    c["engage_ns"] = round(table.host.engage_ms * 1e6)
    c["hashes"] = [table.protocol_hash, table.limits_hash, profile.hash32]
    return config
