"""`unix:PATH`: frames over an AF_UNIX SEQPACKET socket, between the host and a firmware that is a process."""

from __future__ import annotations

import errno
import os
import socket
import struct
from pathlib import Path
from typing import Final

from firmware_bridge.buses.base import FRAME_SIZE, Bus, Condition, Kind
from firmware_bridge.errors import BridgeError

PREFIX: Final = "unix:"
SIMULATED_NAME: Final = "exo-simulated"
"""What a process with nothing real behind it calls itself (`/proc/PID/comm`): `link_say_simulated` of simulator/."""
_CLOSED: Final = "the other end closed it; is the firmware running?"


class UnixBus(Bus):
    """A connected socket to a process: simulated where that process says so, or is this one."""

    kind = Kind.UNIX

    def __init__(self, spec: str, sock: socket.socket) -> None:
        super().__init__(spec, hardware=not _is_simulated(sock))
        sock.setblocking(False)
        self._sock = sock

    @property
    def fd(self) -> int:
        """File descriptor for the compiled loop; -1 once closed."""
        return self._sock.fileno()

    def send(self, frame: bytes) -> bool:
        """Write one frame; False where the queue is full or the other end is gone."""
        try:
            self._sock.send(frame)
        except BlockingIOError:
            self.note(Condition.QUEUE_FULL, "its queue is full; the firmware does not read")
        except OSError as error:
            self.note(Condition.GONE, f"{error.strerror}; is the firmware running?")
        else:
            self.counts.sent += 1
            self.note(Condition.OK)
            return True
        self.counts.refused += 1
        return False

    def receive(self) -> bytes | None:
        """Next waiting frame, None where there is none or the other end is gone."""
        try:
            frame = self._sock.recv(FRAME_SIZE)
        except BlockingIOError:
            return None
        except OSError as error:
            self.note(Condition.GONE, f"{error.strerror}; is the firmware running?")
            return None
        if not frame:
            self.note(Condition.GONE, _CLOSED)
            return None
        self.counts.received += 1
        return frame

    def close(self) -> None:
        """Close the bus; closing twice does nothing."""
        self._sock.close()


class Listener:
    """The serving end of a `unix:` bus, for firmware written in Python and for tests."""

    def __init__(self, spec: str) -> None:
        self.path = spec.removeprefix(PREFIX)
        self.spec = spec
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._sock.bind(self.path)
            self._sock.listen(1)
        except OSError as error:
            self._sock.close()
            raise BridgeError(f"bus {spec}: cannot listen: {error.strerror or error}") from error

    def accept(self, timeout_s: float) -> UnixBus:
        """Wait for a host. Raises BridgeError where none comes in time."""
        self._sock.settimeout(timeout_s)
        try:
            return UnixBus(self.spec, self._sock.accept()[0])
        except TimeoutError as error:
            raise BridgeError(f"bus {self.spec}: no host connected within {timeout_s:g} s") from error

    def close(self) -> None:
        """Stop listening and remove the socket's file."""
        self._sock.close()
        if os.path.exists(self.path):
            os.unlink(self.path)


def open_unix(spec: str) -> UnixBus:
    """Connect to `unix:PATH`. Raises BridgeError with one line that says what to do."""
    if spec == PREFIX:
        raise BridgeError(f"bus {spec}: no path; write unix:PATH of the socket where the firmware listens")
    return UnixBus(spec, connect_unix(spec.removeprefix(PREFIX), spec))


def connect_unix(path: str, spec: str) -> socket.socket:
    """A connected SEQPACKET socket, blocking; `spec` names it in the one-line BridgeError."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        sock.connect(path)
    except OSError as error:
        sock.close()
        raise BridgeError(f"bus {spec}: {_problem(error)}") from error
    return sock


def make_way(path: Path, spec: str) -> None:
    """Remove a socket that nobody listens on any more. Raises BridgeError where something else is at `path`."""
    if not path.exists():
        return
    if not path.is_socket():
        raise BridgeError(f"bus {spec}: {path} is there already and is no socket; give another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        if sock.connect_ex(str(path)) != errno.ECONNREFUSED:
            raise BridgeError(f"bus {spec}: another program listens there; end it, or give another path")
    path.unlink(missing_ok=True)


def _is_simulated(sock: socket.socket) -> bool:
    """Whether the process that listens at the other end is this one, or names itself SIMULATED_NAME."""
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid: int = struct.unpack("3i", credentials)[0]
    if pid == os.getpid():
        return True
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() == SIMULATED_NAME
    except OSError:
        return False


def _problem(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "no such socket; start the firmware first or correct the path"
    if error.errno == errno.ECONNREFUSED:
        return "nothing listens there; the firmware has ended, start it again"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "no permission; join the socket's group or run as its owner"
    if error.errno == errno.EPROTOTYPE:
        return "another kind of socket is there; correct the path"
    return f"{error.strerror or error}; correct the path"
