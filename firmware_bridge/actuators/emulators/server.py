"""Serves emulated drives on a `unix:` bus in real time, for trials without hardware."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from firmware_bridge.actuators.base import FD_SIZE, Frames
from firmware_bridge.actuators.emulators.rig import EmulatedBus
from firmware_bridge.buses.unix import make_way
from firmware_bridge.errors import BridgeError

POLL_S: Final = 0.001
_READS_MAX: Final = 64


class EmulatorServer:
    """Listens at a path; one master at a time, the next one may follow."""

    def __init__(self, path: Path, bus: EmulatedBus) -> None:
        self._path = path
        self.bus = bus
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._master: socket.socket | None = None
        make_way(path, f"unix:{path}")
        try:
            self._listener.bind(str(path))
            self._listener.listen(1)
        except OSError as error:
            self._listener.close()
            raise BridgeError(f"emulated drives: cannot listen at {path}: {error.strerror or error}") from error
        self._listener.setblocking(False)

    def run(self, goes_on: Callable[[], bool]) -> None:
        """Serve for as long as `goes_on` says, asked every millisecond or so."""
        while goes_on():
            waiting = [self._listener if self._master is None else self._master]
            select.select(waiting, [], [], POLL_S)
            self.step(time.monotonic_ns())

    def step(self, now_ns: int) -> None:
        """Take what came, let the time pass, answer."""
        if self._master is None:
            self._accept()
        self._send(self.bus.receive(self._received(), now_ns))
        self._send(self.bus.advance(now_ns))

    def close(self) -> None:
        """Stop serving and remove the socket's file."""
        if self._master is not None:
            self._master.close()
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        try:
            self._master = self._listener.accept()[0]
            self._master.setblocking(False)
        except BlockingIOError:
            return

    def _received(self) -> Frames:
        frames: list[bytes] = []
        for _ in range(_READS_MAX):
            if self._master is None:
                break
            try:
                frame = self._master.recv(FD_SIZE)
            except BlockingIOError:
                break
            except ConnectionResetError:
                continue  # the master ended with replies unread; its last frames still wait behind this error
            except OSError:
                frame = b""
            if not frame:
                self._master.close()
                self._master = None
                break
            frames.append(frame)
        return tuple(frames)

    def _send(self, frames: Frames) -> None:
        for frame in frames:
            if self._master is None:
                return
            try:
                self._master.send(frame)
            except BlockingIOError:
                continue  # a full queue drops the frame, as a full CAN controller does
            except OSError:
                return  # the master is gone; what it sent last is still to be read
