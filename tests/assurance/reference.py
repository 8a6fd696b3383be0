"""Reference governor in plain Python, written from docs/wire.md, docs/limits.md and limits.toml.

The independent judge of the fuzzing and of the mutation testing: it shares no code with the C governor, keeps other
data (a history instead of buckets, ways and times instead of clamps) and must give the same torque and the same frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from firmware_bridge.table import GOVERNOR_REASONS, MODES, MUX, STATES, TABLE
from tests.assurance.reference_e2e import Receiver, protected
from tests.assurance.reference_joint import Joint, Sensors, change_fault
from tests.assurance.reference_rules import (
    UCNM,
    age_allows,
    limits_of,
    moved,
    toward_zero,
)

STEP_US: Final = 1000
QUEUE: Final = 8  # docs/wire.md: setpoints that wait for their moment
RELEASE_US: Final = 100_000  # docs/wire.md: torque may go on so long after the host disarmed
CATCH_UP_US: Final = 2 * STEP_US
LATE: Final = -round(TABLE.protocol.late_max_ms * 10)
AHEAD: Final = round(TABLE.protocol.ahead_max_ms * 10)
ERRORS_MAX: Final = TABLE.protocol.consecutive_errors_max
HOST_TIMEOUT_US: Final = round(TABLE.protocol.host_timeout_ms * 1000)
STATE_PERIOD_US: Final = round(TABLE.protocol.state_period_ms * 1000)
RAMP_US: Final = round(TABLE.safe.ramp_ms * 1000)
CLEAR_US: Final = round(TABLE.safe.clear_after_ms * 1000)
CLEAR_VELOCITY: Final = round(TABLE.safe.clear_velocity_degps * 10)
DAMPING_MAX: Final = round(TABLE.safe.damping_max_nm * 100)
DAMPING_BITS: Final = 16  # the damping factor is a binary fraction
DAMPING: Final = round(TABLE.safe.damping_nm_s_per_rad * 100 * 3.141592653589793 / 1800 * (1 << DAMPING_BITS))
SETPOINT_IDS: Final = tuple(TABLE.messages["TORQUE_SETPOINT"].can_id.values())
JOINT_IDS: Final = tuple(TABLE.messages["JOINT_STATE"].can_id.values())
HOST_ID: Final = TABLE.messages["HOST_STATE"].can_id["all"]
GOVERNOR_ID: Final = TABLE.messages["GOVERNOR_STATE"].can_id["all"]
LIVE: Final = ("ARMED", "ENGAGED", "DEGRADED")
NAMES: Final = {code: name for name, code in STATES.items()}
OFF, ZERO, TORQUE, MODE_SAFE = (MODES[name] for name in ("OFF", "ZERO", "TORQUE", "SAFE"))
LASTING: Final = ("power", "soft_stop", "velocity", "tracking")
YIELDING: Final = ("power", "soft_stop")  # the host needs time to let the torque go
WATCHES: Final = (*LASTING, "opposing", "i2t")


class Reference:
    """The governor as the documents tell it; same calls as the C code."""

    def __init__(self, profile_hash: int, torque_cnm: Sequence[int]) -> None:
        self.hashes = (TABLE.protocol_hash, TABLE.limits_hash, profile_hash)
        tables = TABLE.joints.values()
        self.joints = [Joint(limits_of(joint, cnm)) for joint, cnm in zip(tables, torque_cnm, strict=True)]
        self.state, self.reason = "OFF", "boot"
        self.announce = False
        self.rejected = 0
        self.sent, self.mux, self.told_us = 0, 0, 0
        self.safe_since_us = 0
        self.damps = False
        self.disarmed_since_us: int | None = None
        self.step_us = 0
        self.host_rx = Receiver()
        self.host_alive = False
        self.host_heard_us = 0
        self.host_state = "OFF"
        self.host_hashes: dict[int, bool] = {}
        self.clear_released = self.clear_asked = False

    @property
    def live(self) -> bool:
        """Drive on, setpoints count."""
        return self.state in LIVE

    def enter(self, state: str, reason: str) -> None:
        """Change state or reason; both are told at once."""
        self.announce = self.announce or (state, reason) != (self.state, self.reason)
        self.state, self.reason = state, reason

    def trip(self, reason: str, now_us: int) -> None:
        """Latch SAFE; the first reason stays."""
        if self.state == "SAFE":
            return
        self.damps = self.live and reason not in ("sensor", "tracking")
        self.enter("SAFE", reason)
        self.safe_since_us = now_us
        self.clear_released = self.clear_asked = False
        for joint in self.joints:
            joint.safe_from = joint.applied

    # frames in

    def on_frame(self, can_id: int, data: bytes, now_us: int) -> None:
        """One received frame."""
        if can_id == HOST_ID:
            if self._usable(self.host_rx, data, can_id, now_us):
                self._on_host(data, now_us)
        elif can_id in SETPOINT_IDS:
            joint = self.joints[SETPOINT_IDS.index(can_id)]
            if self._usable(joint.rx, data, can_id, now_us):
                self._on_setpoint(joint, data, now_us)

    def _usable(self, rx: Receiver, data: bytes, can_id: int, now_us: int) -> bool:
        problem = rx.check(data, can_id)
        if problem and rx.bad_run >= ERRORS_MAX and self.live:
            self.trip(problem, now_us)
        return not problem

    def _on_host(self, data: bytes, now_us: int) -> None:
        code, mux = data[2] & 15, data[2] >> 4
        if code not in NAMES:
            self.rejected += 1
            return
        self.host_alive, self.host_heard_us, self.host_state = True, now_us, NAMES[code]
        self.clear_asked = data[3] == GOVERNOR_REASONS["clear_request"]
        self.clear_released = self.clear_released or not self.clear_asked
        if MUX["PROTOCOL_HASH"] <= mux <= MUX["PROFILE_HASH"]:
            own = self.hashes[mux - MUX["PROTOCOL_HASH"]]
            self.host_hashes[mux] = int.from_bytes(data[4:8], "little") == own
        if self.live and self.hash_reason():
            self.trip(self.hash_reason(), now_us)
        elif self.live and self.host_state == "SAFE":
            self.trip("host_safe", now_us)

    def hash_reason(self) -> str:
        """First of the three hashes that differs, in the order of the table."""
        wrong = [mux for mux, equal in self.host_hashes.items() if not equal]
        return next(name.lower() for name, code in MUX.items() if code == min(wrong)) if wrong else ""

    def _on_setpoint(self, joint: Joint, data: bytes, now_us: int) -> None:
        word = int.from_bytes(data[6:8], "little")
        mode, stamp = word >> 12, word & 0xFFF
        if self.state == "SAFE":
            joint.mode, joint.lease_end_us = mode, now_us + data[4] * 1000
            return
        if self.live and mode == MODE_SAFE:
            self.trip("host_safe", now_us)
        elif self.live and joint.lapsed(now_us):
            self.trip("lease", now_us)
        else:
            ahead = (stamp - now_us // 100 + 2048) % 4096 - 2048
            if LATE <= ahead <= AHEAD:
                joint.stamp_run = 0
                self._accept(joint, data, (now_us // 100 + ahead) * 100, now_us)
            else:
                self._drop_stamp(joint, now_us)

    def _drop_stamp(self, joint: Joint, now_us: int) -> None:
        self.rejected += 1
        if not joint.stamp_dropped:
            joint.stamp_run += 1
            joint.stamp_dropped = True
            if joint.stamp_run >= ERRORS_MAX and self.live:
                self.trip("apply_at", now_us)

    def _accept(self, joint: Joint, data: bytes, at_us: int, now_us: int) -> None:
        cnm, lease_ms, mode = int.from_bytes(data[2:4], "little", signed=True), data[4], data[7] >> 4
        reason = self.fault_of(joint, data) or change_fault(joint, cnm, at_us)
        if not reason:
            elapsed_us = max(at_us - joint.stamp_us, 0)
            joint.reference = moved(joint.limits, joint.reference, cnm * UCNM, elapsed_us)
            joint.stamp_us = max(joint.stamp_us, at_us)
            joint.window.add(joint.limits, cnm, at_us)
            if self.live:
                joint.take_due(now_us)
                if len(joint.waiting) < QUEUE:
                    joint.waiting.append((at_us, cnm))
                else:
                    reason = "apply_at"
        if reason:
            self.rejected += 1
            self.trip(reason, now_us)
        else:
            joint.mode, joint.lease_end_us = mode, now_us + lease_ms * 1000

    def fault_of(self, joint: Joint, data: bytes) -> str:
        """What is wrong with a setpoint by itself, in this state."""
        cnm, lease_ms, age_ms, mode = int.from_bytes(data[2:4], "little", signed=True), data[4], data[5], data[7] >> 4
        if mode not in MODES.values() or (mode != TORQUE and cnm):
            return "mode"
        if mode == TORQUE and not self.live:
            return "not_armed"
        if lease_ms > joint.limits.lease_ms:
            return "lease_range"
        if abs(cnm) > joint.limits.torque:
            return "torque"
        return "" if age_allows(joint.limits.torque, cnm, age_ms) else "age"

    # steps

    def step(self, now_us: int, sensors: Sequence[Sensors]) -> list[int]:
        """One period; torque to command in 0.01 Nm."""
        dt_us = min(max(now_us - self.step_us, 0), CATCH_UP_US)
        self.step_us = now_us
        for joint, seen in zip(self.joints, sensors, strict=True):
            joint.sensors = seen
            joint.stamp_dropped = False
            joint.remember(dt_us)
        if now_us - self.host_heard_us > HOST_TIMEOUT_US and self.host_alive:
            self.host_alive = False
            self.host_hashes.clear()
        if self.live:
            self._run_live(now_us)
        else:
            self._run_silent(now_us)
        for joint in self.joints:
            self._move(joint, now_us, dt_us)
        return [toward_zero(joint.applied, UCNM) for joint in self.joints]

    def _sensors_valid(self) -> bool:
        return all(joint.sensors[3] for joint in self.joints)

    def _any_torque(self, now_us: int) -> bool:
        return any(joint.mode == TORQUE and joint.leased(now_us) for joint in self.joints)

    def _all_in(self, mode: int, now_us: int) -> bool:
        return all(joint.mode == mode and joint.leased(now_us) for joint in self.joints)

    def _run_silent(self, now_us: int) -> None:
        if self.state == "OFF":
            if self._sensors_valid():
                self.enter("IDLE", "no_host")
        elif self.state == "SAFE":
            if self._may_clear(now_us):
                self.enter("IDLE", "no_host")
                self._rest()
        else:
            reason = self.hash_reason() or ("" if self.host_alive and len(self.host_hashes) == 3 else "no_host")
            wants = ("READY", *LIVE) if self.state == "READY" else ("READY",)
            ready = not reason and self.host_state in wants
            self.enter("READY" if ready else "IDLE", reason or "none")
            if ready and self.host_state in LIVE and self._sensors_valid() and self._all_in(ZERO, now_us):
                self.enter("ARMED", "none")

    def _may_clear(self, now_us: int) -> bool:
        calm = all(abs(joint.sensors[1]) <= CLEAR_VELOCITY for joint in self.joints) and self._sensors_valid()
        agreed = self.host_alive and len(self.host_hashes) == 3 and all(self.host_hashes.values())
        asked = self.clear_asked and self.clear_released and self.host_state != "SAFE" and not self._any_torque(now_us)
        return calm and agreed and asked and now_us - self.safe_since_us >= CLEAR_US

    def _rest(self) -> None:
        self.disarmed_since_us = None
        for joint in self.joints:
            joint.rest()

    def _run_live(self, now_us: int) -> None:
        fault = self._live_fault(now_us)
        idle = all(joint.idle() for joint in self.joints)
        if fault:
            self.trip(fault, now_us)
        elif self._any_torque(now_us):
            self.enter("DEGRADED" if self.host_state == "DEGRADED" else "ENGAGED", "none")
        elif idle and (self.host_state not in LIVE or self._all_in(OFF, now_us)):
            self.enter("READY", "none")
            self._rest()
        elif idle:
            self.enter("ARMED", "none")

    def _live_fault(self, now_us: int) -> str:
        if not self._sensors_valid():
            return "sensor"
        if not self.host_alive:
            return "host_silent"
        faults = [self._watch(joint, now_us) for joint in self.joints]
        faults = ["lease" if joint.lapsed(now_us) else f for joint, f in zip(self.joints, faults, strict=True)]
        on = self._any_torque(now_us) or not all(joint.idle() for joint in self.joints)
        if on and self.host_state not in (*LIVE, "SAFE"):
            if self.disarmed_since_us is None:
                self.disarmed_since_us = now_us
            faults.append("mode" if now_us - self.disarmed_since_us > RELEASE_US else "")
        else:
            self.disarmed_since_us = None
        return next((fault for fault in faults if fault), "")

    def _watch(self, joint: Joint, now_us: int) -> str:
        """What has been outside its limit for too long."""
        position, velocity, measured, _ = joint.sensors
        limits, torque = joint.limits, toward_zero(joint.applied, UCNM)
        outside = {
            "power": torque * velocity > limits.power_raw,
            "soft_stop": (position > limits.highest and torque > 0) or (position < limits.lowest and torque < 0),
            "velocity": abs(velocity) > limits.velocity,
            "tracking": abs(measured - torque) > limits.tracking,
        }
        for name in LASTING:
            if not outside[name]:
                joint.since_us.pop(name, None)
            elif name not in joint.since_us:
                joint.since_us[name] = now_us
        patience = dict.fromkeys(LASTING, limits.persist_us) | dict.fromkeys(YIELDING, limits.yield_us)
        tripped = [name for name, since in joint.since_us.items() if now_us - since >= patience[name]]
        if joint.opposed_us > limits.opposing_us:
            tripped.append("opposing")
        if joint.heat // limits.i2t_us > limits.i2t**2:
            tripped.append("i2t")
        return next((name for name in WATCHES if name in tripped), "")

    def _move(self, joint: Joint, now_us: int, dt_us: int) -> None:
        target = 0
        if self.state == "SAFE":
            left_us = RAMP_US - (now_us - self.safe_since_us)
            if left_us > 0:
                joint.applied = toward_zero(joint.safe_from, RAMP_US) * left_us
                return
            if self.damps and joint.sensors[3]:
                against = toward_zero(-joint.sensors[1] * DAMPING, 1 << DAMPING_BITS)
                target = min(max(against, -DAMPING_MAX), DAMPING_MAX)
        elif self.live:
            joint.take_due(now_us)
            target = joint.target
        joint.applied = moved(joint.limits, joint.applied, target * UCNM, dt_us)

    # frames out

    def transmit(self, now_us: int) -> list[tuple[int, bytes]]:
        """Frames to send after a step."""
        frames = []
        for joint, can_id in zip(self.joints, JOINT_IDS, strict=True):
            body = b"".join(value.to_bytes(2, "little", signed=True) for value in joint.sensors[:3])
            frames.append((can_id, protected(body, can_id, joint.sent)))
            joint.sent += 1
        if self.announce or now_us - self.told_us >= STATE_PERIOD_US:
            body = bytes([STATES[self.state] | self.mux << 4, GOVERNOR_REASONS[self.reason]])
            frames.append((GOVERNOR_ID, protected(body + self._payload(now_us), GOVERNOR_ID, self.sent)))
            self.sent += 1
            self.mux = (self.mux + 1) % len(MUX)
            self.told_us, self.announce = now_us, False
        return frames

    def _payload(self, now_us: int) -> bytes:
        if self.mux == MUX["CLOCK"]:
            return (now_us // 100 & 0xFFFFFFFF).to_bytes(4, "little")
        if self.mux < MUX["COUNTERS"]:
            return self.hashes[self.mux - MUX["PROTOCOL_HASH"]].to_bytes(4, "little")
        receivers = [self.host_rx, *(joint.rx for joint in self.joints)]
        counts = [sum(rx.counts[name] for rx in receivers) for name in ("crc", "gaps", "repeats")]
        return bytes(count & 255 for count in [*counts, self.rejected])
