"""Starts and stops the soft governor: the process between the torque loop and third-party drives."""

from __future__ import annotations

import contextlib
import json
import select
import signal
import subprocess
from pathlib import Path
from typing import Any, Final

from firmware_bridge.actuators.cia402_setup import set_up
from firmware_bridge.actuators.config import Drives, Kind
from firmware_bridge.actuators.links import open_drive_bus, python_can_bus
from firmware_bridge.actuators.load import check_load
from firmware_bridge.actuators.native import session_config
from firmware_bridge.bus import UNIX_PREFIX
from firmware_bridge.buses.unix import make_way
from firmware_bridge.errors import BridgeError

START_TIMEOUT_S: Final = 5.0
STOP_TIMEOUT_S: Final = 2.0


class DriveSession:
    """The soft governor as a child process; the torque loop connects to `bus_spec`.

    It opens the drives' bus and does what set-up the drives need before the process starts.
    """

    def __init__(
        self, executable: Path, drives: Drives, host_path: Path, profile_hash: int, fifo_priority: int
    ) -> None:
        self.bus_spec = f"unix:{host_path}"
        self._host_path = host_path
        self._command = [str(executable), str(host_path)]
        self._drives = drives
        self._config = bytes(session_config(drives, profile_hash, fifo_priority))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Set the drives up and start; returns when the host may connect. Raises BridgeError with one line."""
        make_way(self._host_path, self.bus_spec)
        if not self._drives.bus.startswith(UNIX_PREFIX):
            check_load(self._drives)
        with open_drive_bus(self._drives) as sock:
            if self._drives.kind is Kind.CIA402:
                set_up(self._drives, python_can_bus(sock))
            self._process = subprocess.Popen(
                [*self._command, str(sock.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=[sock.fileno()],
                process_group=0,
            )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(self._config)
        self._process.stdin.close()
        self._process.stdin = None
        waiting, _, _ = select.select([self._process.stdout], [], [], START_TIMEOUT_S)
        if not waiting or self._process.stdout.readline() != b"ready\n":
            self._process.kill()
            self._process.communicate()
            self._process = None
            raise BridgeError("the soft governor does not start; its own line above says why")

    @property
    def pid(self) -> int:
        """Process id; raises BridgeError before `start`."""
        return self._running().pid

    def poll(self) -> int | None:
        """Exit status, None while it runs."""
        return self._running().poll()

    def stop(self) -> dict[str, Any]:
        """End it, gently first: torque falls to zero, the drives leave torque mode.

        Returns `steps`, `late_us` (a quantile block) and `worst_step_us`; empty where it was killed or never ran.
        """
        if self._process is None:
            return {}
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            out, _ = self._process.communicate(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            out, _ = self._process.communicate()
        self._process = None
        lines = out.decode().strip().splitlines()
        found: dict[str, Any] = json.loads(lines[-1]) if lines else {}
        return found

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise BridgeError("the soft governor is not running; start it first")
        return self._process
