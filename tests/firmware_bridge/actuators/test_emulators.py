"""The emulated drives behave as their documents say: watchdogs, ranges, states, error codes."""

from __future__ import annotations

import ctypes
import math
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_bridge.actuators.base import frame_data, frame_id, make_frame
from firmware_bridge.actuators.cia402_setup import setup_writes
from firmware_bridge.actuators.emulators import cia402, cubemars, moteus, odrive
from firmware_bridge.actuators.native import NativeDrive, drive_config
from tests.conftest import unavailable
from tests.firmware_bridge.actuators.benches import DriveBench, set_up
from tests.firmware_bridge.actuators.files import make_drives

MS = 1_000_000


def mit(torque_code: int) -> bytes:
    return bytes([0x80, 0, 0x80, 0, 0, 0, torque_code >> 8, torque_code & 0xFF])


def test_cubemars_ignores_torque_until_entered_and_after_it_left() -> None:
    drive = cubemars.CubeMarsEmulator(3, "AK70-10")
    drive.receive(make_frame(3, mit(0xFFF)), 0)
    assert drive.torque_nm == 0.0
    drive.receive(make_frame(3, b"\xff" * 7 + b"\xfc"), 0)
    drive.receive(make_frame(3, mit(0xFFF)), 0)
    assert drive.torque_nm == 25.0
    drive.receive(make_frame(3, b"\xff" * 7 + b"\xfd"), 0)
    assert drive.torque_nm == 0.0
    assert drive.receive(make_frame(4, mit(0xFFF)), 0) == ()


def test_cubemars_goes_on_without_commands_unless_it_has_a_watchdog() -> None:
    for watchdog, left in ((None, 25.0), (20 * MS, 0.0)):
        drive = cubemars.CubeMarsEmulator(3, "AK70-10", watchdog)
        for data in (b"\xff" * 7 + b"\xfc", mit(0xFFF)):
            drive.receive(make_frame(3, data), 0)
        drive.advance(20 * MS)
        assert drive.torque_nm == 25.0
        drive.advance(20 * MS + 1)
        assert drive.torque_nm == left


def test_cubemars_tells_its_error_and_stops() -> None:
    drive = cubemars.CubeMarsEmulator(3, "AK70-10")
    drive.receive(make_frame(3, b"\xff" * 7 + b"\xfc"), 0)
    drive.fail(cubemars.ENCODER)
    reply = frame_data(drive.receive(make_frame(3, mit(0xFFF)), 0)[0])
    assert (reply[0], reply[6], reply[7], drive.torque_nm) == (3, 35, cubemars.ENCODER, 0.0)


def odrive_axis(watchdog_ns: int | None = 20 * MS) -> odrive.ODriveEmulator:
    axis = odrive.ODriveEmulator(2, watchdog_ns, 5.0)
    axis.receive(make_frame(2 << 5 | 0x0B, struct.pack("<II", 1, 1)), 0)
    axis.receive(make_frame(2 << 5 | 0x07, struct.pack("<II", 8, 0)), 0)
    return axis


def odrive_torque(axis: odrive.ODriveEmulator, torque_nm: float, now_ns: int) -> float:
    axis.receive(make_frame(2 << 5 | 0x0E, struct.pack("<ff", torque_nm, 0)), now_ns)
    return axis.torque_nm


def test_odrive_watchdog_disarms_keeps_the_error_and_wants_it_cleared() -> None:
    axis = odrive_axis()
    assert odrive_torque(axis, 3.0, 0) == 3.0
    axis.advance(20 * MS)
    assert axis.torque_nm == 3.0
    axis.advance(20 * MS + 1)
    assert (axis.torque_nm, axis.state, axis.error) == (0.0, odrive.IDLE, odrive.WATCHDOG_TIMER_EXPIRED)
    axis.receive(make_frame(2 << 5 | 0x07, struct.pack("<II", 8, 0)), 30 * MS)
    assert axis.state == odrive.IDLE
    axis.receive(make_frame(2 << 5 | 0x18, b""), 30 * MS)
    axis.receive(make_frame(2 << 5 | 0x07, struct.pack("<II", 8, 0)), 30 * MS)
    assert axis.state == odrive.CLOSED_LOOP_CONTROL


def test_odrive_limits_torque_refuses_nan_and_stops_at_estop() -> None:
    axis = odrive_axis()
    assert odrive_torque(axis, 99.0, 0) == 5.0
    assert odrive_torque(axis, math.nan, 0) == 0.0 and axis.state == odrive.IDLE
    axis = odrive_axis()
    odrive_torque(axis, 1.0, 0)
    axis.receive(make_frame(2 << 5 | 0x02, b""), 0)
    assert (axis.torque_nm, axis.error) == (0.0, odrive.ESTOP_REQUESTED)


def test_odrive_needs_torque_mode_and_calibration() -> None:
    axis = odrive.ODriveEmulator(2, None, 5.0)
    axis.receive(make_frame(2 << 5 | 0x07, struct.pack("<II", 8, 0)), 0)
    assert odrive_torque(axis, 1.0, 0) == 0.0  # closed loop, but not in torque control
    axis = odrive.ODriveEmulator(2, None, 5.0)
    axis.calibrated = False
    axis.receive(make_frame(2 << 5 | 0x07, struct.pack("<II", 8, 0)), 0)
    assert axis.state == odrive.IDLE


def test_moteus_timeout_stays_until_a_stop(native: ctypes.CDLL, tmp_path: Path) -> None:
    bench = DriveBench(native, make_drives(tmp_path, "moteus"))
    bench.get_ready()
    bench.command(5.0, 3)
    drive = bench.joint.drive
    assert isinstance(drive, moteus.MoteusEmulator)
    bench.now_ns += 25 * MS
    drive.advance(bench.now_ns)
    assert (drive.mode, drive.torque_nm) == (moteus.TIMEOUT, 0.0)
    bench.command(5.0, 50)
    assert (drive.mode, drive.torque_nm) == (moteus.TIMEOUT, 0.0)
    again = NativeDrive(native, drive_config(make_drives(tmp_path, "moteus"), "knee_l"))
    for _ in range(3):  # a new session begins with a stop
        for frame in again.start(bench.now_ns):
            for reply in drive.receive(frame, bench.now_ns):
                again.receive(reply, bench.now_ns)
    assert again.reading(bench.now_ns).ready


def test_moteus_cuts_torque_at_the_commanded_and_its_own_maximum(native: ctypes.CDLL, tmp_path: Path) -> None:
    bench = DriveBench(native, make_drives(tmp_path, "moteus"), "knee_r")
    bench.get_ready()
    drive = bench.joint.drive
    assert isinstance(drive, moteus.MoteusEmulator)
    bench.command(10.0, 3)
    drive.commands[0x25] = 4.0
    assert drive.torque_nm == 4.0
    drive.commands[0x25] = math.nan
    drive.commands[0x22] = 1e6
    assert drive.torque_nm == 36.0


def sdo(drive: cia402.Cia402Emulator, index: int, sub: int, value: int | None = None, size: int = 4) -> bytes:
    head = 0x40 if value is None else 0x23 | (4 - size) << 2
    data = (
        bytes([head]) + index.to_bytes(2, "little") + bytes([sub]) + ((value or 0) & 0xFFFFFFFF).to_bytes(4, "little")
    )
    return frame_data(drive.receive(make_frame(0x600 + drive.can.node, data), 0)[-1])


def test_canopen_node_refuses_what_cia301_refuses() -> None:
    drive = cia402.Cia402Emulator(5, 0.4, 1000.0)
    assert sdo(drive, 0x5555, 0)[4:] == (0x06020000).to_bytes(4, "little")
    assert sdo(drive, 0x6041, 0, 1, 2)[4:] == (0x06010002).to_bytes(4, "little")
    assert sdo(drive, 0x1600, 1, 0x60760020)[4:] == (0x06040041).to_bytes(4, "little")
    assert sdo(drive, 0x1400, 1, 0x205)[0] == 0x60
    assert sdo(drive, 0x1600, 1, 0x60400010)[4:] == (0x08000022).to_bytes(4, "little")  # the PDO is on
    assert sdo(drive, 0x6076, 0)[:4] == bytes([0x43, 0x76, 0x60, 0])
    assert sdo(drive, 0x6060, 0, -3, 1)[0] == 0x60 and drive.can.value(0x6060, 0) == -3


def enabled_cia402(native: ctypes.CDLL, tmp_path: Path) -> tuple[DriveBench, cia402.Cia402Emulator]:
    bench = DriveBench(native, make_drives(tmp_path, "cia402"))
    bench.get_ready()
    drive = bench.joint.drive
    assert isinstance(drive, cia402.Cia402Emulator)
    bench.command(5.0, 5)
    return bench, drive


def test_cia402_a_lost_heartbeat_of_the_host_is_a_fault(native: ctypes.CDLL, tmp_path: Path) -> None:
    bench, drive = enabled_cia402(native, tmp_path)
    bench.now_ns += 30 * MS
    frames = drive.advance(bench.now_ns)
    assert (drive.state, drive.torque_nm) == (cia402.FAULT, 0.0)
    emergencies = [frame_data(frame)[:2] for frame in frames if frame_id(frame) == 0x80 + 9]
    assert emergencies == [(0x8130).to_bytes(2, "little")]


@pytest.mark.parametrize("mode", [1, 8, 9, 4])
def test_cia402_torque_acts_in_cyclic_torque_mode_only(native: ctypes.CDLL, tmp_path: Path, mode: int) -> None:
    _, drive = enabled_cia402(native, tmp_path)
    assert drive.torque_nm != 0.0
    drive.can.store(0x6060, 0, mode)
    assert drive.torque_nm == 0.0


def test_cia402_leaving_nmt_operational_ends_torque_and_the_host_hears_it(native: ctypes.CDLL, tmp_path: Path) -> None:
    bench, drive = enabled_cia402(native, tmp_path)
    drive.receive(make_frame(0x000, bytes([0x80, 9])), bench.now_ns)
    bench.command(5.0, 60)
    assert drive.torque_nm == 0.0
    assert bench.actuator.command(5.0, bench.now_ns).torque_nm == 0.0


def test_cia402_faults_want_an_edge_of_fault_reset() -> None:
    drive = cia402.Cia402Emulator(5, 0.4, 1000.0)
    drive.fail(cia402.OVER_TEMPERATURE)
    for word, state in ((0x0F, cia402.FAULT), (0x80, cia402.SWITCH_ON_DISABLED)):
        sdo(drive, 0x6040, 0, word, 2)
        assert drive.state == state


def test_cia402_setup_maps_what_the_codec_packs(tmp_path: Path) -> None:
    drives = make_drives(tmp_path, "cia402")
    writes = {(index, sub): value for index, sub, value, _ in setup_writes(drives, "knee_l")}
    assert writes[0x1016, 1] == 100 << 16 | 20
    assert (writes[0x1400, 1], writes[0x1800, 1], writes[0x1801, 1]) == (0x209, 0x189, 0x289)
    drive = cia402.Cia402Emulator(9, 0.4, 1000.0)
    for index, sub, value, size in setup_writes(drives, "knee_l"):
        assert sdo(drive, index, sub, value, size)[0] == 0x60, hex(index)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(statusword=st.integers(0, 0xFFFF))
def test_cia402_statusword_is_read_as_the_package_canopen_reads_it(
    native: ctypes.CDLL, tmp_path: Path, statusword: int
) -> None:
    try:
        from canopen.profiles.p402 import State402
    except ImportError:
        unavailable("the package canopen is not installed: pip install 'exo-edge[drives]'")
    names = [name for name, (mask, value) in State402.SW_MASK.items() if statusword & mask == value]
    drives = make_drives(tmp_path, "cia402")
    actuator = NativeDrive(native, drive_config(drives, "knee_r"))
    actuator.receive(make_frame(0x181, struct.pack("<Hh", statusword, 0)), MS)
    enabled = names == ["OPERATION ENABLED"]
    assert bool(actuator.state.in_mode) is enabled
    assert (actuator.state.fault != 0) is bool(statusword & 8)
    expected = {"SWITCH ON DISABLED": 0x06, "READY TO SWITCH ON": 0x07, "SWITCHED ON": 0x0F, "OPERATION ENABLED": 0x0F}
    if not statusword & 8 and names and names[0] in expected:
        assert frame_data(actuator.start(2 * MS)[0])[0] == expected[names[0]]


def test_cia402_a_drive_that_says_it_left_operational_is_not_ready(native: ctypes.CDLL, tmp_path: Path) -> None:
    bench, _ = enabled_cia402(native, tmp_path)
    assert bench.actuator.reading(bench.now_ns).ready
    for state in (0x7F, 0x04, 0x00):
        assert bench.actuator.receive(make_frame(0x709, bytes([state])), bench.now_ns)
        assert not bench.actuator.reading(bench.now_ns).ready
    bench.actuator.receive(make_frame(0x709, bytes([0x05])), bench.now_ns)
    assert bench.command(5.0, 5).torque_nm == 0.0  # it left by itself: only a new session brings it back


@pytest.mark.parametrize("kind", ["cubemars", "odrive", "moteus", "cia402"])
def test_a_drive_that_left_torque_mode_by_itself_is_not_asked_back(
    native: ctypes.CDLL, tmp_path: Path, kind: str
) -> None:
    bench = DriveBench(native, make_drives(tmp_path, kind))
    bench.get_ready()
    bench.command(2.0, 5)
    bench.fail()
    bench.command(2.0, 150)
    bench.joint.drive.fail(0)
    if isinstance(bench.joint.drive, odrive.ODriveEmulator | moteus.MoteusEmulator):
        bench.joint.drive.error = bench.joint.drive.fault = 0  # type: ignore[union-attr]
    for _ in range(300):
        bench.cycle(bench.actuator.start(bench.now_ns))
        assert not bench.actuator.reading(bench.now_ns).ready
    assert bench.command(2.0, 5).torque_nm == 0.0


def test_two_rigs_do_not_share_anything(native: ctypes.CDLL, tmp_path: Path) -> None:
    drives = make_drives(tmp_path, "cia402")
    first, second = DriveBench(native, drives), DriveBench(native, drives)
    set_up(drives, first.bus)
    first.get_ready()
    assert not second.in_torque_mode
