"""Buses over the kernel's own CAN: vcan for frames and queues, slcan on a pseudo-terminal as a controller of its own.

Run as root where CAN is: `exo-edge hil box -- python -m pytest tests/box/real_can.py`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import socket
import struct
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_runtime import config
from edge_runtime.check import Question, check
from edge_runtime.commands.options import DEMO_PROFILE
from firmware_bridge import e2e, wire
from firmware_bridge.bus import Bus, CanSocket, Condition, open_bus, open_torque_bus, torque_problem
from firmware_bridge.buses.base import ERR_FLAG, FD_FRAME_SIZE, fd_frame_bytes, frame_bytes, frame_data
from firmware_bridge.buses.link import is_virtual, read_link
from firmware_bridge.buses.socketcan import RECEIVE_BUFFER
from firmware_bridge.errors import BridgeError
from firmware_bridge.table import TABLE

FRAME = frame_bytes(0x100, b"12345678")
N_SLCAN = 17  # asm-generic/termios.h
TIOCSETD = 0x5423


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@pytest.fixture
def vcan() -> Iterator[str]:
    name = f"v{time.monotonic_ns() % 10**10}"
    ip("link", "add", "dev", name, "type", "vcan")
    ip("link", "set", name, "mtu", "72", "up")
    yield name
    with contextlib.suppress(subprocess.CalledProcessError):
        ip("link", "del", name)


class SlcanWire(threading.Thread):
    """The adapter behind a kernel slcan interface: takes what comes, says yes to everything."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.fd, self._terminal = pty.openpty()
        tty.setraw(self._terminal)
        before = set(os.listdir("/sys/class/net"))
        fcntl.ioctl(self._terminal, TIOCSETD, struct.pack("i", N_SLCAN))
        self.name = (set(os.listdir("/sys/class/net")) - before).pop()
        self.lines: list[str] = []
        self._buffer = b""

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._buffer += os.read(self.fd, 4096)
                *lines, self._buffer = self._buffer.split(b"\r")
                self.lines += [line.decode() for line in lines]

    def say(self, line: bytes) -> None:
        os.write(self.fd, line + b"\r")

    def unplug(self) -> None:
        for fd in (self._terminal, self.fd):
            with contextlib.suppress(OSError):
                os.close(fd)


@pytest.fixture
def slcan() -> Iterator[SlcanWire]:
    adapter = SlcanWire()
    adapter.start()
    ip("link", "set", adapter.name, "type", "can", "bitrate", "1000000")
    for _ in range(5):  # the kernel waits a second for the adapter, which a busy machine may keep longer
        with contextlib.suppress(subprocess.CalledProcessError):
            ip("link", "set", adapter.name, "up")
            break
    yield adapter
    adapter.unplug()


def until(bus: Bus, condition: Condition) -> None:
    end = time.monotonic() + 5.0
    while bus.health.condition is not condition and time.monotonic() < end:
        bus.receive()
        time.sleep(0.01)
    assert bus.health.condition is condition, bus.health


def heard(bus: Bus) -> bytes | None:
    """The next frame, given the kernel time to deliver it."""
    end = time.monotonic() + 2.0
    while (frame := bus.receive()) is None and time.monotonic() < end:
        time.sleep(0.005)
    return frame


def test_frames_queue_and_kind(vcan: str) -> None:
    with open_bus(f"socketcan:{vcan}") as one, open_torque_bus(f"socketcan:{vcan}") as two:
        assert isinstance(one, CanSocket) and not one.hardware and is_virtual(vcan)
        assert one.receive_buffer == 2 * RECEIVE_BUFFER  # the kernel doubles what is asked, socket(7)
        assert one.send(FRAME) and heard(two) == FRAME and one.receive() is None


def test_fd_both_ways(vcan: str) -> None:
    spec = f"socketcan:{vcan}?fd=1"
    long = fd_frame_bytes(0x101, bytes(range(64)))
    with open_bus(spec) as one, open_bus(spec) as two, open_bus(f"socketcan:{vcan}") as classic:
        assert one.frame_size == FD_FRAME_SIZE
        assert one.send(long) and heard(two) == long
        assert one.send(FRAME)
        long_form = heard(two)
        assert long_form is not None and len(long_form) == FD_FRAME_SIZE
        assert frame_data(long_form) == frame_data(FRAME)
        assert classic.receive() is None  # a classic node does not hear FD frames here
        assert classic.send(FRAME) and heard(two) == FRAME
    ip("link", "set", vcan, "down")
    ip("link", "set", vcan, "mtu", "16", "up")
    with pytest.raises(BridgeError, match="not set up for CAN FD"):
        open_bus(spec)


def test_every_lost_frame_is_counted(vcan: str) -> None:
    sent = 20_000
    with open_bus(f"socketcan:{vcan}") as one, open_bus(f"socketcan:{vcan}") as two:
        for _ in range(sent):
            assert one.send(FRAME)
        while two.receive() is not None:
            pass
        assert one.send(FRAME) and heard(two) == FRAME
        assert two.counts.dropped > 0 and two.counts.received + two.counts.dropped == sent + 1


def test_error_frames_of_the_kernel(vcan: str) -> None:
    with open_bus(f"socketcan:{vcan}") as bus, socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW) as wire_:
        wire_.bind((vcan,))
        for kind, controller, condition in (
            (0x004, 0x08, Condition.WARNING),
            (0x004, 0x20, Condition.PASSIVE),
            (0x040, 0x00, Condition.BUS_OFF),
            (0x100, 0x00, Condition.OK),
        ):
            wire_.send(frame_bytes(ERR_FLAG | kind, bytes((0, controller, 0, 0, 0, 0, 0, 0))))
            until(bus, condition)
            assert bus.send(FRAME) is (condition is not Condition.BUS_OFF)
        wire_.send(frame_bytes(ERR_FLAG | 0x080, bytes(8)))
        time.sleep(0.1)
        assert bus.receive() is None and bus.counts.error_frames == 4  # single bit errors are not asked for


def test_down_up_and_gone(vcan: str) -> None:
    with open_bus(f"socketcan:{vcan}") as bus:
        ip("link", "set", vcan, "down")
        assert not bus.send(FRAME) and bus.health.condition is Condition.DOWN
        assert bus.receive() is None and "is down" in bus.health.reason
        with pytest.raises(BridgeError, match="is down; set it up"):
            open_bus(f"socketcan:{vcan}")
        ip("link", "set", vcan, "up")
        assert bus.send(FRAME)
        until(bus, Condition.OK)
        ip("link", "del", vcan)
        until(bus, Condition.GONE)
        assert not bus.send(FRAME) and "is gone" in bus.health.reason
    with pytest.raises(BridgeError, match="no interface"):
        open_bus(f"socketcan:{vcan}")


def test_a_controller_without_parent_device_is_hardware(slcan: SlcanWire) -> None:
    """No `device` in sysfs, and yet a wire is behind it: only the kernel's link kind tells."""
    link = read_link(slcan.name)
    done = subprocess.run(["ip", "-details", "-json", "link", "show", slcan.name], capture_output=True, check=True)
    info = json.loads(done.stdout)[0]["linkinfo"]
    assert not Path(f"/sys/class/net/{slcan.name}/device").exists()
    assert link.kind == info["info_kind"] == "can" and not link.virtual
    assert link.bitrate == info["info_data"]["bittiming_bitrate"] == 1_000_000
    assert (link.state, link.restart_ms) == (info["info_data"]["state"], info["info_data"]["restart_ms"])
    with open_bus(f"socketcan:{slcan.name}") as bus:
        assert bus.hardware and torque_problem(bus) is None


def test_slcan_carries_frames_and_reports_bus_off(slcan: SlcanWire) -> None:
    with open_bus(f"socketcan:{slcan.name}") as bus:
        assert bus.send(FRAME)
        end = time.monotonic() + 2.0
        while "t10083132333435363738" not in slcan.lines and time.monotonic() < end:
            time.sleep(0.01)
        assert "t10083132333435363738" in slcan.lines
        slcan.say(b"t18021122")
        assert heard(bus) == frame_bytes(0x180, b"\x11\x22")
        slcan.say(b"sb255255")  # as the kernel's driver reads it: state b is bus-off, then both error counters
        until(bus, Condition.BUS_OFF)
        assert not bus.send(FRAME) and read_link(slcan.name).state == "BUS-OFF"


def test_a_controller_that_does_not_send_fills_the_queue(slcan: SlcanWire) -> None:
    ip("link", "set", slcan.name, "txqueuelen", "5")
    with open_bus(f"socketcan:{slcan.name}") as bus:
        for _ in range(5_000):
            if not bus.send(FRAME):
                break
        assert bus.health.condition is Condition.QUEUE_FULL and "txqueuelen" in bus.health.reason
        end = time.monotonic() + 2.0
        while not bus.send(FRAME) and time.monotonic() < end:
            time.sleep(0.01)
        until(bus, Condition.OK)
        assert bus.counts.refused > 0


def test_check_of_a_controller(slcan: SlcanWire, tmp_path: Path) -> None:
    def answer(name: str) -> dict[str, str]:
        text = config.DEFAULT_PATH.read_text(encoding="utf-8").replace('"unix:"', f'"socketcan:{name}"')
        (tmp_path / "device.toml").write_text(text, encoding="utf-8")
        found = check(Question(tmp_path / "device.toml", DEMO_PROFILE), TABLE)
        return {finding.what: finding.status for finding in found.findings}

    good = answer(slcan.name)
    assert (good["bit rate"], good["controller"], good["bus load"]) == ("ok", "ok", "ok")
    assert (good["restart-ms"], good["txqueuelen"]) == ("note", "note")
    ip("link", "set", slcan.name, "down")
    ip("link", "set", slcan.name, "type", "can", "bitrate", "500000")
    ip("link", "set", slcan.name, "up")
    bad = answer(slcan.name)
    assert bad["bit rate"] == bad["bus load"] == "no"
    with pytest.raises(BridgeError, match="more than 70% is refused"):
        open_torque_bus(f"socketcan:{slcan.name}")


def test_dump_of_a_live_interface(vcan: str) -> None:
    command = [sys.executable, "-m", "edge_runtime", "can", "dump", f"socketcan:{vcan}", "--seconds", "3", "--json"]
    buf, out = wire.frame(), list[str]()
    with open_bus(f"socketcan:{vcan}") as bus:
        dump = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        reader = threading.Thread(target=lambda: out.append(dump.communicate()[0]))
        reader.start()
        k, end = 0, time.monotonic() + 120.0
        while reader.is_alive() and time.monotonic() < end:
            wire.pack_setpoint(buf, 0x100, k % 15, 0.01 * (k % 100), 20, 17.0, 0, 2, e2e.CRC_TABLE)
            assert bus.send(buf.tobytes())
            k += 1
            time.sleep(0.01)
    lines = [json.loads(line) for line in out[0].splitlines()]
    assert len(lines) > 50 and lines[0]["message"] == "TORQUE_SETPOINT"
    stream = lines[-1]["summary"]["streams"][0]
    assert (stream["lost"], stream["gaps"], stream["crc_errors"]) == (0, 0, 0) and stream["frames"] == len(lines) - 1
