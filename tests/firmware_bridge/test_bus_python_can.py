"""Adapters through python-can: its virtual bus, multicast, and slcan with a small adapter behind a pseudo-terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.bus import Bus, Condition, Kind, PythonCanBus, open_bus, open_torque_bus
from firmware_bridge.buses.base import (
    EFF_FLAG,
    ID_MASK,
    RTR_FLAG,
    fd_frame_bytes,
    frame_bytes,
    frame_data,
)
from firmware_bridge.buses.python_can import from_message, parse_python_can, to_message
from firmware_bridge.errors import BridgeError

FRAME = frame_bytes(0x100, b"12345678")
FD_SIZES = [*range(9), 12, 16, 20, 24, 32, 48, 64]


def waits_for(bus: Bus) -> bytes | None:
    until = time.monotonic() + 2.0
    while time.monotonic() < until:
        if (frame := bus.receive()) is not None:
            return frame
        time.sleep(0.005)
    return None


class SlcanAdapter(threading.Thread):
    """An adapter that speaks the Lawicel protocol on a pseudo-terminal and hears what it sends."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._fd, terminal = pty.openpty()
        tty.setraw(terminal)
        self.path = os.ttyname(terminal)
        self._terminal = terminal
        self.commands: list[str] = []

    def run(self) -> None:
        buffer = b""
        with contextlib.suppress(OSError):  # vanished
            while True:
                buffer += os.read(self._fd, 4096)
                *lines, buffer = buffer.split(b"\r")
                for line in lines:
                    self.commands.append(line.decode())
                    os.write(self._fd, b"\r" + (line + b"\r" if line[:1] in (b"t", b"T") else b""))

    def vanish(self) -> None:
        for fd in (self._terminal, self._fd):
            with contextlib.suppress(OSError):
                os.close(fd)


@pytest.fixture
def adapter() -> Iterator[SlcanAdapter]:
    adapter = SlcanAdapter()
    adapter.start()
    yield adapter
    adapter.vanish()


def test_slcan_over_a_serial_line(adapter: SlcanAdapter) -> None:
    with open_bus(f"python-can:slcan:{adapter.path}@115200?bitrate=1000000&sleep_after_open=0") as bus:
        assert bus.kind is Kind.PYTHON_CAN and bus.hardware and bus.fd == -1
        assert bus.send(FRAME) and waits_for(bus) == FRAME
        assert bus.counts.sent == bus.counts.received == 1
    assert "S8" in adapter.commands and "t10083132333435363738" in adapter.commands


def test_slcan_unplugged_is_a_state(adapter: SlcanAdapter) -> None:
    bus = open_bus(f"python-can:slcan:{adapter.path}?sleep_after_open=0")
    adapter.vanish()
    until = time.monotonic() + 2.0
    while bus.health.condition is Condition.OK and time.monotonic() < until:
        bus.send(FRAME)
        bus.receive()
        time.sleep(0.01)
    assert bus.health.condition >= Condition.QUEUE_FULL and "\n" not in bus.health.reason
    bus.close()


def test_virtual_bus_and_a_closed_one() -> None:
    with open_bus("python-can:virtual:room") as one, open_bus("python-can:virtual:room") as two:
        assert not one.hardware
        assert one.send(FRAME) and waits_for(two) == FRAME and one.receive() is None
    assert not one.send(FRAME) and one.receive() is None
    one.close()


def test_fd_on_a_virtual_bus() -> None:
    frame = fd_frame_bytes(0x101, bytes(range(64)))
    with open_bus("python-can:virtual:fd-room") as one, open_bus("python-can:virtual:fd-room") as two:
        assert one.send(frame) and waits_for(two) == frame


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("python-can:", "write python-can:INTERFACE:CHANNEL"),
        ("python-can:slcan", "write python-can:INTERFACE:CHANNEL"),
        ("python-can:nonsense:can0", "python-can has no interface 'nonsense'"),
        ("python-can:slcan:/dev/no-such-tty", "check adapter"),
        ("python-can:pcan:PCAN_USBBUS1", "check adapter"),
        ("python-can:slcan:/dev/x?bitrate", "options are written"),
        ("python-can:slcan:/dev/x?bitrate=1&bitrate=2", "each once"),
        ("python-can:slcan:/dev/x?channel=can1", "not an option"),
        ("python-can:slcan:/dev/null?sleep_after_open=0&bitrate=7", "check adapter"),
    ],
)
def test_problems_are_one_line(spec: str, says: str) -> None:
    with pytest.raises(BridgeError) as caught:
        open_bus(spec)
    assert says in str(caught.value) and spec in str(caught.value) and "\n" not in str(caught.value)


def test_never_for_torque() -> None:
    with pytest.raises(BridgeError, match="for torque use socketcan:INTERFACE"):
        open_torque_bus("python-can:virtual:room")


@given(
    st.text(st.characters(exclude_characters="?:&="), min_size=1),
    st.text(st.characters(exclude_characters="?"), max_size=20),
)
def test_names_survive(interface: str, channel: str) -> None:
    spec = f"python-can:{interface}:{channel}"
    if channel:
        assert parse_python_can(spec) == (interface, channel, {})
    assert parse_python_can(f"python-can:{interface}:x?a=1&b=true&c=2.5&d=e") == (
        interface,
        "x",
        {"a": 1, "b": True, "c": 2.5, "d": "e"},
    )


@given(st.text())
def test_no_spec_escapes_as_another_error(text: str) -> None:
    try:
        parse_python_can(f"python-can:{text}")
    except BridgeError as error:
        assert str(error).startswith("bus python-can:")


CLASSIC = st.builds(
    lambda number, long, data: frame_bytes(number | EFF_FLAG if long else number & 0x7FF, data),
    st.integers(0, ID_MASK),
    st.booleans(),
    st.binary(max_size=8),
)
FD = st.builds(
    lambda number, size, byte: fd_frame_bytes(number, bytes([byte]) * size),
    st.integers(0, 0x7FF),
    st.sampled_from(FD_SIZES),
    st.integers(0, 255),
)


@given(st.one_of(CLASSIC, FD))
def test_messages_and_frames_are_the_same(frame: bytes) -> None:
    assert from_message(to_message(frame)) == frame


def test_remote_frames_keep_their_length() -> None:
    frame = frame_bytes(0x123 | RTR_FLAG, b"")
    asks = frame[:4] + bytes((6,)) + frame[5:]
    assert to_message(frame).is_remote_frame
    message = to_message(frame)
    message.dlc = 6
    assert from_message(message) == asks and frame_data(asks)[0] & RTR_FLAG


def test_closing_twice_is_nothing(tmp_path: Path) -> None:
    bus = open_bus("python-can:virtual:twice")
    assert isinstance(bus, PythonCanBus)
    bus.close()
    bus.close()
