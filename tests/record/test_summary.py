"""The summary: latency from the first setpoint of each intent, shares, peaks; strict JSON also of nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_runtime.doubt import CAUSES
from edge_runtime.record import Names, Recorder, TorqueLimits, limit_violations, load, summarize
from edge_runtime.record.names import by_code, count_by_name, is_state, name_of
from edge_runtime.record.summary import tracking
from edge_runtime.record.wire_counts import wire_counts
from edge_runtime.stats import to_json
from edge_runtime.telemetry import CYCLE_FIELDS, estimate_fields
from edge_runtime.types import F64
from tests.record.fake_run import MASS_KG, MUSCLES, NAMES, fake_run, write_run

LIMITS = TorqueLimits(torque_nm=20.0, slew_up_nm_per_s=150.0, slew_down_nm_per_s=600.0)


def cycle_rows(n: int, **columns: F64 | float) -> F64:
    """`n` rows at 1 kHz, all other fields 0."""
    rows = np.zeros((n, len(CYCLE_FIELDS)))
    rows[:, 0] = np.arange(n) * 1e6
    for name, values in columns.items():
        rows[:, CYCLE_FIELDS.index(name)] = values
    return rows


def summary_of(folder: Path, cycles: F64, estimates: F64 | None = None) -> dict[str, Any]:
    with Recorder(folder, (), {}) as recorder:
        recorder.cycles(cycles)
        for row in estimates if estimates is not None else ():
            recorder.estimate(row)
    return summarize(load(folder), NAMES, MASS_KG, LIMITS)


def test_latency_is_from_capture_to_the_end_of_the_first_cycle(tmp_path: Path) -> None:
    cycles = cycle_rows(40, compute_us=250.0)
    cycles[20, CYCLE_FIELDS.index("intent_first")] = 1.0
    cycles[20:, CYCLE_FIELDS.index("intent_capture_ns")] = 10e6
    estimate = np.zeros((1, len(estimate_fields(()))))
    for name, value in (("t_capture_ns", 10e6), ("t_ready_ns", 19e6), ("detector", 1.0)):
        estimate[0, estimate_fields(()).index(name)] = value
    summary = summary_of(tmp_path, cycles, estimate)
    assert summary["capture_to_setpoint_ms"]["n"] == 1
    assert summary["capture_to_setpoint_ms"]["max"] == pytest.approx(10.25)
    assert summary["capture_to_setpoint_without_detector_ms"]["n"] == 0
    assert summary["capture_to_intent_ms"]["p50"] == pytest.approx(9.0)
    assert summary["over_budget_share"] == 0.0


def test_tracking_counts_only_engaged_cycles(tmp_path: Path) -> None:
    wave = 5.0 * np.sin(np.arange(200) / 10.0)
    state = np.where(np.arange(200) < 100, 3.0, 4.0)
    delivered = np.where(state == 4.0, wave + 1.0, 100.0)
    summary = summary_of(
        tmp_path,
        cycle_rows(200, desired_nm_r=wave, knee_nm_r=delivered, governor_state=state, knee_nm_l=np.nan),
    )
    right, left = summary["torque"]["r"], summary["torque"]["l"]
    assert right["delivered_rmse_nm"] == pytest.approx(1.0)
    assert right["delivered_r"] == pytest.approx(1.0)
    assert right["peak_delivered_nm"] == 100.0
    assert left["delivered_rmse_nm"] is None and left["peak_delivered_nm"] is None
    assert summary["state_share"] == {"ARMED": 0.5, "ENGAGED": 0.5}


def test_an_empty_record_sums_up_to_strict_json(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, cycle_rows(0))
    assert summary["capture_to_setpoint_ms"]["n"] == 0
    assert summary["missed_deadlines"] is None and summary["valid_share"] is None
    assert summary["limit_violations"] == 0
    json.loads(to_json(summary), parse_constant=lambda name: 1 / 0)


def test_a_whole_run(tmp_path: Path) -> None:
    record = load(write_run(tmp_path, fake_run(4.0)))
    summary: dict[str, Any] = summarize(record, NAMES, MASS_KG, LIMITS)
    assert summary["limit_violations"] == 0
    assert summary["record"]["clip"] == "demo.mp4" and summary["record"]["complete"] is True
    assert summary["record"]["duration_s"] == pytest.approx(4.0, abs=0.05)
    assert 8.0 < summary["capture_to_setpoint_ms"]["p50"] < 11.0
    assert set(summary["stages_ms"]) == {
        "pose",
        "kinematics",
        "grf",
        "physics",
        "inverse_dynamics",
        "muscle",
        "kcf",
        "assist",
    }
    assert summary["invalid_reasons"] == {"scene cut": 8}
    assert summary["kcf"]["r"]["peak_total_bw"] == pytest.approx(
        summary["kcf"]["r"]["peak_total_n"] / (MASS_KG * 9.80665)
    )
    assert summary["limiter_counts"]["r"]["none"] > 0
    assert [event["code"] for event in summary["events"]] == ["start", "engaged", "cut"]
    assert summary["frames_sent"] == 2 * 3999
    assert summarize(record, NAMES, None)["kcf"]["r"]["peak_total_bw"] is None  # type: ignore[index]
    assert len(record.muscles) == len(MUSCLES)


def test_wire_counts_of_both_ends(tmp_path: Path) -> None:
    run = fake_run(1.0)
    told = {"e2e_lost": (0, 3), "e2e_crc": (1, 2), "governor_crc": (250, 4), "governor_gaps": (0, 0)}
    for name, counts in told.items():
        column = run.cycles[:, CYCLE_FIELDS.index(name)]
        column[:500], column[500:] = counts
    wire = wire_counts(load(write_run(tmp_path / "run", run)))
    assert (wire["host"]["lost"], wire["host"]["crc_errors"]) == (3, 2)
    assert wire["governor"]["crc_errors"] == 260  # a byte that wrapped
    assert wire["governor"]["gaps"] == 0


def test_names() -> None:
    assert name_of(("", "slew"), 0) == "none"
    assert name_of(("a",), 7) == "code 7"
    assert count_by_name(np.array([1.0, np.nan, 1.0, 9.0]), ("a", "b")) == {"b": 2, "code 9": 1}
    assert not is_state(np.array([0.0, 1.0]), ("OFF",), "SAFE").any()
    assert by_code({"SAFE": 3, "OFF": 0, "IDLE": 1}) == ("OFF", "IDLE", "code 2", "SAFE") and by_code({}) == ()
    assert Names(("a",), (), ()).governor_reasons == ()


def test_tracking_of_nothing_and_of_a_constant() -> None:
    assert tracking(np.array([np.nan]), np.array([1.0])) == (None, None)
    assert tracking(np.zeros(5), np.zeros(5)) == (0.0, None)


def violations_of(folder: Path, torque: list[float], period_ms: float = 1.0) -> tuple[int, int, int]:
    rows = cycle_rows(len(torque), limited_nm_l=np.array(torque))
    rows[:, 0] *= period_ms
    with Recorder(folder, (), {}) as recorder:
        recorder.cycles(rows)
    found = limit_violations(load(folder), LIMITS)
    assert found.total == found.torque + found.slew_up + found.slew_down
    return found.torque, found.slew_up, found.slew_down


@pytest.mark.parametrize(
    ("torque", "expected"),
    [
        ([0.0, 0.15, 0.30, 0.0], (0, 0, 0)),
        ([0.0, 0.16], (0, 0, 0)),  # 0.15 Nm and one wire step
        ([0.0, 0.17], (0, 1, 0)),
        ([0.0, -0.17], (0, 1, 0)),
        ([0.61, 0.0], (0, 0, 0)),
        ([0.63, 0.0], (0, 0, 1)),
        ([-0.63, 0.0], (0, 0, 1)),
        ([0.30, -0.07], (0, 0, 0)),  # half the time to fall 0.3 Nm, half to rise 0.075 Nm
        ([0.30, -0.12], (0, 1, 0)),
        ([20.0, 20.0], (0, 0, 0)),
        ([20.02, 20.02], (2, 0, 0)),
        ([-20.02], (1, 0, 0)),
        ([], (0, 0, 0)),
    ],
)
def test_limits_at_their_edges(tmp_path: Path, torque: list[float], expected: tuple[int, int, int]) -> None:
    assert violations_of(tmp_path, torque) == expected


def test_a_missed_cycle_gives_the_step_its_real_time(tmp_path: Path) -> None:
    assert violations_of(tmp_path / "two", [0.0, 0.30], period_ms=2.0) == (0, 0, 0)
    assert violations_of(tmp_path / "half", [0.0, 0.15], period_ms=0.5) == (0, 1, 0)


def test_flags_of_the_muscle_solve_are_counted(tmp_path: Path) -> None:
    fields = estimate_fields(())
    rows = np.zeros((8, len(fields)))
    rows[:, fields.index("t_capture_ns")] = np.arange(8) * 16e6
    rows[:, fields.index("valid")] = 1.0
    rows[:, fields.index("solve_late")] = [1, 0, 1, 1, 1, 0, 1, 0]
    rows[5, fields.index("solve_capped")] = 1.0
    rows[:, fields.index("doubt_cause")] = [0, 0, 0, 0, CAUSES.index("solve_late"), CAUSES.index("solve_capped"), 0, 0]
    rows[4:6, fields.index("doubt_r")] = 1.0
    rows[7, [fields.index(name) for name in ("solve_late", "solve_gradient_nm", "doubt_cause")]] = np.nan
    solve = summary_of(tmp_path, cycle_rows(200), rows)["solve"]
    assert (solve["solved"], solve["late"], solve["late_in_a_row"], solve["capped"]) == (7, 5, 3, 1)
    assert solve["doubt_causes"] == {"solve_late": 1, "solve_capped": 1}
    assert solve["doubt_share"] == {"r": 0.25, "l": 0.0}
