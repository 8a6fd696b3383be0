"""Benches of the contract for the drives, and the set-up of a CiA 402 drive without CAN."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from firmware_bridge.actuators.base import Frames, frame_id
from firmware_bridge.actuators.cia402_setup import OPERATIONAL_NODE, setup_writes
from firmware_bridge.actuators.config import Drives, Kind
from firmware_bridge.actuators.emulators.cia402 import ENABLED, Cia402Emulator
from firmware_bridge.actuators.emulators.cubemars import CubeMarsEmulator
from firmware_bridge.actuators.emulators.moteus import POSITION, MoteusEmulator
from firmware_bridge.actuators.emulators.odrive import CLOSED_LOOP_CONTROL, ODriveEmulator
from firmware_bridge.actuators.emulators.rig import EmulatedBus, EmulatedJoint, torque_step_nm
from firmware_bridge.actuators.native import NativeDrive, drive_config
from tests.firmware_bridge.actuator_contract import Bench

OVER_TEMPERATURE = {Kind.CUBEMARS: 1, Kind.ODRIVE: 0x2000, Kind.MOTEUS: 38, Kind.CIA402: 0x4310}


def set_up(drives: Drives, bus: EmulatedBus) -> None:
    """Write a CiA 402 drive's objects without SDO frames; other kinds need none."""
    for name, joint in bus.joints.items():
        if isinstance(joint.drive, Cia402Emulator):
            node = joint.drive.can
            for index, sub, value, _ in setup_writes(drives, name):
                node.store(index, sub, value)
            node.state = OPERATIONAL_NODE


def follows_torque(joint: EmulatedJoint) -> bool:
    """The emulated drive is in its torque mode."""
    drive = joint.drive
    if isinstance(drive, CubeMarsEmulator):
        return drive.entered
    if isinstance(drive, ODriveEmulator):
        return drive.state == CLOSED_LOOP_CONTROL
    if isinstance(drive, MoteusEmulator):
        return drive.mode == POSITION
    assert isinstance(drive, Cia402Emulator)
    return drive.state == ENABLED


class DriveBench(Bench):
    """One native drive against its emulator. The left joint: reversed, and it closes the cycle."""

    def __init__(self, native: ctypes.CDLL, drives: Drives, name: str = "knee_l") -> None:
        super().__init__()
        self.actuator = self.native = NativeDrive(native, drive_config(drives, name))
        self.bus = EmulatedBus(drives)
        set_up(drives, self.bus)
        self.joint = self.bus.joints[name]
        self.kind = drives.kind
        self.step_nm = torque_step_nm(drives, name)
        self.range_nm = drives.joints[name].torque_max_nm

    @property
    def applied_nm(self) -> float:
        return self.joint.torque_nm

    @property
    def in_torque_mode(self) -> bool:
        return follows_torque(self.joint)

    def exchange(self, frames: Frames) -> Frames:
        return (*self.bus.receive(frames, self.now_ns), *self.bus.advance(self.now_ns))

    def fail(self) -> None:
        self.joint.drive.fail(OVER_TEMPERATURE[self.kind])

    def corrupted(self, frame: bytes) -> bytes:
        return _BROKEN[self.kind](frame)


def _other_drive(frame: bytes) -> bytes:
    return frame[:8] + bytes([frame[8] ^ 0x40]) + frame[9:]  # byte 0 of a reply names the drive


def _not_numbers(frame: bytes) -> bytes:
    return frame[:8] + b"\xff" * 8 if frame_id(frame) & 31 != 1 else frame


def _cut_short(frame: bytes) -> bytes:
    return frame[:4] + bytes([frame[4] // 2]) + frame[5:]


_BROKEN: dict[Kind, Callable[[bytes], bytes]] = {
    Kind.CUBEMARS: _other_drive,
    Kind.ODRIVE: _not_numbers,
    Kind.MOTEUS: _cut_short,
    Kind.CIA402: _cut_short,
}
