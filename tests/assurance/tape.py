"""Tape: what goes into the governor and what the reference says must come out, to be replayed in C at full speed."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from firmware_bridge.table import TABLE
from tests.assurance.reference import Reference
from tests.assurance.reference_e2e import RESULTS, Receiver
from tests.assurance.reference_joint import Sensors
from tests.assurance.reference_rules import BUCKETS, Limits

PROFILE_HASH = 0xC0FFEE42


class Recorder:
    """Feeds one reference governor and writes every call with its expected result."""

    def __init__(self) -> None:
        self.out = bytearray()
        self.reference = Reference(PROFILE_HASH, (0, 0))
        self.receiver = Receiver()
        self.frames = self.refused = 0

    def init(self, torque_cnm: Sequence[int] | None = None, profile_hash: int = PROFILE_HASH) -> None:
        """A governor just switched on; `None` is its default configuration."""
        full = [1 << 30] * len(self.reference.joints)
        self.reference = Reference(profile_hash, full if torque_cnm is None else torque_cnm)
        most = len(full) + 1
        if torque_cnm is None:
            torques = [round(joint.torque_nm * 100) for joint in TABLE.joints.values()]
            self.out += struct.pack(f"<cIB{len(torques)}i", b"D", profile_hash, most, *torques)
        else:
            self.out += struct.pack(f"<cIB{len(torque_cnm)}i", b"I", profile_hash, most, *torque_cnm)

    def frame(self, can_id: int, data: bytes, now_us: int) -> None:
        """A frame arrives."""
        before = self._refused()
        self.reference.on_frame(can_id, data, now_us)
        self.frames += 1
        self.refused += self._refused() != before
        self.out += struct.pack("<cQIB8s", b"F", now_us, can_id, len(data), data)

    def _refused(self) -> tuple[int, bool]:
        """What changes where the reference refuses a frame."""
        own = self.reference
        receivers = [own.host_rx, *(joint.rx for joint in own.joints)]
        return own.rejected + sum(sum(rx.counts.values()) for rx in receivers), own.state == "SAFE"

    def step(self, sensors: Sequence[Sensors], now_us: int) -> list[int]:
        """A step and what is sent after it; returns the torque."""
        torque = self._step(b"S", sensors, now_us)
        frames = self.reference.transmit(now_us)
        self.out += struct.pack("<B", len(frames))
        for can_id, data in frames:
            self.out += struct.pack("<H8s", can_id, data)
        return torque

    def untold_step(self, sensors: Sequence[Sensors], now_us: int) -> list[int]:
        """A step after which nothing is sent."""
        return self._step(b"U", sensors, now_us)

    def _step(self, kind: bytes, sensors: Sequence[Sensors], now_us: int) -> list[int]:
        torque = self.reference.step(now_us, sensors)
        self.out += struct.pack("<cQ", kind, now_us)
        for seen in sensors:
            self.out += struct.pack("<hhhB", *seen)
        self.out += struct.pack(f"<{len(torque)}i", *torque)
        return torque

    def fresh_receiver(self) -> None:
        """An E2E receiver of its own, beside the governor."""
        self.receiver = Receiver()
        self.out += b"E"

    def check(self, can_id: int, data: bytes) -> None:
        """A frame for that receiver."""
        self.receiver.check(data, can_id)
        run, counts = min(self.receiver.bad_run, 255), self.receiver.counts
        told = (RESULTS.index(self.receiver.result), run, *(counts[name] & 255 for name in ("crc", "gaps", "repeats")))
        self.out += struct.pack("<cHB8s5B", b"K", can_id, len(data), data, *told)

    def rule(self, kind: str, limits: Limits, arguments: Sequence[int], expected: int = 0) -> None:
        """One rule called by itself; `arguments` in the order of rules.h."""
        own = (
            limits.up,
            limits.down,
            limits.window,
            limits.bucket_us * BUCKETS,
            limits.opposing,
            limits.opposing_velocity,
            limits.i2t_us,
            limits.i2t,
        )
        padded = [*arguments, 0, 0, 0, 0][:4]
        self.out += struct.pack("<cc8i4qq", b"R", kind.encode(), *own, *padded, expected)
