"""What the limits table holds, as frozen structs, and the hashes that both ends compare before arming."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Protocol:
    """Constants both ends share; see the comments in `limits.toml`."""

    version: int
    bitrate: int
    counter_max: int
    max_delta_counter: int
    consecutive_errors_max: int
    late_max_ms: float
    ahead_max_ms: float
    host_timeout_ms: float
    state_period_ms: float
    setpoint_period_ms: float


@dataclass(frozen=True, slots=True)
class Field:
    """One signal of a frame: lowest bit, width, scale to `unit`."""

    bit: int
    bits: int
    signed: bool
    scale: float
    unit: str

    def raw_range(self) -> tuple[int, int]:
        """Lowest and highest wire value."""
        if self.signed:
            return -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1
        return 0, (1 << self.bits) - 1


@dataclass(frozen=True, slots=True)
class Message:
    """One frame: who sends it, how often, its CAN id (also its E2E data id) per joint or for `all`."""

    sender: str
    period_ms: float
    can_id: Mapping[str, int]
    fields: Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Age:
    """Fade of torque with the age of its intent; see the comment in `limits.toml`.

    On the wire, and so for the firmware: full to `full_ms`, none from `zero_ms`, linear between.
    """

    latency_ms: float
    frame_max_ms: float
    late_full_ms: float
    late_zero_ms: float

    @property
    def full_ms(self) -> float:
        """Oldest age at which torque may be full, with the slowest camera."""
        return self.latency_ms + self.frame_max_ms + self.late_full_ms

    @property
    def zero_ms(self) -> float:
        """Age from which torque must be zero, with the slowest camera."""
        return self.latency_ms + self.frame_max_ms + self.late_zero_ms


@dataclass(frozen=True, slots=True)
class HostRules:
    """What the host alone keeps to; see the comments in `limits.toml`."""

    joint_silent_ms: float
    governor_silent_ms: float
    engage_ms: float
    kcf_full_bw: float
    kcf_zero_bw: float
    missed_fade: int
    missed_safe: int
    missed_fade_ms: float
    missed_recover_ms: float


@dataclass(frozen=True, slots=True)
class Safe:
    """What SAFE does: ramp to zero in `ramp_ms`, then damping; and when it may be cleared."""

    ramp_ms: float
    damping_nm_s_per_rad: float
    damping_max_nm: float
    clear_after_ms: float
    clear_velocity_degps: float


@dataclass(frozen=True, slots=True)
class JointLimits:
    """Limits of one joint; torque and position positive in flexion."""

    torque_nm: float
    slew_up_nm_per_s: float
    slew_down_nm_per_s: float
    slew_tolerance_ms: float
    window_nm: float
    window_ms: float
    lease_ms: float
    power_w: float
    velocity_max_degps: float
    position_min_deg: float
    position_max_deg: float
    tracking_nm: float
    persist_ms: float
    yield_ms: float
    opposing_nm: float
    opposing_velocity_degps: float
    opposing_ms: float
    i2t_nm: float
    i2t_s: float


@dataclass(frozen=True, slots=True)
class Table:
    """The whole of `limits.toml`."""

    path: Path
    host_factor: float
    protocol: Protocol
    modes: Mapping[str, int]
    states: Mapping[str, int]
    mux: Mapping[str, int]
    messages: Mapping[str, Message]
    reasons: Mapping[str, int]
    limiter_reasons: tuple[str, ...]
    host: HostRules
    age: Age
    safe: Safe
    joints: Mapping[str, JointLimits]

    def host_limits(self, joint: str) -> JointLimits:
        """Limits of the host limiter: `host_factor` of the firmware's, but a longer window.

        Time against the wearer is shorter by the lease as well: the longest gap that the link survives.
        """
        own, k = self.joints[joint], self.host_factor
        middle = 0.5 * (own.position_min_deg + own.position_max_deg)
        half = 0.5 * k * (own.position_max_deg - own.position_min_deg)
        return replace(
            own,
            torque_nm=k * own.torque_nm,
            slew_up_nm_per_s=k * own.slew_up_nm_per_s,
            slew_down_nm_per_s=k * own.slew_down_nm_per_s,
            window_nm=k * own.window_nm,
            window_ms=own.window_ms / k,
            power_w=k * own.power_w,
            velocity_max_degps=k * own.velocity_max_degps,
            position_min_deg=middle - half,
            position_max_deg=middle + half,
            tracking_nm=k * own.tracking_nm,
            opposing_nm=k * own.opposing_nm,
            opposing_velocity_degps=k * own.opposing_velocity_degps,
            opposing_ms=k * (own.opposing_ms - own.lease_ms),
            i2t_nm=k * own.i2t_nm,
        )

    @property
    def protocol_hash(self) -> int:
        """u32 over everything that decides how a frame is read."""
        messages = {name: asdict(message) for name, message in self.messages.items()}
        return _hash32(
            [
                asdict(self.protocol),
                dict(self.modes),
                dict(self.states),
                dict(self.mux),
                messages,
                dict(self.reasons),
            ]
        )

    @property
    def limits_hash(self) -> int:
        """u32 over every limit that the governor enforces."""
        joints = {name: asdict(joint) for name, joint in self.joints.items()}
        return _hash32([asdict(self.age), asdict(self.safe), joints])

    @property
    def host_hash(self) -> int:
        """u32 over everything that the host limiter's table is made from."""
        return _hash32([self.host_factor, self.limits_hash])

    def reason_name(self, code: int) -> str:
        """Name of a governor reason code; `unknown_<code>` where the table has none."""
        return _name_of(self.reasons, code)

    def state_name(self, code: int) -> str:
        """Name of a state; `unknown_<code>` where the table has none."""
        return _name_of(self.states, code)


def _name_of(codes: Mapping[str, int], code: int) -> str:
    return next((name for name, value in codes.items() if value == code), f"unknown_{code}")


def _hash32(content: object) -> int:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
