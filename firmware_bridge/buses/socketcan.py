"""`socketcan:INTERFACE[?fd=1]`: a raw CAN socket of the kernel, on hardware or on vcan."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
from typing import Final

from firmware_bridge.buses import error_frame
from firmware_bridge.buses.base import (
    ERR_FLAG,
    FD_FRAME_SIZE,
    FRAME_SIZE,
    Bus,
    Condition,
    Kind,
    fd_frame_bytes,
    frame_data,
)
from firmware_bridge.buses.link import TYPE_CAN, Link, read_link
from firmware_bridge.buses.spec import parse_options
from firmware_bridge.errors import BridgeError

PREFIX: Final = "socketcan:"
INTERFACE_NAME_MAX: Final = 15  # IFNAMSIZ of linux/if.h, less its zero
RECEIVE_BUFFER: Final = 4 << 20  # byte asked for: a few thousand frames, about a second of a full bus

_SO_RXQ_OVFL: Final = 40  # asm-generic/socket.h, as the two below; the same on x86 and arm
_SO_RCVBUFFORCE: Final = 33
_CAN_RAW_ERR_FILTER: Final = 2  # linux/can/raw.h; the socket module does not name it everywhere
_DROPS: Final = struct.Struct("=I")
_BUS_OFF: Final = "bus-off: too many errors on the wire; check wiring, termination and bit rate"


class CanSocket(Bus):
    """A bound raw socket. `link` is the interface as it was on opening, `receive_buffer` what the kernel gave, byte."""

    kind = Kind.SOCKETCAN

    def __init__(self, spec: str, link: Link, sock: socket.socket, frame_size: int) -> None:
        super().__init__(spec, hardware=not link.virtual)
        sock.setblocking(False)
        self.link = link
        self.interface = link.name
        self.frame_size = frame_size
        self.receive_buffer = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        self._sock = sock

    @property
    def fd(self) -> int:
        """File descriptor for the compiled loop; -1 once closed."""
        return self._sock.fileno()

    def send(self, frame: bytes) -> bool:
        """Queue one frame; a classic one goes out as CAN FD with bit rate switch on a bus opened with fd=1.

        False where it was not taken, and in bus-off: what the kernel queued then would go out late, after a restart.
        """
        if self.health.condition is not Condition.BUS_OFF:
            try:
                self._sock.send(self._shaped(frame))
            except OSError as error:
                self._trouble(error)
            else:
                self.counts.sent += 1
                if self.health.condition >= Condition.QUEUE_FULL:
                    self.note(Condition.OK)
                return True
        self.counts.refused += 1
        return False

    def receive(self) -> bytes | None:
        """Next waiting data frame, 16 or 72 bytes; None where there is none. Error frames are taken into `health`."""
        while True:
            try:
                frame, ancillary, _, _ = self._sock.recvmsg(self.frame_size, socket.CMSG_SPACE(_DROPS.size))
            except BlockingIOError:
                return None
            except OSError as error:
                self._trouble(error)
                return None
            for level, kind, data in ancillary:
                if level == socket.SOL_SOCKET and kind == _SO_RXQ_OVFL:
                    self.counts.dropped = _DROPS.unpack(data[: _DROPS.size])[0]
            can_id, _ = frame_data(frame)
            if not can_id & ERR_FLAG:
                self.counts.received += 1
                if self.health.condition in (Condition.BUS_OFF, Condition.DOWN):  # heard again, so it is on the bus
                    self.note(Condition.OK)
                return frame
            self._error_frame(can_id, frame[error_frame.CONTROLLER_BYTE])

    def close(self) -> None:
        """Close the bus; closing twice does nothing."""
        self._sock.close()

    def _shaped(self, frame: bytes) -> bytes:
        if self.frame_size == FD_FRAME_SIZE and len(frame) == FRAME_SIZE:
            return fd_frame_bytes(*frame_data(frame))
        return frame

    def _error_frame(self, can_id: int, controller: int) -> None:
        self.counts.error_frames += 1
        what = error_frame.error_condition(can_id, controller)
        if what == error_frame.BUS_OFF:
            self.note(Condition.BUS_OFF, f"{_BUS_OFF}; restart: ip link set {self.interface} type can restart")
        elif what == error_frame.RESTARTED:
            self.counts.restarts += 1
            self.note(Condition.OK)
        elif self.health.condition is Condition.BUS_OFF:
            return
        elif what == error_frame.PASSIVE:
            self.note(
                Condition.PASSIVE, "error-passive: is another node on, is the bus terminated, is the bit rate right?"
            )
        elif what == error_frame.WARNING:
            self.note(Condition.WARNING, "error counters are high; check wiring and termination")
        elif what == error_frame.OVERFLOW:
            self.note(Condition.WARNING, "the controller lost frames: its own buffer was full")
        elif what == error_frame.ACTIVE:
            self.note(Condition.OK)

    def _trouble(self, error: OSError) -> None:
        if error.errno in (errno.EAGAIN, errno.ENOBUFS):
            self.note(
                Condition.QUEUE_FULL,
                f"its send queue is full: nothing acknowledges, or ip link set {self.interface} txqueuelen 1000",
            )
        elif error.errno == errno.ENETDOWN:
            self.note(Condition.DOWN, f"interface {self.interface} is down; ip link set {self.interface} up")
        elif error.errno in (errno.ENODEV, errno.ENXIO):
            self.note(Condition.GONE, f"interface {self.interface} is gone; plug it in and start again")
        else:
            self.note(Condition.GONE, f"{error.strerror or error}; start again")


def open_socketcan(spec: str) -> CanSocket:
    """Open `socketcan:INTERFACE[?fd=1]`. Raises BridgeError with one line that says what to do."""
    interface, options = parse_options(spec, spec.removeprefix(PREFIX), {"fd": ("0", "1")})
    if not 0 < len(interface) <= INTERFACE_NAME_MAX:
        raise BridgeError(f"bus {spec}: an interface name has 1 to {INTERFACE_NAME_MAX} characters, like can0")
    try:
        sock = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
    except OSError as error:
        raise BridgeError(f"bus {spec}: {_can_problem(error)}") from error
    frame_size = FD_FRAME_SIZE if options.get("fd") == "1" else FRAME_SIZE
    try:
        _configure(sock, frame_size)
        sock.bind((interface,))
        link = read_link(interface)
        _fits(link, frame_size, spec)
    except BridgeError:
        sock.close()
        raise
    except OSError as error:
        sock.close()
        raise BridgeError(f"bus {spec}: {_interface_problem(error, interface)}") from error
    return CanSocket(spec, link, sock, frame_size)


def _configure(sock: socket.socket, frame_size: int) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    with contextlib.suppress(PermissionError):  # needs CAP_NET_ADMIN; without, net.core.rmem_max is the bound
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
    sock.setsockopt(socket.SOL_CAN_RAW, _CAN_RAW_ERR_FILTER, error_frame.FILTER)
    if frame_size == FD_FRAME_SIZE:
        sock.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FD_FRAMES, 1)


def _fits(link: Link, frame_size: int, spec: str) -> None:
    interface = link.name
    if link.type != TYPE_CAN:
        raise BridgeError(f"bus {spec}: {interface} is no CAN interface; see: ip -details link show type can")
    if not link.up:  # binding to it says nothing; the first read would
        raise OSError(errno.ENETDOWN, "down")
    if link.mtu < frame_size:
        raise BridgeError(
            f"bus {spec}: {interface} is not set up for CAN FD; set it down, then: ip link set {interface} up type can "
            "bitrate 1000000 dbitrate 5000000 fd on (vcan: ip link set INTERFACE mtu 72)"
        )


def _can_problem(error: OSError) -> str:
    if error.errno in (errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT):
        return "this kernel has no CAN; load it with: modprobe can-raw, or use unix:PATH"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "no permission for CAN sockets; add CAP_NET_RAW"
    return f"{error.strerror or error}"


def _interface_problem(error: OSError, interface: str) -> str:
    if error.errno == errno.ENODEV:
        return f"no interface {interface}; see: ip -details link show type can"
    if error.errno == errno.ENETDOWN:
        return f"interface {interface} is down; set it up: ip link set {interface} up type can bitrate 1000000"
    return f"{error.strerror or error}"
