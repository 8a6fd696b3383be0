"""An image on QEMU's emulation of the Arm MPS2 board with the AN386 core (Cortex-M4)."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

from firmware_bridge.cortex_m.build import Cpu
from firmware_bridge.errors import BridgeError

QEMU: Final = "qemu-system-arm"
MACHINES: Final = {Cpu.M4: "mps2-an386", Cpu.M0PLUS: "microbit"}
"""Boards that QEMU has with these cores and with flash at 0; microbit is an M0, which runs code for an M0+."""
QUIET: Final = ("-display", "none", "-monitor", "none", "-nodefaults")
INSTALL: Final = "on Debian: apt install qemu-system-arm"
START_TIMEOUT_S: Final = 10.0
STOP_TIMEOUT_S: Final = 2.0
REPLAY_TIMEOUT_S: Final = 120.0
_PTY: Final = re.compile(r"redirected to (\S+)")


class Emulator:
    """A running image; its UART is a stream socket (`line`), or a pseudo terminal (`device`) like a real adapter's.

    It ends with the thread that started it. Raises BridgeError with one line where QEMU is not there or ends.
    """

    def __init__(self, process: subprocess.Popen[str], line: socket.socket | None, device: str) -> None:
        self._process = process
        self._line = line
        self.device = device
        """Path of the pseudo terminal; empty for a socket."""

    @classmethod
    def on_socket(cls, elf: Path) -> Emulator:
        """The UART as one end of a socket pair: bytes wait, none is lost."""
        ours, theirs = socket.socketpair()
        with theirs:
            chardev = f"socket,id=uart,fd={theirs.fileno()}"
            process = _start(["-kernel", str(elf), *_uart(chardev)], (theirs.fileno(),), None)
        return cls(process, ours, "")

    @classmethod
    def on_pty(cls, elf: Path) -> Emulator:
        """The UART as a pseudo terminal, for `serial:DEVICE`; QEMU notices an opened one within a second."""
        process = _start(["-kernel", str(elf), *_uart("pty,id=uart")], (), None)
        assert process.stdout is not None
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while select.select([process.stdout], [], [], max(0.0, deadline_s - time.monotonic()))[0]:
            text = process.stdout.readline()
            if found := _PTY.search(text):
                return cls(process, None, found[1])
            if not text:
                break
        process.kill()
        process.communicate()
        raise BridgeError(f"{QEMU} gives no pseudo terminal for the UART")

    @property
    def line(self) -> socket.socket:
        """The UART's stream socket. Raises BridgeError where it is a pseudo terminal."""
        if self._line is None:
            raise BridgeError(f"the UART is the pseudo terminal {self.device}, not a socket")
        return self._line

    @property
    def pid(self) -> int:
        """Process id of QEMU."""
        return self._process.pid

    def stop(self) -> None:
        """End it; stopping twice does nothing."""
        if self._line is not None:
            self._line.close()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.communicate(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        except ValueError:
            pass  # stopped before: its pipe is closed

    def __enter__(self) -> Emulator:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def replay(elf: Path, folder: Path, cpu: Cpu = Cpu.M4) -> None:
    """Run a replay image to its end, in `folder` with its `trace.in`; `trace.out` is there then."""
    semihosting = ["-semihosting-config", "enable=on,target=native"]
    process = _start(["-kernel", str(elf), *semihosting], (), folder, cpu)
    try:
        output, _ = process.communicate(timeout=REPLAY_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise BridgeError(f"the replay image does not end within {REPLAY_TIMEOUT_S:g} s") from None
    if process.returncode != 0:
        raise BridgeError(f"the replay image fails with status {process.returncode}: {output.strip()[-200:]}")


def _uart(chardev: str) -> list[str]:
    return ["-chardev", chardev, "-serial", "chardev:uart"]


def _start(arguments: list[str], fds: tuple[int, ...], folder: Path | None, cpu: Cpu = Cpu.M4) -> subprocess.Popen[str]:
    qemu = shutil.which(QEMU)
    if qemu is None:
        raise BridgeError(f"no emulator {QEMU} found; {INSTALL}")
    tied = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    return subprocess.Popen(
        [*tied, qemu, "-M", MACHINES[cpu], *QUIET, *arguments],
        cwd=folder,
        pass_fds=fds,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
        process_group=0,
    )
