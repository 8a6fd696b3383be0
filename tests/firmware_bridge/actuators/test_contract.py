"""Every actuator of ours against the contract: four drives against their emulators, and the governor itself."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge.actuators.base import Frames, make_frame
from firmware_bridge.actuators.governor import GovernorActuator
from firmware_bridge.table import STATES, TABLE
from tests.firmware_bridge.actuator_contract import ActuatorContract, Bench
from tests.firmware_bridge.actuators.benches import DriveBench
from tests.firmware_bridge.actuators.files import make_drives
from tests.firmware_bridge.harness import PROFILE_HASH, Governor


class DriveContract(ActuatorContract):
    kind: str

    @pytest.fixture(autouse=True)
    def _surroundings(self, native: ctypes.CDLL, tmp_path: Path) -> None:
        self.native, self.folder = native, tmp_path

    def make(self) -> Bench:
        return DriveBench(self.native, make_drives(self.folder, self.kind))


class TestCubeMars(DriveContract):
    kind = "cubemars"


class TestODrive(DriveContract):
    kind = "odrive"


class TestMoteus(DriveContract):
    kind = "moteus"


class TestCia402(DriveContract):
    kind = "cia402"


class GovernorBench(Bench):
    """The governor's actuator against the compiled governor."""

    def __init__(self, library: Path) -> None:
        super().__init__()
        self.actuator = GovernorActuator("knee_l", PROFILE_HASH)
        self.governor = Governor(library, start_us=self.now_ns // 1000)
        self.step_nm = 0.02
        self.range_nm = TABLE.host_limits("knee_l").torque_nm

    @property
    def applied_nm(self) -> float:
        return self.governor.torque[1] / 100.0

    @property
    def in_torque_mode(self) -> bool:
        return STATES["ARMED"] <= STATES[self.governor.state] <= STATES["DEGRADED"]

    def exchange(self, frames: Frames) -> Frames:
        self.governor.now_us = self.now_ns // 1000
        for frame in frames:
            self.governor.frame(int.from_bytes(frame[:4], "little"), frame[8:16])
        self.governor.step(0)
        self.governor.now_us += 1000
        return tuple(make_frame(can_id, data) for can_id, data in self.governor.frames)

    def fail(self) -> None:
        self.governor.measured[1].valid = 0

    def corrupted(self, frame: bytes) -> bytes:
        broken = np.frombuffer(frame, np.uint8).copy()
        broken[12] ^= 1
        return broken.tobytes()


class TestGovernor(ActuatorContract):
    @pytest.fixture(autouse=True)
    def _surroundings(self, library: Path) -> None:
        self.library = library

    def make(self) -> Bench:
        return GovernorBench(self.library)
