"""The emulated bench and cable behind a pseudo-terminal, in real time: what a host opens like any serial device."""

from __future__ import annotations

import contextlib
import os
import pty
import termios
import threading
import time
import tty
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from hil.serial.cable import Cable, CablePort
from hil.serial.device import Device

_STEP_S: Final = 0.001
_READ_MAX: Final = 4096
_OUT_SPEED: Final = 5  # index in the list of termios.tcgetattr
_SPEEDS: Final = {
    getattr(termios, f"B{baud}"): baud
    for baud in (9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 1000000, 2000000)
}


class PtyBench:
    """Runs `device` on `cable` in a thread; `path` is a link to the terminal, gone while the cable is cut.

    A host that sets another rate than the bench's gets, and sends, what a UART makes of that.
    """

    def __init__(self, path: Path, device: Device, cable: Cable) -> None:
        self.path, self.device, self.cable = path, device, cable
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pty-bench", daemon=True)
        self._master = self._slave = -1
        self._port: CablePort | None = None
        self._baud = cable.bench_baud
        self._arrived = b""

    def __enter__(self) -> Self:
        self._plug()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._unplug()

    def _run(self) -> None:
        begun_s, done = time.monotonic(), 0
        while not self._stop.is_set():
            due = int((time.monotonic() - begun_s) / _STEP_S)
            for _ in range(min(due - done, 50)):
                self._step(done * 1000)
                done += 1
            done = max(done, due - 50)  # a thread that stood still does not make up for more than this
            self._stop.wait(_STEP_S)

    def _step(self, now_us: int) -> None:
        if self._port is not None:
            self._exchange(self._port)
        self._arrived = self.cable.step(now_us, self.device.step(now_us, self._arrived))
        if not self.cable.plugged:
            self._unplug()
        elif self._port is None:
            self._plug()

    def _exchange(self, port: CablePort) -> None:
        """Bytes between the terminal and the cable's end; both give up on a cut."""
        with contextlib.suppress(OSError):
            baud = _SPEEDS.get(termios.tcgetattr(self._master)[_OUT_SPEED], self._baud)
            if baud != self._baud:
                self._baud = baud
                self._port = port = self.cable.open(baud)
            with contextlib.suppress(BlockingIOError):
                port.write(os.read(self._master, _READ_MAX))
            with contextlib.suppress(BlockingIOError):
                os.write(self._master, port.read(_READ_MAX))

    def _plug(self) -> None:
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._port = self.cable.open(self._baud)
        link = self.path.with_name(f".{self.path.name}")
        link.unlink(missing_ok=True)
        link.symlink_to(os.ttyname(self._slave))
        link.replace(self.path)

    def _unplug(self) -> None:
        if self._port is None:
            return
        self.path.unlink(missing_ok=True)
        os.close(self._master)
        os.close(self._slave)
        self._port = None
