"""Orders for the faults that the simulated firmware can suffer: its bus, its encoders, its clock; see faults.h."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Final, Self

import numpy as np

from firmware_bridge.errors import BridgeError

VALUES: Final = 4
_ANSWER_TIMEOUT_S: Final = 1.0
_ANSWERS: Final = ("taken", "refused: sixteen faults hold already; wait until one is over", "refused: out of range")

ORDER_DTYPE: Final = np.dtype(
    [("kind", "<i8"), ("start_ns", "<i8"), ("duration_ns", "<i8"), ("seed", "<u8"), ("value", "<f8", VALUES)]
)
"""`fault_order` of faults.h."""


class Order(IntEnum):
    """What can be ordered, with the meaning of its values; `fault_kind` of faults.h.

    Directions and joints are bits: 1 to the governor, 2 to the host; 1 right, 2 left.
    """

    LOSS = 1  # probability, direction
    DUPLICATE = 2  # probability, direction, copies
    CORRUPT = 3  # probability, direction, bits
    DELAY = 4  # ms, direction, jitter in ms
    BUS_OFF = 5  # 0 the firmware's controller, 1 the host's
    BABBLE = 6  # frames per ms, id
    SWAP = 7  # direction
    ENCODER_OFF = 8  # joints
    ENCODER_STUCK = 9  # joints
    ENCODER_OFFSET = 10  # joints, rad
    ENCODER_NOISE = 11  # joints, standard deviation in rad
    ENCODER_DELAY = 12  # joints, ms
    CLOCK = 13  # ms ahead


class FaultLink:
    """A connection to the simulated firmware's socket for orders. BridgeError where there is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sock.settimeout(_ANSWER_TIMEOUT_S)
        try:
            self._sock.bind(b"")  # a name of the kernel's choice, so that the answer finds us
            self._sock.connect(str(path))
        except OSError as error:
            self._sock.close()
            raise BridgeError(f"{path}: no simulated firmware takes faults there ({error.strerror})") from error

    def order(self, kind: Order, values: Sequence[float], start_ns: int, duration_ns: int, seed: int) -> None:
        """Send one order, taken with the firmware's next step. `start_ns` 0: at once; `duration_ns` 0: to the end."""
        message = np.zeros(1, ORDER_DTYPE)
        padded = (*values, *(0.0 for _ in range(VALUES - len(values))))
        message[0] = (kind, start_ns, duration_ns, seed, padded)
        try:
            self._sock.send(message.tobytes())
        except OSError as error:
            raise BridgeError(
                f"{self._path}: the simulated firmware has ended ({os.strerror(error.errno or 0)})"
            ) from error

    def confirm(self) -> None:
        """Wait for the answer to one order; BridgeError where it was not taken. In lock-step a step must come first."""
        try:
            answer = self._sock.recv(1)[0]
        except TimeoutError:
            raise BridgeError(f"{self._path}: the simulated firmware does not answer; is it stopped?") from None
        if answer != 0:
            raise BridgeError(f"{self._path}: {_ANSWERS[answer]}")

    def close(self) -> None:
        """Close the link; orders stay in force."""
        self._sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.close()
