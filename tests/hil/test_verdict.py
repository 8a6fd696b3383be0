"""The verdict of the bench: every check can fail, and what was not measured does not pass."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_runtime.record import Record, Recorder, TorqueLimits, load
from edge_runtime.telemetry import CYCLE_FIELDS
from edge_runtime.types import F64
from hil.measures import SafeLimits, measure, times_to_zero_ms
from hil.verdict import BenchLimits, Verdict, verdict

STATES = ("OFF", "IDLE", "READY", "ARMED", "ENGAGED", "DEGRADED", "SAFE")
WIRE = TorqueLimits(torque_nm=20.0, slew_up_nm_per_s=150.0, slew_down_nm_per_s=600.0)
SAFE = SafeLimits(time_to_zero_ms=100.0, zero_nm=0.5, damping_nms_per_rad=2.0)
LIMITS = BenchLimits(WIRE, SAFE, max_rmse_nm=0.8, min_r=0.9, min_transmitted=0.8, max_missed=0, max_safe_entries=1)
N = 3000
SAFE_AT = 2500


def run_columns() -> dict[str, F64 | float]:
    """Engaged with a slow wave, SAFE from cycle 2500 on: the drive lets go within 60 ms."""
    wave = 6.0 * np.sin(np.arange(N) / 200.0)
    ramp = np.clip(1.0 - (np.arange(N) - SAFE_AT) / 60.0, 0.0, 1.0)
    columns: dict[str, F64 | float] = {"governor_state": np.where(np.arange(N) < SAFE_AT, 4.0, 6.0)}
    for side in "rl":
        columns[f"desired_nm_{side}"] = wave
        columns[f"limited_nm_{side}"] = wave * ramp
        columns[f"measured_nm_{side}"] = wave * ramp
        columns[f"knee_nm_{side}"] = 0.9 * wave
    return columns


def record_of(folder: Path, columns: dict[str, F64 | float], closed: bool = True) -> Record:
    size = max((np.size(values) for values in columns.values()), default=0)
    rows = np.zeros((size, len(CYCLE_FIELDS)))
    rows[:, 0] = np.arange(size) * 1e6
    for name, values in columns.items():
        rows[:, CYCLE_FIELDS.index(name)] = values
    recorder = Recorder(folder, (), {})
    recorder.cycles(rows)
    if closed:
        recorder.close()
    else:
        recorder.flush()
    return load(folder)


def failed(found: Verdict) -> list[str]:
    return [check.line.split(":")[0] for check in found.checks if not check.passed]


def test_a_clean_run_passes_and_says_what_it_saw(tmp_path: Path) -> None:
    found = verdict(record_of(tmp_path, run_columns()), LIMITS, STATES)
    assert found.passed, found.lines
    assert len(found.lines) == len(found.checks) == 14
    assert found.measures.tracking[0].transmitted == pytest.approx(0.9)
    assert any("time to zero after SAFE" in line and "at most 100 ms" in line for line in found.lines)


@pytest.mark.parametrize(
    ("column", "at", "value", "check"),
    [
        ("limited_nm_l", 1000, 21.0, "torque on the wire"),
        ("missed", slice(2000, N), 1.0, "missed deadlines"),
        ("knee_nm_r", slice(0, N), 0.0, "torque transmitted r"),
        ("measured_nm_r", slice(SAFE_AT, N), 3.0, "time to zero after SAFE"),
        ("measured_nm_r", N - 1, np.nan, "time to zero after SAFE"),
        ("governor_state", slice(100, 200), 6.0, "entries into SAFE"),
    ],
)
def test_each_fault_fails_its_check(tmp_path: Path, column: str, at: int | slice, value: float, check: str) -> None:
    columns = run_columns()
    values = np.broadcast_to(np.asarray(columns.get(column, 0.0), dtype=np.float64), (N,)).copy()
    values[at] = value
    columns[column] = values
    found = verdict(record_of(tmp_path, columns), LIMITS, STATES)
    assert not found.passed
    assert check in failed(found)


def test_damping_after_the_ramp_counts_as_let_go(tmp_path: Path) -> None:
    columns = run_columns()
    measured = np.where(np.arange(N) < SAFE_AT, 0.0, 3.0)
    columns |= {"measured_nm_r": measured, "measured_nm_l": 0.0, "velocity_radps_r": -1.3}
    record = record_of(tmp_path, columns)
    assert times_to_zero_ms(record, SAFE, STATES) == (0.0,)
    assert times_to_zero_ms(record, replace(SAFE, damping_nms_per_rad=1.0), STATES) == (float("inf"),)


def test_time_to_zero_is_the_last_cycle_that_held_torque(tmp_path: Path) -> None:
    measured = np.zeros(400)
    measured[:150] = 4.0
    measured[170] = 4.0
    state = np.where(np.arange(400) < 100, 4.0, 6.0)
    record = record_of(tmp_path, {"measured_nm_r": measured, "governor_state": state})
    assert times_to_zero_ms(record, SAFE, STATES) == (71.0,)


def test_without_engagement_a_tracking_bound_fails(tmp_path: Path) -> None:
    found = verdict(record_of(tmp_path, {"governor_state": np.zeros(10)}), LIMITS, STATES)
    assert "tracking RMSE r" in failed(found) and "tracking correlation l" in failed(found)
    assert any("not measured" in line for line in found.lines)


def test_an_empty_or_cut_record_proves_nothing(tmp_path: Path) -> None:
    wire_only = BenchLimits(WIRE, SAFE)
    assert failed(verdict(record_of(tmp_path / "empty", {}), wire_only, STATES)) == ["torque loop recorded"]
    cut = record_of(tmp_path / "cut", run_columns(), closed=False)
    assert failed(verdict(cut, wire_only, STATES)) == ["record closed properly"]


def test_measures_of_a_run_that_never_reached_safe(tmp_path: Path) -> None:
    found = measure(record_of(tmp_path, {"limited_nm_r": np.zeros(5)}), WIRE, SAFE, STATES)
    assert found.times_to_zero_ms == ()
    assert found.violations.total == 0 and found.missed == 0
