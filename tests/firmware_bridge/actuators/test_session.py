"""The soft governor on a virtual clock: scripted host, compiled session, emulated drives on moving joints."""

from __future__ import annotations

import ctypes
import dataclasses
import math
from pathlib import Path

import pytest

from firmware_bridge.actuators.emulators.rig import EmulatedBus, torque_step_nm
from firmware_bridge.actuators.native import NativeSession
from firmware_bridge.table import JOINTS, TABLE
from tests.firmware_bridge.actuators.benches import OVER_TEMPERATURE, follows_torque, set_up
from tests.firmware_bridge.actuators.files import OWN, make_drives
from tests.firmware_bridge.actuators.host import PROFILE_HASH, ScriptedHost

STEP_NS = 1_000_000
KINDS = sorted(OWN)


class Rig:
    """Everything from setpoint to shaft, one call per millisecond."""

    def __init__(self, native: ctypes.CDLL, folder: Path, kind: str) -> None:
        self.drives = make_drives(folder, kind)
        self.session = NativeSession(native, self.drives, PROFILE_HASH)
        self.bus = EmulatedBus(self.drives)
        set_up(self.drives, self.bus)
        self.host = ScriptedHost()
        self.now_ns = 1_000_000_000
        self.host_speaks = self.drives_answer = True
        self.applied: list[dict[str, float]] = []

    def run(self, milliseconds: int) -> None:
        for _ in range(milliseconds):
            self.now_ns += STEP_NS
            if self.host_speaks:
                for frame in self.host.speak(self.now_ns):
                    self.session.on_host(frame, self.now_ns)
            to_drives, to_host = self.session.step(self.now_ns)
            self.host.hear(to_host, self.now_ns)
            self.answer((*self.bus.receive(to_drives, self.now_ns), *self.bus.advance(self.now_ns)))
            self.applied.append({name: joint.torque_nm for name, joint in self.bus.joints.items()})

    def answer(self, replies: tuple[bytes, ...]) -> None:
        for frame in replies if self.drives_answer else ():
            self.session.on_drive(frame, self.now_ns)

    def engage(self, torque_cnm: int) -> None:
        self.run(400)
        assert self.host.state in ("ARMED", "ENGAGED"), (self.host.state, self.host.reason)
        self.host.wanted_cnm = dict.fromkeys(JOINTS, torque_cnm)
        self.run(300)
        assert (self.host.state, self.host.reason) == ("ENGAGED", "none")


@pytest.fixture(params=KINDS)
def rig(request: pytest.FixtureRequest, native: ctypes.CDLL, tmp_path: Path) -> Rig:
    return Rig(native, tmp_path, request.param)


def largest_step(rig: Rig, start: int) -> float:
    pairs = zip(rig.applied[start:], rig.applied[start + 1 :], strict=False)
    return max(abs(b[name] - a[name]) for a, b in pairs for name in JOINTS)


def test_torque_reaches_the_joint_and_its_motion_comes_back(rig: Rig) -> None:
    rig.engage(800)
    for name, joint in rig.bus.joints.items():
        assert joint.torque_nm == pytest.approx(8.0, abs=torque_step_nm(rig.drives, name))
        position, _, torque = rig.host.joints[name]
        assert position / 100 == pytest.approx(math.degrees(joint.hinge.position_rad), abs=0.2)
        assert torque / 100 == pytest.approx(8.0, abs=2 * torque_step_nm(rig.drives, name) + 0.02)
        assert joint.hinge.position_rad > joint.hinge.rest_rad  # flexion positive on both sides, also the reversed one


@pytest.mark.parametrize("kind", KINDS)
def test_every_other_millisecond_is_enough(native: ctypes.CDLL, tmp_path: Path, kind: str) -> None:
    rig = Rig(native, tmp_path, kind)
    slow = dataclasses.replace(rig.drives, period_ms=2)
    rig.session = NativeSession(native, slow, PROFILE_HASH)
    rig.engage(800)
    assert all(
        joint.torque_nm == pytest.approx(8.0, abs=torque_step_nm(slow, name)) for name, joint in rig.bus.joints.items()
    )
    before = len(rig.applied)
    rig.drives_answer = False
    rig.run(120)
    slew = 2.0 * TABLE.joints["knee_r"].slew_down_nm_per_s * 1e-3
    assert largest_step(rig, before) <= slew + 2 * torque_step_nm(slow, "knee_r")
    assert all(abs(rig.applied[-1][name]) <= torque_step_nm(slow, name) for name in JOINTS)


def test_boots_silent_and_never_moves_before_the_host_arms(rig: Rig) -> None:
    rig.host_speaks = False
    rig.run(500)
    assert rig.host.state == "IDLE"
    quiet = [torque_step_nm(rig.drives, name) for name in JOINTS]
    assert all(abs(row[name]) <= limit for row in rig.applied for name, limit in zip(JOINTS, quiet, strict=True))


def test_a_silent_host_ends_torque_by_the_lease_on_the_governors_ramp(rig: Rig) -> None:
    rig.engage(1200)
    before = len(rig.applied)
    rig.host_speaks = False
    rig.run(int(TABLE.joints["knee_r"].lease_ms + TABLE.safe.ramp_ms) + 5)
    assert (rig.host.state, rig.host.reason) == ("SAFE", "lease")
    slew = TABLE.joints["knee_r"].slew_down_nm_per_s * 1e-3
    assert largest_step(rig, before) <= slew + 2 * torque_step_nm(rig.drives, "knee_r")


def test_an_illegal_setpoint_never_reaches_a_drive(rig: Rig) -> None:
    rig.engage(500)
    rig.host.torque_cnm["knee_r"] = 1700  # a jump far beyond the slew limit
    rig.host.wanted_cnm["knee_r"] = 1700
    rig.run(100)
    assert (rig.host.state, rig.host.reason) == ("SAFE", "slew_up")
    assert max(abs(row["knee_r"]) for row in rig.applied) <= 5.0 + 0.2
    assert abs(rig.applied[-1]["knee_r"]) <= TABLE.safe.damping_max_nm


def test_silent_drives_trip_the_governor_and_torque_is_withheld_without_a_jump(rig: Rig) -> None:
    rig.engage(1200)
    before = len(rig.applied)
    rig.drives_answer = False
    rig.run(120)
    assert (rig.host.state, rig.host.reason) == ("SAFE", "sensor")
    slew = TABLE.joints["knee_r"].slew_down_nm_per_s * 1e-3
    assert largest_step(rig, before) <= slew + 2 * torque_step_nm(rig.drives, "knee_r")
    assert all(abs(rig.applied[-1][name]) <= torque_step_nm(rig.drives, name) for name in JOINTS)


def test_a_drives_fault_trips_the_governor_and_ends_torque_on_both_joints(rig: Rig) -> None:
    rig.engage(1200)
    rig.bus.joints["knee_l"].drive.fail(OVER_TEMPERATURE[rig.drives.kind])
    rig.run(150)
    assert (rig.host.state, rig.host.reason) == ("SAFE", "sensor")
    assert all(abs(rig.applied[-1][name]) <= torque_step_nm(rig.drives, name) for name in JOINTS)


def test_a_drive_that_lost_torque_mode_stays_out_of_it(rig: Rig) -> None:
    rig.engage(500)
    rig.bus.joints["knee_l"].drive.fail(OVER_TEMPERATURE[rig.drives.kind])
    rig.run(200)
    rig.bus.joints["knee_l"].drive.fail(0)
    rig.run(800)
    assert rig.host.state == "SAFE"
    assert abs(rig.applied[-1]["knee_l"]) <= torque_step_nm(rig.drives, "knee_l")


def test_stop_brings_torque_down_then_the_last_frames_leave_torque_mode(rig: Rig) -> None:
    rig.engage(1200)
    before = len(rig.applied)
    rig.session.stop()
    rig.run(60)
    assert rig.session.at_rest()
    slew = TABLE.joints["knee_r"].slew_down_nm_per_s * 1e-3
    assert largest_step(rig, before) <= slew + 2 * torque_step_nm(rig.drives, "knee_r")
    rig.bus.receive(rig.session.release(), rig.now_ns)
    assert not any(follows_torque(joint) for joint in rig.bus.joints.values())


@pytest.mark.parametrize("kind", ["odrive", "moteus", "cia402"])
def test_a_dead_session_is_ended_by_the_drives_own_watchdog(native: ctypes.CDLL, tmp_path: Path, kind: str) -> None:
    rig = Rig(native, tmp_path, kind)
    rig.engage(1200)
    for _ in range(25):  # watchdog_ms is 20
        rig.now_ns += STEP_NS
        rig.bus.advance(rig.now_ns)
    assert all(joint.torque_nm == 0.0 for joint in rig.bus.joints.values())


def test_a_cubemars_drive_goes_on_with_its_last_torque_so_the_guard_must_end_it(
    native: ctypes.CDLL, tmp_path: Path
) -> None:
    rig = Rig(native, tmp_path, "cubemars")
    rig.engage(1200)
    rig.now_ns += 10_000_000_000
    rig.bus.advance(rig.now_ns)
    assert all(joint.torque_nm > 11.9 for joint in rig.bus.joints.values())


def test_a_drive_weaker_than_the_table_tightens_the_governor(native: ctypes.CDLL, tmp_path: Path) -> None:
    rig = Rig(native, tmp_path, "cubemars")  # 18 Nm where the table has 20
    rig.engage(1000)
    rig.host.wanted_cnm = dict.fromkeys(JOINTS, 1900)
    rig.run(300)
    assert (rig.host.state, rig.host.reason) == ("SAFE", "torque")
    assert max(abs(value) for row in rig.applied for value in row.values()) <= 18.0
