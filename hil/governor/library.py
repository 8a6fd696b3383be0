"""The compiled governor behind one call per millisecond: frames on a socket, sensors in, torque commands out."""

from __future__ import annotations

import ctypes
import socket
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from edge_runtime.errors import UserError
from edge_runtime.types import F64
from engines.cache import cache_dir
from firmware_bridge.simulator.build import GOVERNOR, SIMULATOR, compile_sources
from hil.rigs.base import JOINTS, RigSample

_HERE: Final = Path(__file__).resolve().parent
_SHARED: Final = ("node.c", "bus.c", "link.c", "faults.c", "fault_bus.c", "fault_encoder.c")
_SENSED: Final = 4  # doubles of struct bench_sensed


class Governor(Protocol):
    """Firmware under test, in lock-step: what stands between the host's bus and a rig's drive."""

    state: int
    reason: int

    def step(self, sample: RigSample, now_ns: int) -> F64:
        """One millisecond with these sensors; the torque commands [JOINTS], Nm. State and reason are new after it."""

    def suffer(self, order: npt.NDArray[Any]) -> None:
        """A fault of its bus, encoders or clock: ORDER_DTYPE [1]. Raises UserError where it cannot."""

    def close(self) -> None:
        """Let go of what it holds."""


class LibraryGovernor:
    """The C sources of `firmware_bridge/governor`, compiled for this machine, talking on a socket of the bench."""

    def __init__(self, bus: socket.socket, profile_hash: int) -> None:
        """Power up. Raises BridgeError where no compiler is there."""
        self._bus = bus
        self._library = _load()
        self._handle = self._library.bench_open(bus.fileno(), profile_hash)
        self._sensed = np.zeros((JOINTS, _SENSED))
        self._command = np.zeros(JOINTS)
        self._state = np.zeros(2, np.int64)
        self._pointers = tuple(ctypes.c_void_p(a.ctypes.data) for a in (self._sensed, self._command, self._state))
        self.state = 0
        self.reason = 0

    def step(self, sample: RigSample, now_ns: int) -> F64:
        """See `Governor`; the array is reused."""
        sensed = self._sensed
        sensed[:, 0], sensed[:, 1], sensed[:, 2] = sample.angle_rad, sample.rate_radps, sample.torque_nm
        sensed[:, 3] = sample.valid
        self._library.bench_step(self._handle, now_ns, *self._pointers)
        self.state, self.reason = int(self._state[0]), int(self._state[1])
        return self._command

    def suffer(self, order: npt.NDArray[Any]) -> None:
        """See `Governor`."""
        if self._library.bench_order(self._handle, order.ctypes.data) != 0:
            raise UserError("the bench's governor suffers sixteen faults already; plan fewer at the same time")

    def close(self) -> None:
        """Free it; closing twice does nothing."""
        if self._handle:
            self._library.bench_close(self._handle)
            self._handle = None


def _load() -> ctypes.CDLL:
    sources = [*sorted(GOVERNOR.glob("*.c")), *(SIMULATOR / name for name in _SHARED), _HERE / "bench_governor.c"]
    folders = [GOVERNOR, SIMULATOR, _HERE]
    path = compile_sources(cache_dir() / "firmware", "bench_governor.so", sources, folders, ["-shared", "-fPIC"])
    library = ctypes.CDLL(str(path))
    library.bench_open.argtypes = [ctypes.c_int, ctypes.c_uint32]
    library.bench_open.restype = ctypes.c_void_p
    library.bench_close.argtypes = [ctypes.c_void_p]
    library.bench_order.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    library.bench_step.argtypes = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    library.bench_step.restype = None
    return library
