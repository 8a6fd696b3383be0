"""What a run of a scenario came to, and the files it leaves: record, governor's output, result, report."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge_runtime.errors import UserError
from edge_runtime.record.recorder import RECORD_FILE, Recorder
from edge_runtime.stats import to_json
from firmware_bridge.simulator.process import TRUTH_DTYPE
from firmware_bridge.table import DEFAULT_PATH as LIMITS_PATH
from hil.judge import Finding
from hil.scenario import Scenario
from hil.trace import Trace

RESULT_FILE: Final = "result.json"
APPLIED_FILE: Final = "applied.bin"
REPORT_FILE: Final = "report.html"


@dataclass(frozen=True, slots=True)
class Result:
    """One run. `passed`: the verdict is the one the scenario declares. `seconds`: wall time of all of it, `speed`
    virtual over wall time of the simulation alone; `folder`: where its files are, `file` the scenario's."""

    scenario: str
    title: str
    rig: str
    repeat: int
    passed: bool
    verdict: str
    findings: tuple[Finding, ...]
    scores: dict[str, float | None]
    seconds: float
    speed: float | None
    folder: str
    file: str
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def read_result(folder: Path) -> Result:
    """The result in a run's folder. Raises UserError where there is none."""
    path = folder / RESULT_FILE
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return Result(**{**raw, "findings": tuple(Finding(**f) for f in raw["findings"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path}: no result of a scenario ({error}); give a folder of exo-edge hil run") from None


def write_result(result: Result, folder: Path) -> None:
    """Write `RESULT_FILE`. Raises UserError where the folder cannot be written."""
    try:
        (folder / RESULT_FILE).write_text(to_json(result.as_dict()) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror}); pass another --out") from None


def write_record(trace: Trace, scenario: Scenario, file: Path, folder: Path) -> None:
    """Write the record (MCAP) and the governor's output; the same trace gives the same bytes."""
    attachments = {
        "scenario.toml": file.read_bytes(),
        "profile.toml": scenario.profile_path.read_bytes(),
        "limits.toml": LIMITS_PATH.read_bytes(),
    }
    metadata = {"scenario": scenario.name, "rig": scenario.rig, "clock": "virtual"}
    with Recorder(folder, trace.muscles, attachments, metadata) as recorder:
        recorder.cycles(trace.rows[np.isfinite(trace.column("t_ns"))])
        for row in trace.estimates:
            recorder.estimate(row)
        for event in trace.events:
            recorder.event(trace.start_ns + round(event.t_s * 1e9), event.level, event.code, event.text)
        for cuff_map in trace.maps:
            recorder.tissue_map(cuff_map)
        failed = recorder.failed
    if failed:
        raise UserError(failed)
    trace.applied.tofile(folder / APPLIED_FILE)


def read_applied(folder: Path) -> np.ndarray[Any, Any]:
    """The governor's output of a run, TRUTH_DTYPE [n]. Raises UserError where there is none."""
    try:
        return np.fromfile(folder / APPLIED_FILE, TRUTH_DTYPE)
    except OSError as error:
        raise UserError(f"{folder}: no {APPLIED_FILE} ({error.strerror}); give a folder of exo-edge hil run") from None


__all__ = [
    "APPLIED_FILE", "RECORD_FILE", "REPORT_FILE", "RESULT_FILE", "Result", "read_applied", "read_result",
    "write_record", "write_result",
]  # fmt: skip
