"""Starts and stops the simulated firmware, and talks to the wearer's side of it."""

from __future__ import annotations

import contextlib
import select
import signal
import socket
import subprocess
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from firmware_bridge.bus import connect_unix
from firmware_bridge.errors import BridgeError

F64 = npt.NDArray[np.float64]

KIND_WEARER: Final = 1
KIND_TICK: Final = 2
START_TIMEOUT_S: Final = 5.0
STOP_TIMEOUT_S: Final = 2.0

WEARER_DTYPE: Final = np.dtype(
    [("kind", "<i8"), ("now_ns", "<i8"), ("angle_rad", "<f8", 2), ("velocity_radps", "<f8", 2)]
)
"""Host to simulation: knee angles and velocities of the wearer, sides r, l; `sim_wearer` of link.h."""

TRUTH_DTYPE: Final = np.dtype(
    [
        ("now_ns", "<i8"),
        ("state", "<i8"),
        ("reason", "<i8"),
        ("knee_nm", "<f8", 2),
        ("knee_rad", "<f8", 2),
        ("hinge_rad", "<f8", 2),
        ("drive_nm", "<f8", 2),
        ("command_nm", "<f8", 2),
    ]
)
"""Simulation to host after each step, sides r, l: torque on the skeletal knee and its angle, hinge
angle, torque of the drive, torque the governor commands; governor state and reason; `sim_truth` of link.h."""


class Pace(Enum):
    """How simulated time goes."""

    REALTIME = "realtime"
    LOCKSTEP = "lockstep"


@dataclass(frozen=True, slots=True)
class PlantParams:
    """Numbers of the simulated drive, tissue and wearer, the same for both knees.

    They describe a plausible brace on an adult, not a measured one. Tissue stiffness and Maxwell branch hold
    at full extension and grow linearly to `tissue_stiffness_rise` times at 80 deg of flexion.
    """

    hinge_inertia_kg_m2: float = 0.03
    hinge_viscous_nm_s_per_rad: float = 0.05
    hinge_coulomb_nm: float = 0.2
    drive_delay_ms: float = 1.0
    drive_bandwidth_hz: float = 100.0
    torque_resolution_nm: float = 0.02
    encoder_bits: float = 16.0
    velocity_filter_hz: float = 60.0
    tissue_stiffness_nm_per_rad: float = 80.0
    tissue_stiffness_rise: float = 3.0
    tissue_damping_nm_s_per_rad: float = 1.0
    tissue_maxwell_nm_per_rad: float = 30.0
    tissue_maxwell_s: float = 0.1
    tissue_transmission: float = 1.0
    wearer_stiffness_nm_per_rad: float = 150.0
    wearer_damping_nm_s_per_rad: float = 6.0
    wearer_inertia_kg_m2: float = 0.3
    profile_hash: int = 0
    fifo_priority: int = 0

    def write(self, path: Path) -> None:
        """Write the parameter file that the firmware reads."""
        text = "".join(f"{name}={value!r}\n" for name, value in asdict(self).items())
        path.write_text("# simulated firmware\n" + text, encoding="utf-8")


class FirmwareProcess:
    """The simulated firmware as a child process; it ends when the thread that started it does.

    `bus`: path of its socket, or `socketcan:INTERFACE`. With `record` each step's truth is written to that file as
    TRUTH_DTYPE, in real time instead of being told to the simulation. `fault_path` takes orders (simulator/faults.py).
    """

    def __init__(
        self, executable: Path, bus: Path | str, sim_path: Path, params: Path, pace: Pace, record: Path | None = None
    ) -> None:
        self.bus_spec = bus if isinstance(bus, str) else f"unix:{bus}"
        self.sim_path = sim_path
        self.fault_path = sim_path.with_name(f"{sim_path.name}.faults")
        self.pace = pace
        self._command = [str(executable), pace.value, str(bus), str(sim_path), str(params)]
        if record is not None:
            self._command.append(str(record))
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start and wait until both sockets listen. Raises BridgeError with the firmware's own line."""
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
        )
        assert self._process.stdout is not None
        waiting, _, _ = select.select([self._process.stdout], [], [], START_TIMEOUT_S)
        if not waiting or self._process.stdout.readline() != "ready\n":
            self._process.kill()
            _, message = self._process.communicate()
            self._process = None
            lines = message.strip().splitlines()
            raise BridgeError(lines[0] if lines else "the simulated firmware does not start")

    @property
    def pid(self) -> int:
        """Process id; raises BridgeError before `start`."""
        return self._running().pid

    def poll(self) -> int | None:
        """Exit status, None while it runs."""
        return self._running().poll()

    def stop(self) -> None:
        """End it, gently first; stopping twice does nothing."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.communicate(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._process = None

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise BridgeError("the simulated firmware is not running; start it first")
        return self._process


class SimLink:
    """The wearer's side of the simulation: references in, ground truth out; its buffers are reused.

    The compiled loop may write `outgoing` and read `incoming` on `fd` itself; both are one message each.
    """

    def __init__(self, path: Path) -> None:
        self._sock = connect_unix(str(path), f"unix:{path} (simulation)")
        self._out = bytearray(WEARER_DTYPE.itemsize)
        self._in = bytearray(TRUTH_DTYPE.itemsize)
        self.outgoing = np.frombuffer(self._out, np.uint8)
        self.incoming = np.frombuffer(self._in, np.uint8)
        self._wearer = self.outgoing.view(WEARER_DTYPE)
        self._truth = self.incoming.view(TRUTH_DTYPE)
        self._wearer["kind"] = KIND_WEARER
        self._angle: F64 = self._wearer["angle_rad"][0]
        self._velocity: F64 = self._wearer["velocity_radps"][0]

    @property
    def fd(self) -> int:
        """File descriptor, blocking; -1 once closed."""
        return self._sock.fileno()

    def set_wearer(self, angle_rad: F64, velocity_radps: F64) -> None:
        """Wearer's knee angles and velocities [2], sides r, l, for the next message."""
        self._angle[:] = angle_rad
        self._velocity[:] = velocity_radps

    def send_wearer(self, angle_rad: F64, velocity_radps: F64) -> None:
        """Real time: tell where the knees are now, every millisecond. Dropped where the queue is full."""
        self.set_wearer(angle_rad, velocity_radps)
        self._wearer["kind"] = KIND_WEARER
        with contextlib.suppress(BlockingIOError):
            self._send(socket.MSG_DONTWAIT)

    def tick(self, now_ns: int) -> None:
        """Lock-step: one millisecond at `now_ns` with the last wearer set; returns when the firmware is done.

        The frames that the firmware sent then wait on the bus, and `truth` is new.
        """
        self._wearer["kind"] = KIND_TICK
        self._wearer["now_ns"] = now_ns
        self._send(0)
        if self._receive(0) == 0:
            raise BridgeError(f"simulation {self._sock.getpeername()}: the firmware has ended")

    def poll(self) -> bool:
        """Real time: take the newest waiting truth; False where none came."""
        news = False
        while True:
            try:
                if self._receive(socket.MSG_DONTWAIT) == 0:
                    return news
            except BlockingIOError:
                return news
            news = True

    def truth(self) -> np.void:
        """Newest truth as a record of TRUTH_DTYPE; a view, overwritten by the next message."""
        record: np.void = self._truth[0]
        return record

    def close(self) -> None:
        """Close the link; the firmware ends."""
        self._sock.close()

    def _send(self, flags: int) -> None:
        try:
            self._sock.send(self._out, flags)
        except BlockingIOError:
            raise
        except OSError as error:
            raise BridgeError(f"simulation: the firmware has ended ({error.strerror})") from error

    def _receive(self, flags: int) -> int:
        try:
            return self._sock.recv_into(self._in, 0, flags)
        except BlockingIOError:
            raise
        except OSError as error:
            raise BridgeError(f"simulation: the firmware has ended ({error.strerror})") from error
