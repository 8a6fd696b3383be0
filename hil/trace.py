"""What one run of a scenario left in memory: the loop's rows, what the governor applied, what the rig showed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_runtime.telemetry import CYCLE_FIELDS
from edge_runtime.tissue.rows import CuffMap
from edge_runtime.types import F64, SIDES
from hil.faults.model import Fault
from hil.rigs.base import JOINTS

_COLUMN: Final = {name: i for i, name in enumerate(CYCLE_FIELDS)}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that host or bench said at `t_s` of the scenario."""

    t_s: float
    level: str
    code: str
    text: str


@dataclass(slots=True)
class Trace:
    """One run at 1 kHz; all arrays [T] along the same time axis `t_s`, 0 at the scenario's begin.

    `rows` [T, CYCLE_FIELDS] of the torque loop; `applied` TRUTH_DTYPE [T] of governor and rig; `pressure_pa` [T]
    under the right cuffs. `sim_s`: wall time of the simulation alone. `start_ns`: the clock at `t_s` = 0.
    """

    t_s: F64
    rows: F64
    applied: npt.NDArray[Any]
    pressure_pa: F64
    events: list[Event] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    estimates: list[F64] = field(default_factory=list)
    maps: list[CuffMap] = field(default_factory=list)
    muscles: tuple[str, ...] = ()
    problem: str = ""
    sim_s: float = 0.0
    start_ns: int = 0

    def column(self, name: str, side: int | None = None) -> F64:
        """A column of the loop's rows [T]; of a leg where `side` is given."""
        full = name if side is None else f"{name}_{SIDES[side]}"
        return self.rows[:, _COLUMN[full]]

    def both(self, name: str) -> F64:
        """A column of both legs [T, JOINTS]."""
        return np.stack([self.column(name, side) for side in range(JOINTS)], axis=1)

    def between(self, from_s: float, to_s: float) -> slice:
        """Part of the time axis."""
        first, last = np.searchsorted(self.t_s, (from_s, to_s)).tolist()
        return slice(first, last)
