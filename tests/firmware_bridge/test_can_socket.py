"""The SocketCAN bus's bookkeeping over a socket pair, which carries the same bytes: error frames, FD, lost queues."""

from __future__ import annotations

import errno
import os
import socket
import struct

import pytest

from firmware_bridge.bus import CanSocket, Condition, Kind, rates_of, torque_problem
from firmware_bridge.bus_load import Rates
from firmware_bridge.buses import error_frame
from firmware_bridge.buses.base import ERR_FLAG, FD_FRAME_SIZE, FRAME_SIZE, fd_frame_bytes, frame_bytes, frame_data
from firmware_bridge.buses.link import TYPE_CAN, Link

FRAME = frame_bytes(0x100, b"12345678")
LINK = Link("can7", TYPE_CAN, "can", True, 72, 10, "mttcan", bitrate=1_000_000)


def make(frame_size: int = FRAME_SIZE, link: Link = LINK) -> tuple[CanSocket, socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.setblocking(False)
    return CanSocket("socketcan:can7", link, ours, frame_size), theirs


def error(kind: int, controller: int = 0) -> bytes:
    return frame_bytes(ERR_FLAG | kind, bytes((0, controller, 0, 0, 0, 0, 0, 0)))


def heard(bus: CanSocket, wire: socket.socket, *frames: bytes) -> Condition:
    for frame in frames:
        wire.send(frame)
    while bus.receive() is not None:
        pass
    return bus.health.condition


def test_frames_both_ways() -> None:
    bus, wire = make()
    assert bus.kind is Kind.SOCKETCAN and bus.hardware
    assert bus.send(FRAME) and wire.recv(100) == FRAME
    wire.send(FRAME)
    assert bus.receive() == FRAME and bus.receive() is None
    assert (bus.counts.sent, bus.counts.received) == (1, 1)


@pytest.mark.parametrize(
    ("kind", "controller", "condition"),
    [
        (error_frame.ERR_CONTROLLER, 0x04, Condition.WARNING),
        (error_frame.ERR_CONTROLLER, 0x08, Condition.WARNING),
        (error_frame.ERR_CONTROLLER, 0x10, Condition.PASSIVE),
        (error_frame.ERR_CONTROLLER, 0x20, Condition.PASSIVE),
        (error_frame.ERR_CONTROLLER, 0x34, Condition.PASSIVE),
        (error_frame.ERR_CONTROLLER, 0x01, Condition.WARNING),
        (error_frame.ERR_CONTROLLER, 0x40, Condition.OK),
        (error_frame.ERR_CONTROLLER, 0x00, Condition.OK),
        (error_frame.ERR_BUS_OFF, 0x00, Condition.BUS_OFF),
        (error_frame.ERR_BUS_OFF | error_frame.ERR_CONTROLLER, 0x40, Condition.BUS_OFF),
        (error_frame.ERR_RESTARTED, 0x00, Condition.OK),
        (0x80, 0x00, Condition.OK),
    ],
)
def test_error_frames_are_states(kind: int, controller: int, condition: Condition) -> None:
    bus, wire = make()
    assert heard(bus, wire, error(kind, controller)) is condition
    assert bool(bus.health.reason) is (condition is not Condition.OK) and "\n" not in bus.health.reason
    assert bus.counts.error_frames == 1 and bus.counts.received == 0


def test_bus_off_lasts_until_restarted() -> None:
    bus, wire = make()
    assert heard(bus, wire, error(0x40)) is Condition.BUS_OFF
    assert not bus.send(FRAME) and bus.counts.refused == 1
    with pytest.raises(BlockingIOError):
        wire.recv(100)
    assert "restart" in bus.health.reason
    assert heard(bus, wire, error(4, 0x10), error(4, 0x40)) is Condition.BUS_OFF
    assert heard(bus, wire, error(0x40)) is Condition.BUS_OFF and bus.counts.bus_off == 1
    assert heard(bus, wire, error(0x100)) is Condition.OK and bus.counts.restarts == 1
    assert bus.send(FRAME)
    assert heard(bus, wire, error(0x40)) is Condition.BUS_OFF and bus.counts.bus_off == 2


def test_who_hears_frames_is_not_bus_off() -> None:
    bus, wire = make()
    assert heard(bus, wire, error(0x40), FRAME) is Condition.OK


def test_error_passive_still_sends_and_lasts() -> None:
    bus, wire = make()
    assert heard(bus, wire, error(4, 0x20)) is Condition.PASSIVE
    assert bus.send(FRAME) and bus.health.condition is Condition.PASSIVE


@pytest.mark.parametrize(
    ("code", "condition"),
    [
        (errno.ENOBUFS, Condition.QUEUE_FULL),
        (errno.EAGAIN, Condition.QUEUE_FULL),
        (errno.ENETDOWN, Condition.DOWN),
        (errno.ENODEV, Condition.GONE),
        (errno.ENXIO, Condition.GONE),
        (errno.EBADF, Condition.GONE),
    ],
)
def test_what_the_kernel_refuses(code: int, condition: Condition) -> None:
    class Refusing(socket.socket):
        def send(self, *_: object) -> int:
            raise OSError(code, os.strerror(code))

    ours, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    bus = CanSocket("socketcan:can7", LINK, Refusing(fileno=ours.detach()), FRAME_SIZE)
    assert not bus.send(FRAME) and bus.health.condition is condition
    assert bus.health.reason.startswith("bus socketcan:can7: ") and bus.counts.refused == 1


def test_an_interface_that_is_gone_stays_gone() -> None:
    bus, wire = make()
    bus.note(Condition.GONE, "gone")
    assert heard(bus, wire, error(0x100), FRAME) is Condition.GONE


def test_fd_frames() -> None:
    bus, wire = make(FD_FRAME_SIZE)
    long = fd_frame_bytes(0x101, bytes(range(64)))
    assert bus.send(long) and wire.recv(100) == long
    assert bus.send(FRAME)
    sent = wire.recv(100)
    assert len(sent) == FD_FRAME_SIZE and frame_data(sent) == (0x100, b"12345678") and sent[5] & 1
    wire.send(long)
    wire.send(FRAME)
    assert bus.receive() == long and bus.receive() == FRAME


def test_rates_and_what_the_loop_refuses() -> None:
    slow = Link("can7", TYPE_CAN, "can", True, 72, 10, "", bitrate=500_000, data_bitrate=8_000_000)
    classic, fd = make(FRAME_SIZE, slow)[0], make(FD_FRAME_SIZE, slow)[0]
    assert rates_of(classic) == Rates(500_000) and rates_of(fd) == Rates(500_000, 8_000_000)
    assert "more than 70% is refused" in (torque_problem(classic) or "")
    assert torque_problem(fd) is None and torque_problem(make()[0]) is None
    vcan = Link("vcan0", TYPE_CAN, "vcan", True, 72, 1000, "")
    assert not make(link=vcan)[0].hardware and torque_problem(make(link=vcan)[0]) is None


@pytest.mark.parametrize("size", [9, 65])
def test_too_much_data(size: int) -> None:
    with pytest.raises(ValueError, match="at most"):
        (frame_bytes if size == 9 else fd_frame_bytes)(1, bytes(size))


def test_layout_is_the_kernels() -> None:
    """linux/can.h: id u32, len u8, flags u8, two bytes, data."""
    assert struct.unpack("=IBB2x8s", frame_bytes(0x123, b"ab")) == (0x123, 2, 0, b"ab" + bytes(6))
    assert struct.unpack("=IBB2x64s", fd_frame_bytes(0x123, b"ab")) == (0x123, 2, 5, b"ab" + bytes(62))
