"""CAN buses as file descriptors that carry raw `struct can_frame`: `unix:PATH` and `socketcan:INTERFACE`."""

from __future__ import annotations

import errno
import os
import socket
from types import TracebackType
from typing import Final

from firmware_bridge.errors import BridgeError

UNIX_PREFIX: Final = "unix:"
SOCKETCAN_PREFIX: Final = "socketcan:"
FRAME_SIZE: Final = 16
INTERFACE_NAME_MAX: Final = 15  # IFNAMSIZ of linux/if.h, less its zero


class Bus:
    """An open bus: `fd` is non-blocking; every read and write is one whole 16-byte frame."""

    def __init__(self, spec: str, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.spec = spec
        self._sock = sock

    @property
    def fd(self) -> int:
        """File descriptor for the compiled loop; -1 once closed."""
        return self._sock.fileno()

    def send(self, frame: bytes) -> bool:
        """Write one frame; False where the queue is full. Raises BridgeError where the other end is gone."""
        try:
            return self._sock.send(frame) == FRAME_SIZE
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.ENOBUFS):
                return False
            raise BridgeError(f"bus {self.spec}: {error.strerror}; is the firmware running?") from error

    def receive(self) -> bytes | None:
        """Next waiting frame, None where there is none. Raises BridgeError where the other end is gone."""
        try:
            frame = self._sock.recv(FRAME_SIZE)
        except BlockingIOError:
            return None
        except OSError as error:
            raise BridgeError(f"bus {self.spec}: {error.strerror}") from error
        if not frame:
            raise BridgeError(f"bus {self.spec}: the other end closed it; is the firmware running?")
        return frame

    def close(self) -> None:
        """Close the bus; closing twice does nothing."""
        self._sock.close()

    def __enter__(self) -> Bus:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_bus(spec: str) -> Bus:
    """Open `unix:PATH`, `socketcan:INTERFACE` or `serial:DEVICE`; a BridgeError is one line that says what to do."""
    if spec.startswith("serial:"):
        from firmware_bridge.serial_link import open_serial

        return open_serial(spec)
    if spec.startswith(UNIX_PREFIX):
        return Bus(spec, connect_unix(spec.removeprefix(UNIX_PREFIX), spec))
    if spec.startswith(SOCKETCAN_PREFIX):
        return Bus(spec, _socketcan(spec.removeprefix(SOCKETCAN_PREFIX), spec))
    raise BridgeError(f"bus {spec}: unknown kind; write unix:PATH or socketcan:INTERFACE, or serial:DEVICE")


class Listener:
    """The serving end of a `unix:` bus, for firmware written in Python and for tests."""

    def __init__(self, spec: str) -> None:
        self.path = spec.removeprefix(UNIX_PREFIX)
        self.spec = spec
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._sock.bind(self.path)
            self._sock.listen(1)
        except OSError as error:
            self._sock.close()
            raise BridgeError(f"bus {spec}: cannot listen: {error.strerror or error}") from error

    def accept(self, timeout_s: float) -> Bus:
        """Wait for a host. Raises BridgeError where none comes in time."""
        self._sock.settimeout(timeout_s)
        try:
            return Bus(self.spec, self._sock.accept()[0])
        except TimeoutError as error:
            raise BridgeError(f"bus {self.spec}: no host connected within {timeout_s:g} s") from error

    def close(self) -> None:
        """Stop listening and remove the socket's file."""
        self._sock.close()
        if os.path.exists(self.path):
            os.unlink(self.path)


def connect_unix(path: str, spec: str) -> socket.socket:
    """A connected SEQPACKET socket, blocking; `spec` names it in the one-line BridgeError."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        sock.connect(path)
    except OSError as error:
        sock.close()
        raise BridgeError(f"bus {spec}: {_unix_problem(error)}") from error
    return sock


def _unix_problem(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "no such socket; start the firmware first or correct the path"
    if error.errno == errno.ECONNREFUSED:
        return "nothing listens there; the firmware has ended, start it again"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "no permission; join the socket's group or run as its owner"
    if error.errno == errno.EPROTOTYPE:
        return "another kind of socket is there; correct the path"
    return f"{error.strerror or error}; correct the path"


def _socketcan(interface: str, spec: str) -> socket.socket:
    if not 0 < len(interface) <= INTERFACE_NAME_MAX:
        raise BridgeError(f"bus {spec}: an interface name has 1 to {INTERFACE_NAME_MAX} characters, like can0")
    try:
        sock = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
    except OSError as error:
        raise BridgeError(f"bus {spec}: {_can_problem(error)}") from error
    try:
        sock.bind((interface,))
    except OSError as error:
        sock.close()
        raise BridgeError(f"bus {spec}: {_interface_problem(error, interface)}") from error
    return sock


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
