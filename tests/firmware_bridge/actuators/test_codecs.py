"""The codecs against oracles of others: package moteus, ODrive's DBC in cantools, the CubeMars manual's arithmetic."""

from __future__ import annotations

import ctypes
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_bridge.actuators.base import Frames, frame_data, frame_id, make_frame
from firmware_bridge.actuators.config import AK_MODELS, Drives
from firmware_bridge.actuators.emulators.cubemars import CubeMarsEmulator
from firmware_bridge.actuators.emulators.moteus import MoteusEmulator
from firmware_bridge.actuators.emulators.odrive import ODriveEmulator
from firmware_bridge.actuators.native import DRIVE_FRAMES, DriveFrame, NativeDrive, drive_config, raw_frames
from tests.conftest import unavailable
from tests.firmware_bridge.actuators.benches import DriveBench
from tests.firmware_bridge.actuators.files import make_drives

NOW_NS = 1_000_000_000
FLOATS = st.floats(-17.875, 17.875, width=32)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def ready(native: ctypes.CDLL, drives: Drives, name: str = "knee_r") -> DriveBench:
    bench = DriveBench(native, drives, name)
    bench.get_ready()
    return bench


@pytest.fixture
def odrive_dbc() -> Any:
    try:
        import cantools
        import odrive_can
    except ImportError:
        unavailable("the packages cantools and odrive-can are not installed: pip install 'exo-edge[dev]'")
    path = Path(odrive_can.__file__).parent / "dbc" / "odrive-cansimple-0.6.10.dbc"
    return cantools.database.load_file(path)


def named(database: Any, name: str, frame: bytes) -> dict[str, float]:
    """A frame of node 1 decoded by the DBC, which must know it by this name."""
    message = database.get_message_by_name(f"Axis1_{name}")
    assert frame_id(frame) == message.frame_id
    return dict(message.decode(frame_data(frame), decode_choices=False))


@QUICK
@given(torque_nm=FLOATS)
def test_odrive_torque_is_what_its_dbc_says(
    native: ctypes.CDLL, tmp_path: Path, odrive_dbc: Any, torque_nm: float
) -> None:
    bench = ready(native, make_drives(tmp_path, "odrive"))
    frame = bench.actuator.command(torque_nm, bench.now_ns).frames[0]
    assert named(odrive_dbc, "Set_Input_Torque", frame)["Input_Torque"] == pytest.approx(torque_nm / 8.0, abs=1e-6)


def test_odrive_start_and_release_are_what_its_dbc_says(native: ctypes.CDLL, tmp_path: Path, odrive_dbc: Any) -> None:
    actuator = NativeDrive(native, drive_config(make_drives(tmp_path, "odrive"), "knee_r"))
    mode, torque, state = actuator.start(NOW_NS)
    assert named(odrive_dbc, "Set_Controller_Mode", mode) == {"Control_Mode": 1, "Input_Mode": 1}
    assert named(odrive_dbc, "Set_Input_Torque", torque) == {"Input_Torque": 0.0}
    assert named(odrive_dbc, "Set_Axis_State", state) == {"Axis_Requested_State": 8}
    assert actuator.start(NOW_NS + 99_000_000) == ()  # once per 100 ms
    torque, state = actuator.release()
    assert named(odrive_dbc, "Set_Input_Torque", torque) == {"Input_Torque": 0.0}
    assert named(odrive_dbc, "Set_Axis_State", state) == {"Axis_Requested_State": 1}


@QUICK
@given(turns=st.floats(-5.0, 5.0, width=32), speed=st.floats(-20.0, 20.0, width=32), torque_nm=FLOATS)
def test_odrive_messages_encoded_by_its_dbc_are_read(
    native: ctypes.CDLL, tmp_path: Path, odrive_dbc: Any, turns: float, speed: float, torque_nm: float
) -> None:
    actuator = NativeDrive(native, drive_config(make_drives(tmp_path, "odrive"), "knee_r"))
    values: dict[str, dict[str, float]] = {
        "Heartbeat": {"Axis_Error": 0, "Axis_State": 8, "Procedure_Result": 0, "Trajectory_Done_Flag": 0},
        "Get_Encoder_Estimates": {"Pos_Estimate": turns, "Vel_Estimate": speed},
        "Get_Torques": {"Torque_Target": 0.0, "Torque_Estimate": torque_nm},
    }
    for name, fields in values.items():
        message = odrive_dbc.get_message_by_name(f"Axis1_{name}")
        assert actuator.receive(make_frame(message.frame_id, message.encode(fields)), NOW_NS)
    reading = actuator.reading(NOW_NS)
    assert reading.ready
    assert reading.position_rad == pytest.approx(2 * math.pi * turns / 8.0, abs=1e-6)
    assert reading.velocity_radps == pytest.approx(2 * math.pi * speed / 8.0, abs=1e-6)
    assert reading.torque_nm == pytest.approx(8.0 * torque_nm, abs=1e-5)


def test_odrive_emulator_speaks_its_dbc(odrive_dbc: Any) -> None:
    emulator = ODriveEmulator(1, None, 10.0)
    emulator.shaft.position_rad = math.pi
    names = [odrive_dbc.get_message_by_frame_id(frame_id(frame)).name for frame in emulator.advance(NOW_NS)]
    assert names == ["Axis1_Heartbeat", "Axis1_Get_Encoder_Estimates", "Axis1_Get_Torques"]
    frame = emulator.advance(NOW_NS + 1_000_000)[0]
    assert named(odrive_dbc, "Get_Encoder_Estimates", frame)["Pos_Estimate"] == pytest.approx(0.5)


@pytest.fixture
def moteus() -> Any:
    try:
        import moteus as package
    except ImportError:
        unavailable("the package moteus is not installed: pip install 'exo-edge[dev]'")
    return package


def controller(moteus: Any, node: int) -> Any:
    """moteus' own encoder, told to ask for what we ask for."""
    resolution = moteus.QueryResolution()
    resolution.voltage = moteus.IGNORE
    return moteus.Controller(id=node, query_resolution=resolution)


@QUICK
@given(torque_nm=FLOATS)
def test_moteus_command_is_byte_for_byte_that_of_its_package(
    native: ctypes.CDLL, tmp_path: Path, moteus: Any, torque_nm: float
) -> None:
    for name, node, sign in (("knee_r", 1, 1.0), ("knee_l", 9, -1.0)):
        bench = ready(native, make_drives(tmp_path, "moteus"), name)
        frame = bench.actuator.command(torque_nm, bench.now_ns).frames[0]
        expected = controller(moteus, node).make_position(
            position=math.nan, velocity=0.0, feedforward_torque=sign * torque_nm, kp_scale=0.0, kd_scale=0.0,
            maximum_torque=18.0, watchdog_timeout=0.02, ilimit_scale=0.0, query=True,
        )  # fmt: skip
        assert frame_id(frame) == 0x8000_0000 | 0x8000 | node
        assert frame_data(frame).rstrip(b"\x50") == bytes(expected.data).rstrip(b"\x50")
        assert (frame[4], frame[5], len(frame)) == (48, 1, 72)


def test_moteus_stop_is_that_of_its_package(native: ctypes.CDLL, tmp_path: Path, moteus: Any) -> None:
    actuator = NativeDrive(native, drive_config(make_drives(tmp_path, "moteus"), "knee_r"))
    for frame in (actuator.start(NOW_NS)[0], actuator.release()[-1]):
        assert frame_data(frame).rstrip(b"\x50") == bytes(controller(moteus, 1).make_stop(query=True).data)


def test_moteus_emulator_answers_what_its_package_reads(native: ctypes.CDLL, tmp_path: Path, moteus: Any) -> None:
    bench = ready(native, make_drives(tmp_path, "moteus"))
    bench.command(4.0, 5)
    emulator = bench.joint.drive
    assert isinstance(emulator, MoteusEmulator)
    reply = emulator.receive(bench.actuator.command(4.0, bench.now_ns).frames[0], bench.now_ns)[0]
    values = moteus.moteus.parse_reply(frame_data(reply))
    turns = bench.joint.hinge.position_rad / (2 * math.pi)
    assert values[moteus.Register.MODE] == 10
    assert values[moteus.Register.POSITION] == pytest.approx(turns, abs=1e-5)
    assert values[moteus.Register.TORQUE] == pytest.approx(4.0)
    assert emulator.gains == (0.0, 0.0, 0.0)


def test_moteus_documented_reply_is_walked_but_refused_for_want_of_floats(native: ctypes.CDLL, tmp_path: Path) -> None:
    actuator = NativeDrive(native, drive_config(make_drives(tmp_path, "moteus"), "knee_r"))
    frame = make_frame(0x100, bytes.fromhex("2404000a005000000170ff230d181400"), size=72)  # the example of can.md
    assert actuator.receive(frame, NOW_NS) is False
    assert actuator.state.rejected == 1


def manual_fields(data: bytes) -> tuple[int, int, int, int, int]:
    """Position, velocity, kp, kd, torque as page 50 and 51 of the CubeMars manual pack them."""
    return (
        data[0] << 8 | data[1],
        data[2] << 4 | data[3] >> 4,
        (data[3] & 15) << 8 | data[4],
        data[5] << 4 | data[6] >> 4,
        (data[6] & 15) << 8 | data[7],
    )


@pytest.mark.parametrize("model", sorted(AK_MODELS))
@QUICK
@given(share=st.floats(-1.0, 1.0))
def test_cubemars_torque_field_is_the_nearest_of_the_manuals_scale(
    native: ctypes.CDLL, tmp_path: Path, model: str, share: float
) -> None:
    top = AK_MODELS[model].torque_nm
    config = drive_config(make_drives(tmp_path, "cubemars"), "knee_r")
    config.range_torque, config.range_velocity, config.torque_max_nm = top, AK_MODELS[model].velocity_radps, top
    actuator = NativeDrive(native, config)
    emulator = CubeMarsEmulator(1, model)
    for frame in (*actuator.start(NOW_NS), make_frame(1, bytes(8))):
        for reply in emulator.receive(frame, NOW_NS):
            actuator.receive(reply, NOW_NS)
    sent = actuator.command(share * top, NOW_NS)
    emulator.receive(sent.frames[0], NOW_NS)
    assert emulator.torque_nm == pytest.approx(share * top, abs=top / 4095 * 1.0001)
    position, velocity, kp, kd, _ = manual_fields(frame_data(sent.frames[0]))
    assert (kp, kd) == (0, 0) and emulator.gains == (0.0, 0.0)
    assert position in (0x7FFF, 0x8000) and velocity in (0x7FF, 0x800)


def test_cubemars_full_torque_never_wraps_to_the_other_side(native: ctypes.CDLL, tmp_path: Path) -> None:
    """The manual's own packing divides by 2^bits and wraps +max to code 0, which reads as -max."""
    bench = ready(native, make_drives(tmp_path, "cubemars"))
    for torque_nm, code in ((18.0, 0xFFF), (-18.0, 0x000)):
        assert manual_fields(frame_data(bench.actuator.command(torque_nm, bench.now_ns).frames[0]))[4] == code


def test_cubemars_special_frames(native: ctypes.CDLL, tmp_path: Path) -> None:
    actuator = NativeDrive(native, drive_config(make_drives(tmp_path, "cubemars"), "knee_r"))
    assert actuator.start(NOW_NS) == (make_frame(1, b"\xff" * 7 + b"\xfc"),)
    zero, leave = actuator.release()
    assert manual_fields(frame_data(zero))[2:4] == (0, 0) and manual_fields(frame_data(zero))[4] in (0x7FF, 0x800)
    assert leave == make_frame(1, b"\xff" * 7 + b"\xfd")


@pytest.mark.parametrize(
    ("data", "taken"),
    [
        (bytes([1, 0x80, 0, 0x80, 0x08, 0, 40, 0]), True),
        (bytes([2, 0x80, 0, 0x80, 0x08, 0, 40, 0]), False),  # another drive
        (bytes([1, 0x80, 0, 0x80, 0x08, 0]), False),  # six bytes: no error code
        (bytes([1, 0xFF, 0xFF, 0x80, 0x08, 0, 40, 0]), False),  # position at the end of its scale
        (bytes([1, 0, 0, 0x80, 0x08, 0, 40, 0]), False),
    ],
)
def test_cubemars_replies(native: ctypes.CDLL, tmp_path: Path, data: bytes, taken: bool) -> None:
    actuator = NativeDrive(native, drive_config(make_drives(tmp_path, "cubemars"), "knee_r"))
    actuator.start(NOW_NS)
    for can_id in (0, 1):
        assert actuator.receive(make_frame(can_id, data), NOW_NS) is taken
    assert actuator.receive(make_frame(5, data), NOW_NS) is False
    assert actuator.reading(NOW_NS).ready is taken


@QUICK
@given(torque_nm=FLOATS)
def test_cia402_torque_is_thousandths_of_the_rated(native: ctypes.CDLL, tmp_path: Path, torque_nm: float) -> None:
    bench = ready(native, make_drives(tmp_path, "cia402"), "knee_l")
    frames = bench.actuator.command(torque_nm, bench.now_ns).frames
    assert [frame_id(frame) for frame in frames][:2] == [0x209, 0x080]
    data = frame_data(frames[0])
    assert data[:2] == b"\x0f\0"
    thousandths = int.from_bytes(data[2:], "little", signed=True)
    assert thousandths / 1000 * 0.4 * 50.0 == pytest.approx(-torque_nm, abs=0.4 * 50 / 2000 * 1.001)


def test_cia402_only_the_last_drive_closes_the_cycle(native: ctypes.CDLL, tmp_path: Path) -> None:
    drives = make_drives(tmp_path, "cia402")
    first, last = (NativeDrive(native, drive_config(drives, name)) for name in ("knee_r", "knee_l"))
    assert [frame_id(frame) for frame in first.start(NOW_NS)] == [0x201]
    assert [frame_id(frame) for frame in last.start(NOW_NS)] == [0x209, 0x080, 0x700 + 100]
    assert [frame_id(frame) for frame in last.start(NOW_NS + 1_000_000)] == [0x209, 0x080]


@pytest.mark.parametrize("kind", ["cubemars", "odrive", "moteus", "cia402"])
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_frame_whatever_it_holds_gives_torque_or_a_reading_that_is_no_number(
    native: ctypes.CDLL, tmp_path: Path, kind: str, data: st.DataObject
) -> None:
    drives = make_drives(tmp_path, kind)
    actuator = NativeDrive(native, drive_config(drives, "knee_r"))
    ids = {"cubemars": [0, 1], "odrive": [0x21, 0x29, 0x3C, 0x35], "moteus": [0x100]}
    ids["cia402"] = [0x181, 0x281, 0x701, 0x81]
    for _ in range(data.draw(st.integers(1, 6))):
        size = 72 if kind == "moteus" else 16
        payload = data.draw(st.binary(min_size=0, max_size=size - 8))
        actuator.receive(make_frame(data.draw(st.sampled_from(ids[kind])), payload, size=size), NOW_NS)
    reading = actuator.reading(NOW_NS)
    assert all(math.isfinite(v) for v in (reading.position_rad, reading.velocity_radps, reading.torque_nm))
    assert abs(actuator.command(math.nan, NOW_NS).torque_nm) == 0.0


def test_a_call_gives_no_more_frames_than_its_buffer(native: ctypes.CDLL, tmp_path: Path) -> None:
    frames = (DriveFrame * DRIVE_FRAMES)()
    assert ctypes.sizeof(frames[0]) == 72
    for kind in ("cubemars", "odrive", "moteus", "cia402"):
        drives = make_drives(tmp_path, kind)
        actuator = NativeDrive(native, drive_config(drives, "knee_l"))
        calls: list[Frames] = [actuator.start(NOW_NS), actuator.command(1.0, NOW_NS).frames, actuator.release()]
        assert all(len(call) <= DRIVE_FRAMES for call in calls)
        assert raw_frames(frames, 1, drives.kind)[0] == bytes(72 if kind == "moteus" else 16)
