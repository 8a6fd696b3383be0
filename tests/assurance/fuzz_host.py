"""The host's half of the differential fuzzing: wild requests through the real limiter and codec into the real governor.

Everything runs compiled, in batches; what was sent and what came back is kept for the reference to judge.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numba import njit

from edge_runtime.intent import lateness_gain
from edge_runtime.rt.limiter import DISENGAGED, NONE, STALE, host_limits, limit, new_state
from firmware_bridge.e2e import CRC_TABLE, next_counter
from firmware_bridge.table import JOINTS, MODES, STATES, TABLE
from firmware_bridge.wire import CDEG_PER_RAD, CNM_PER_NM, DDEGPS_PER_RADPS, apply_stamp, pack_setpoint, pack_state

COUNT: Final = len(JOINTS)
PROFILE_HASH: Final = 0xC0FFEE42
HASHES: Final = np.array([TABLE.protocol_hash, TABLE.limits_hash, PROFILE_HASH], np.int64)
SETPOINT_IDS: Final = tuple(TABLE.messages["TORQUE_SETPOINT"].can_id.values())
HOST_ID: Final = TABLE.messages["HOST_STATE"].can_id["all"]
ARMING: Final = 12  # cycles to ARMED
_ZERO, _TORQUE = MODES["ZERO"], MODES["TORQUE"]
_READY, _ARMED, _SAFE = STATES["READY"], STATES["ARMED"], STATES["SAFE"]
_FRAME_NS: Final = round(TABLE.age.frame_max_ms * 1e6)
_FULL_NS: Final = round((TABLE.age.latency_ms + TABLE.age.late_full_ms) * 1e6)
_ZERO_NS: Final = round((TABLE.age.latency_ms + TABLE.age.late_zero_ms) * 1e6)
_LEASE_MS: Final = round(min(joint.lease_ms for joint in TABLE.joints.values()))
_LOST_MAX: Final = TABLE.protocol.max_delta_counter - 1
_SILENT_NS: Final = 6_000_000  # no frame is lost after so long: with the longest stall, 12 ms, the lease still holds

LOG = np.dtype(
    [
        ("kind", np.int64),  # 0 a frame arrives, 1 a step
        ("now_us", np.int64),
        ("id", np.int64),
        ("data", np.uint8, (8,)),
        ("sensors", np.int64, (4 * COUNT,)),
        ("torque_cnm", np.int64, (COUNT,)),
        ("state", np.int64),
        ("reason", np.int64),
    ]
)
Loop = Callable[..., Any]


def load(library: Path) -> ctypes.CDLL:
    """The governor and the codec, see fuzz_shim.c."""
    shim = ctypes.CDLL(str(library))
    pointer, u64 = ctypes.c_void_p, ctypes.c_uint64
    shim.shim_init.argtypes, shim.shim_init.restype = [ctypes.c_uint32, pointer], None
    shim.shim_frame.argtypes, shim.shim_frame.restype = [ctypes.c_uint32, pointer, ctypes.c_uint8, u64], None
    shim.shim_step.argtypes, shim.shim_step.restype = [u64, pointer, pointer], None
    shim.shim_decode.argtypes, shim.shim_decode.restype = [ctypes.c_int, pointer, pointer], ctypes.c_int
    return shim


def compiled(library: Path) -> Loop:
    """`episode(seed, cycles, log)` on the compiled governor; fills `log`, returns rows, setpoints, decode errors."""
    shim = load(library)
    init, on_frame, step, decode = shim.shim_init, shim.shim_frame, shim.shim_step, shim.shim_decode
    limits = np.concatenate([host_limits(TABLE.host_limits(name), 1e9) for name in JOINTS])
    hot = new_state(limits)
    ids = np.array(SETPOINT_IDS, np.int64)
    full = np.full(COUNT, 1 << 30, np.int32)

    @njit
    def send(log: Any, row: int, can_id: int, tx: Any, now_us: int) -> int:
        log[row].kind, log[row].now_us, log[row].id = 0, now_us, can_id
        log[row].data[:] = tx[8:]
        on_frame(can_id, tx[8:].ctypes.data, 8, now_us)
        return row + 1

    @njit
    def agrees(
        tx: Any, joint: int, torque: float, age_ms: float, stamp: int, mode: int, counter: int, out: Any
    ) -> bool:
        status = decode(joint, tx[8:].ctypes.data, out.ctypes.data)
        same = out[0] == np.rint(torque * CNM_PER_NM) and out[1] == _LEASE_MS and out[2] == int(age_ms)
        return status == 0 and same and out[3] == stamp and out[4] == mode and out[5] == counter

    @njit
    def episode(seed: int, cycles: int, log: Any) -> tuple[int, int, int]:
        np.random.seed(seed)
        init(PROFILE_HASH, full.ctypes.data)
        states, counters, counter_host = hot.copy(), np.zeros(COUNT, np.int64), 0
        tx, fields, out = np.zeros(16, np.uint8), np.zeros(6, np.int64), np.zeros(COUNT + 2, np.int64)
        sensors, level, lost = np.ones(4 * COUNT, np.int64), np.zeros(COUNT), np.zeros(COUNT, np.int64)
        measured_nm, heard_ns = np.zeros(COUNT), np.zeros(COUNT, np.int64)
        phase, pace = np.random.uniform(0.0, 6.0, COUNT), np.random.uniform(0.3, 1.3, COUNT)
        middle, swing = np.random.uniform(2000.0, 6000.0), np.random.uniform(500.0, 6500.0)
        late, lossy = np.random.random() < 0.5, np.random.random() < 0.5
        ahead_ns, wild = np.random.randint(0, 4_000_000), np.random.uniform(0.0, 12.0)
        now_ns, age_ns = np.random.randint(1, 10_000) * 1_000_000, 20_000_000
        rows, setpoints, errors = 0, 0, 0
        for cycle in range(cycles):
            now_us, host_state, mode = now_ns // 1000, _READY if cycle < 6 else _ARMED, _ZERO
            if cycle < ARMING or cycle % 20 == 0:
                mux = 1 + cycle % 3
                pack_state(tx, HOST_ID, counter_host, host_state, mux, 0, HASHES[mux - 1], CRC_TABLE)
                counter_host = next_counter(counter_host)
                rows = send(log, rows, HOST_ID, tx, now_us)
            age_ns = np.random.randint(4_000_000, 60_000_000) if np.random.random() < 0.05 else age_ns + 1_000_000
            gain = lateness_gain(age_ns - _FRAME_NS, _FULL_NS, _ZERO_NS)
            for joint in range(COUNT):
                if np.random.random() < 0.02:
                    level[joint] = np.random.uniform(-40.0, 40.0)
                asked = gain * (level[joint] + np.random.normal(0.0, wild))
                chance = np.random.random()
                withheld = NONE if cycle >= ARMING else DISENGAGED
                if chance < 0.002:
                    withheld = STALE
                elif chance < 0.004:
                    asked = np.nan
                position, velocity = sensors[4 * joint] / CDEG_PER_RAD, sensors[4 * joint + 1] / DDEGPS_PER_RADPS
                torque = limit(
                    limits[joint], states[joint], asked, withheld, gain, position, velocity,
                    sensors[4 * joint + 2] / CNM_PER_NM, now_ns,
                )  # fmt: skip
                mode = _TORQUE if torque != 0.0 or (cycle >= ARMING and withheld == NONE) else _ZERO
                stamp = apply_stamp(now_ns + ahead_ns, 0)
                age_ms = min(age_ns * 1e-6, 255.0)
                pack_setpoint(tx, ids[joint], counters[joint], torque, _LEASE_MS, age_ms, stamp, mode, CRC_TABLE)
                errors += not agrees(tx, joint, torque, age_ms, stamp, mode, counters[joint], fields)
                counters[joint] = next_counter(counters[joint])
                setpoints += 1
                may_lose = lossy and cycle > ARMING and lost[joint] < _LOST_MAX
                if may_lose and now_ns - heard_ns[joint] < _SILENT_NS and np.random.random() < 0.05:
                    lost[joint] += 1
                    continue
                lost[joint], heard_ns[joint] = 0, now_ns
                rows = send(log, rows, ids[joint], tx, now_us)
            chance = np.random.random() if late else 1.0
            dt_ns = 1_000_000
            if chance < 0.2:
                dt_ns += np.random.randint(-80, 61) * 1000
            elif chance < 0.23:
                dt_ns += np.random.choice(np.array([300_000, 2_000_000, 11_000_000]))
            now_ns += dt_ns
            for joint in range(COUNT):
                turn = 2.0 * np.pi * pace[joint]
                angle = turn * now_ns * 1e-9 + phase[joint]
                measured_nm[joint] += 0.4 * (out[joint] - measured_nm[joint])
                sensors[4 * joint] = int(middle + swing * np.sin(angle))
                sensors[4 * joint + 1] = int(swing / 10.0 * turn * np.cos(angle))
                sensors[4 * joint + 2] = int(measured_nm[joint])
            step(now_ns // 1000, sensors.ctypes.data, out.ctypes.data)
            log[rows].kind, log[rows].now_us = 1, now_ns // 1000
            log[rows].sensors[:] = sensors
            log[rows].torque_cnm[:] = out[:COUNT]
            log[rows].state, log[rows].reason = out[COUNT], out[COUNT + 1]
            rows += 1
            if out[COUNT] == _SAFE:
                break
        return rows, setpoints, errors

    return episode
