"""The simulated firmware inside this process, in lock-step: no message and no other process per step.

The same C as the process of `process.py`; what it saves is two changes of process per millisecond, most of the time of
a run in which nobody computes anything heavy.
"""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from firmware_bridge.errors import BridgeError
from firmware_bridge.simulator.build import GOVERNOR, SIMULATOR, compile_sources
from firmware_bridge.simulator.faults import ORDER_DTYPE, VALUES, Order
from firmware_bridge.simulator.process import KIND_TICK, TRUTH_DTYPE, WEARER_DTYPE

F64 = npt.NDArray[np.float64]


class EmbeddedFirmware:
    """Powers up at once: `bus` is its end of a SOCK_SEQPACKET pair, which stays the caller's; `parameters` the file
    that `PlantParams.write` makes; each step's truth is added to `record` as TRUTH_DTYPE.

    Compiled code may call `step_address` itself with `handle` and the addresses of a WEARER_DTYPE and a TRUTH_DTYPE.
    Raises BridgeError where no compiler is there, or a file cannot be had.
    """

    def __init__(self, cache: Path, bus: socket.socket, parameters: Path, record: Path) -> None:
        self._library = _load(cache)
        self._handle = self._library.embedded_open(bus.fileno(), os.fsencode(parameters), os.fsencode(record))
        if not self._handle:
            raise BridgeError(f"{record}: the simulated firmware cannot begin; its line above says why")
        self._tick = np.zeros(1, WEARER_DTYPE)
        self._tick["kind"] = KIND_TICK
        self._truth = np.zeros(1, TRUTH_DTYPE)

    @property
    def step_address(self) -> int:
        """Of `embedded_step`."""
        return ctypes.cast(self._library.embedded_step, ctypes.c_void_p).value or 0

    @property
    def handle(self) -> int:
        """First argument of `embedded_step`; 0 once closed."""
        return self._handle or 0

    def tick(self, now_ns: int, angle_rad: F64, velocity_radps: F64) -> None:
        """One millisecond at `now_ns` with the wearer's knees [2] there."""
        self._tick["now_ns"], self._tick["angle_rad"], self._tick["velocity_radps"] = now_ns, angle_rad, velocity_radps
        self._library.embedded_step(self._handle, self._tick.ctypes.data, self._truth.ctypes.data)

    def order(self, kind: Order, values: Sequence[float], start_ns: int, duration_ns: int, seed: int) -> None:
        """A fault, from `start_ns` on; `duration_ns` 0: to the end. BridgeError where sixteen hold already."""
        message = np.zeros(1, ORDER_DTYPE)
        message[0] = (kind, start_ns, duration_ns, seed, (*values, *(0.0 for _ in range(VALUES - len(values)))))
        if self._library.embedded_order(self._handle, message.ctypes.data) != 0:
            raise BridgeError("the simulated firmware suffers sixteen faults already; plan fewer at the same time")

    def close(self) -> None:
        """End it and its record; closing twice does nothing. BridgeError where the record could not be written."""
        handle, self._handle = self._handle, None
        if handle and self._library.embedded_close(handle) != 0:
            raise BridgeError("the simulated firmware's record cannot be written; is the disk full?")


def _load(cache: Path) -> ctypes.CDLL:
    sources = [path for path in SIMULATOR.glob("*.c") if path.name not in ("main.c", "daemon.c")]
    sources += GOVERNOR.glob("*.c")
    path = compile_sources(cache, "embedded.so", sorted(sources), [SIMULATOR, GOVERNOR], ["-shared", "-fPIC"])
    library = ctypes.CDLL(str(path))
    pointer = ctypes.c_void_p
    library.embedded_open.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p]
    library.embedded_open.restype = pointer
    library.embedded_order.argtypes = [pointer, pointer]
    library.embedded_step.argtypes = [pointer, pointer, pointer]
    library.embedded_step.restype = None
    library.embedded_close.argtypes = [pointer]
    return library
