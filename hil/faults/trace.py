"""What an episode left behind: the governor's output of every step, the loop's rows, the events."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from edge_runtime.telemetry import CYCLE_FIELDS
from edge_runtime.types import F64

_COLUMN: Final = {name: i for i, name in enumerate(CYCLE_FIELDS)}


class Event(NamedTuple):
    """One event of the host or the governor; `at_s` since the firmware was armed."""

    at_s: float
    level: str
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Trace:
    """Times count from the moment the firmware was armed, without the leaps of any clock.

    `applied` TRUTH_DTYPE [n], `applied_s` [n]: each step of the governor; `rows` [m, CYCLE_FIELDS], `rows_s` [m]: each
    cycle of the loop; `hang`: why the run did not come to its end, "" where it did.
    """

    applied: npt.NDArray[Any]
    applied_s: F64
    rows: F64
    rows_s: F64
    events: tuple[Event, ...]
    hang: str

    def column(self, name: str) -> F64:
        """One column of the loop's rows [m]."""
        return np.asarray(self.rows[:, _COLUMN[name]])

    @property
    def digest(self) -> str:
        """SHA-256 of the governor's output: the same episode gives the same, bit by bit."""
        return hashlib.sha256(self.applied.tobytes()).hexdigest()
