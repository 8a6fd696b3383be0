"""Emulated drives on emulated joints: what a drives file describes, without hardware."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from firmware_bridge.actuators.base import Frames
from firmware_bridge.actuators.config import AK_MODELS, Drives, JointDrive, Kind
from firmware_bridge.actuators.emulators.base import Emulator, Hinge
from firmware_bridge.actuators.emulators.cia402 import Cia402Emulator
from firmware_bridge.actuators.emulators.cubemars import CubeMarsEmulator
from firmware_bridge.actuators.emulators.moteus import MoteusEmulator
from firmware_bridge.actuators.emulators.odrive import ODriveEmulator

STEP_MAX_NS: Final = 10_000_000
"""Longest piece of time that the joint is moved by at once."""


def make_emulator(drives: Drives, name: str) -> Emulator:
    """The emulated drive of one joint. A drive stronger than its joint's range: the emulator's limit is twice it."""
    joint = drives.joints[name]
    watchdog_ns = round(drives.watchdog_ms * 1e6)
    limit_nm = 2.0 * joint.torque_max_nm / joint.gear
    if drives.kind is Kind.CUBEMARS:
        return CubeMarsEmulator(joint.node, joint.model)
    if drives.kind is Kind.ODRIVE:
        return ODriveEmulator(joint.node, watchdog_ns, limit_nm)
    if drives.kind is Kind.MOTEUS:
        return MoteusEmulator(joint.node, limit_nm)
    return Cia402Emulator(joint.node, joint.rated_torque_nm, joint.counts_per_turn)


def torque_step_nm(drives: Drives, name: str) -> float:
    """Largest difference between a torque at the joint and what the drive's field can carry."""
    joint = drives.joints[name]
    if drives.kind is Kind.CUBEMARS:
        return AK_MODELS[joint.model].torque_nm * joint.gear / 4095.0 * 1.001
    if drives.kind is Kind.CIA402:
        return joint.rated_torque_nm * joint.gear / 2000.0 * 1.001
    return joint.torque_max_nm * 1e-6  # a 32-bit float


class EmulatedJoint:
    """One drive on its hinge; torque and motion cross through sign, gear and zero."""

    def __init__(self, drives: Drives, name: str) -> None:
        self.drive = make_emulator(drives, name)
        self.hinge = Hinge()
        self._joint: JointDrive = drives.joints[name]
        self._place_shaft()

    @property
    def torque_nm(self) -> float:
        """Torque of the drive at the joint."""
        return self._joint.sign * self._joint.gear * self.drive.torque_nm

    def move(self, dt_s: float) -> None:
        """Let the joint move under the drive's torque."""
        self.hinge.step(self.torque_nm, dt_s)
        self._place_shaft()

    def _place_shaft(self) -> None:
        turn = self._joint.sign * self._joint.gear
        self.drive.shaft.position_rad = turn * (self.hinge.position_rad + math.radians(self._joint.zero_deg))
        self.drive.shaft.velocity_radps = turn * self.hinge.velocity_radps


class EmulatedBus:
    """All drives of a device on one bus; a frame goes to each of them."""

    def __init__(self, drives: Drives) -> None:
        self.joints = {name: EmulatedJoint(drives, name) for name in drives.joints}
        self._moved_ns: int | None = None

    def receive(self, frames: Iterable[bytes], now_ns: int) -> Frames:
        """Frames of the master; gives the replies in order."""
        joints = self.joints.values()
        return tuple(reply for frame in frames for joint in joints for reply in joint.drive.receive(frame, now_ns))

    def advance(self, now_ns: int) -> Frames:
        """Let the time pass: joints move, watchdogs run, cyclic messages come."""
        dt_ns = 0 if self._moved_ns is None else min(now_ns - self._moved_ns, STEP_MAX_NS)
        self._moved_ns = now_ns
        out: list[bytes] = []
        for joint in self.joints.values():
            joint.move(dt_ns * 1e-9)
            out += joint.drive.advance(now_ns)
        return tuple(out)
