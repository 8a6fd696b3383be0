"""The firmware image on an emulated Cortex-M4, over its UART: every step like the governor on the host.

In lock-step: the bench gives the clock, so nothing here depends on how fast the emulator runs.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_bridge.cortex_m.bench import Bench
from firmware_bridge.cortex_m.build import build
from firmware_bridge.cortex_m.emulator import Emulator
from firmware_bridge.errors import BridgeError
from firmware_bridge.table import MUX, STATES, TABLE
from tests.firmware_bridge.harness import HOST_ID, JOINTS, PROFILE_HASH, SETPOINT_ID
from tests.firmware_bridge.twin import Twin, need
from tests.safety.pair import Pair

LEASE_MS = TABLE.joints["knee_r"].lease_ms


@pytest.fixture(scope="session")
def image(build_dir: Path) -> Path:
    need()
    return build(build_dir, profile_hash=PROFILE_HASH).elf


@pytest.fixture
def board(image: Path) -> Iterator[Bench]:
    with Emulator.on_socket(image) as emulator:
        yield Bench(emulator.line)


@pytest.fixture
def twin(library: Path, board: Bench) -> Twin:
    return Twin(library, board)


@pytest.fixture
def armed(twin: Twin) -> Twin:
    twin.arm_quickly()
    return twin


def test_handshake_arm_engage_torque_follows_and_let_go(twin: Twin) -> None:
    twin.arm()
    twin.raise_to(400)
    for cnm in range(400, -200, -12):
        twin.tick(cnm)
        assert abs(twin.torque[0] - cnm) <= 12
    for cnm in range(-200, 1, 50):
        twin.tick(cnm)
    assert twin.state == "ENGAGED"
    twin.tick(0, "ZERO", steps=3)
    assert (twin.state, twin.torque) == ("ARMED", (0, 0))
    twin.tick(0, "OFF", steps=3)
    assert twin.state == "READY"


def test_each_knee_gets_its_own_torque(armed: Twin) -> None:
    for cnm in range(0, 101, 10):
        armed.tick((cnm, -cnm))
    armed.tick((100, -100), steps=2)
    assert armed.torque == (100, -100)


def test_an_expired_lease_ramps_to_zero(armed: Twin) -> None:
    armed.raise_to(300)
    torque = []
    while armed.state != "SAFE":
        armed.keep_host()
        armed.step()
        torque.append(armed.torque[0])
    assert (armed.reason, len(torque)) == ("lease", LEASE_MS + 1)
    assert set(torque) == {300}
    for _ in range(round(TABLE.safe.ramp_ms)):
        armed.step()
        torque.append(armed.torque[0])
    assert torque[-1] == 0 and torque == sorted(torque, reverse=True)


@pytest.mark.parametrize("which", ["PROTOCOL_HASH", "LIMITS_HASH", "PROFILE_HASH"])
def test_a_wrong_hash_is_refused(twin: Twin, which: str) -> None:
    twin.step()
    for mux in range(4):
        twin.host("READY", mux, PROFILE_HASH ^ 1 if mux == MUX[which] else 0)
        twin.keep_host()
        twin.host_due = 0
    twin.host("READY", MUX[which], PROFILE_HASH ^ 1)
    twin.step()
    twin.host_state = "ARMED"
    twin.host_due = twin.now_us + 10_000_000
    twin.tick(0, "ZERO", steps=5)
    assert (twin.state, twin.reason, twin.torque) == ("IDLE", which.lower(), (0, 0))


def test_corrupted_frames_trip(armed: Twin) -> None:
    """The line's own CRC is right here: what E2E protects is broken before the packet is made."""
    armed.raise_to(150)
    for _ in range(TABLE.protocol.consecutive_errors_max):
        assert armed.state == "ENGAGED"
        armed.keep_host()
        armed.setpoint(1, 150, "TORQUE")
        data = bytearray(armed.setpoint_data(0, 150, "TORQUE"))
        data[2] ^= 1
        armed.frame(SETPOINT_ID[JOINTS[0]], bytes(data))
        armed.step()
    assert (armed.state, armed.reason) == ("SAFE", "crc")


def test_too_much_torque_trips_and_safe_is_cleared(armed: Twin) -> None:
    armed.raise_to(150)
    armed.tick(2001)
    assert (armed.state, armed.reason) == ("SAFE", "torque")
    armed.host_state, armed.host_due = "IDLE", 0
    armed.tick(0, "OFF", steps=2)
    armed.now_us += 500_000
    armed.host_due = 0
    armed.tick(0, "OFF", steps=2)
    for armed.host_mux in range(4):
        armed.host_reason, armed.host_due = 255, 0
        armed.keep_host()
    armed.tick(0, "OFF", steps=2)
    assert armed.state == "IDLE"


def test_a_silent_sensor_trips(armed: Twin) -> None:
    armed.raise_to(150)
    armed.measured[1].valid = 0
    armed.tick(150)
    assert (armed.state, armed.reason) == ("SAFE", "sensor")


def test_noise_on_the_line_costs_no_step(armed: Twin) -> None:
    armed.raise_to(150)
    for k in range(20):
        armed.bench.send_raw(b"\0" + os.urandom(k).replace(b"\0", b"\1") + b"\0")
        armed.tick(150)
    assert armed.state == "ENGAGED"
    report = armed.bench.report()
    assert report.refused >= 15 and report.uart_overruns == 0


def test_a_flood_of_frames_is_dropped_and_counted(twin: Twin) -> None:
    """Without the twin: the image drops what its inbox cannot hold, the harness's governor would take it all."""
    flood = twin.protected(HOST_ID, bytes(6))
    for _ in range(100):
        twin.bench.send(HOST_ID.to_bytes(4, "little") + b"\x08\0\0\0" + flood)
    assert twin.bench.tick(twin.now_us).state == STATES["IDLE"]
    report = twin.bench.report()
    assert report.dropped == 100 - 64 and report.uart_overruns == 0


@pytest.mark.parametrize("how", ["hang", "fault"])
def test_the_watchdog_ends_a_hang_and_the_governor_boots_silent(board: Bench, how: str) -> None:
    board.take_clock()
    assert board.tick(1_000_000).state == STATES["IDLE"]
    (board.hang if how == "hang" else board.fault)()
    board.reset_report()
    first = board.tick(5_000)
    assert (first.state, first.reason) == (STATES["IDLE"], TABLE.reasons["no_host"])
    assert first.command_cnm == (0, 0)
    joint = first.frames[0]
    assert joint[9] & 15 == 0  # the counters begin anew


def test_without_a_bench_it_steps_by_its_own_clock(board: Bench) -> None:
    frames = [board.next_frame() for _ in range(60)]
    clocks = [int.from_bytes(f[12:16], "little") for f in frames if f[1] == 2 and f[10] >> 4 == MUX["CLOCK"]]
    joints = [f for f in frames if f[0] == 0x80 and f[1] == 1]
    assert clocks == [10]  # 1.0 ms: the first step
    assert [f[9] & 15 for f in joints] == [k % 15 for k in range(len(joints))]


def test_the_real_torque_loop_drives_it(twin: Twin) -> None:
    """The compiled 1 kHz cycle with its limiter against the ARM image: random demands, no trip, torque flows."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        end.setblocking(False)
    pair = Pair(Path(str(twin.lib._name)), ends, 1)
    pair.governor = twin
    twin.tracks = False
    pair.next_frame_us = twin.now_us
    pair.arm()
    for _ in range(450):
        pair.estimate()
        pair.step(1_000)
        assert twin.state != "SAFE", twin.reason
    assert pair.peak_cnm > 300, pair.peak_cnm
    assert twin.steps >= 900
    for end in ends:
        end.close()


def test_a_dead_board_is_one_line(image: Path) -> None:
    with Emulator.on_socket(image) as emulator:
        bench = Bench(emulator.line)
        bench.take_clock()
        os.kill(emulator.pid, 9)
        with pytest.raises(BridgeError, match="it has ended"):
            bench.tick(1)
