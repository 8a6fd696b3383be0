"""The raw files that a run of `exo-edge hil loop` leaves, read back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_runtime.errors import UserError
from edge_runtime.types import F64
from firmware_bridge.simulator.process import TRUTH_DTYPE
from hil.loop_run import APPLIED_FILE, CYCLES_FILE, FRAMES_FILE, SUMMARY_FILE
from hil.tap import TAP_DTYPE


@dataclass(frozen=True, slots=True)
class LoopRecord:
    """`cycles`: the loop's rows [n, columns], named in summary["columns"]; `applied` TRUTH_DTYPE, one per step of the
    governor; `frames` TAP_DTYPE, everything on the interface as host and governor got it."""

    summary: dict[str, Any]
    cycles: F64
    applied: npt.NDArray[Any]
    frames: npt.NDArray[Any]

    def column(self, name: str) -> F64:
        """One column of the loop's rows [n]."""
        return np.asarray(self.cycles[:, self.summary["columns"].index(name)])


def load_run(folder: Path) -> LoopRecord:
    """Read a run's folder. Raises UserError where it is not one, or not complete."""
    try:
        summary = json.loads((folder / SUMMARY_FILE).read_text(encoding="utf-8"))
        return LoopRecord(
            summary=summary,
            cycles=np.fromfile(folder / CYCLES_FILE).reshape(-1, len(summary["columns"])),
            applied=np.fromfile(folder / APPLIED_FILE, TRUTH_DTYPE),
            frames=np.fromfile(folder / FRAMES_FILE, TAP_DTYPE),
        )
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{folder}: not the complete files of a loop run ({error})") from error
