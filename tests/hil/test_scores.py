"""Measures on traces made by hand, whose answers are known without the bench."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path

import numpy as np
import pytest

from edge_runtime.errors import UserError
from edge_runtime.telemetry import CYCLE_FIELDS
from firmware_bridge.simulator.process import TRUTH_DTYPE
from firmware_bridge.table import STATES
from hil.compare import compare
from hil.faults.model import make_fault
from hil.judge import as_declared, judge
from hil.runner import Job, run_job
from hil.scenario import Bound, Expect, Scenario, find
from hil.scores import scores
from hil.trace import Trace
from tests.hil.rig_contract import scenario

SECONDS = 4.0
STEPS = 5000


def trace(delivered_share: float = 0.9, late_ms: int = 0) -> Trace:
    """Desired is a sine of 5 Nm, delivered a share of it, some ms later; ENGAGED all the time."""
    t_s = np.asarray(np.arange(STEPS, dtype=np.float64) * 1e-3 - 0.5)
    rows = np.zeros((STEPS, len(CYCLE_FIELDS)))
    applied = np.zeros(STEPS, TRUTH_DTYPE)
    applied["now_ns"] = np.round((t_s + 2.0) * 1e9)
    applied["state"] = rows[:, CYCLE_FIELDS.index("governor_state")] = STATES["ENGAGED"]
    rows[:, CYCLE_FIELDS.index("t_ns")] = applied["now_ns"]
    for i, side in enumerate("rl"):
        desired = 5.0 * np.sin(2.0 * np.pi * t_s)
        rows[:, CYCLE_FIELDS.index(f"desired_nm_{side}")] = desired
        rows[:, CYCLE_FIELDS.index(f"limited_nm_{side}")] = desired
        knee = delivered_share * np.roll(desired, late_ms)
        rows[:, CYCLE_FIELDS.index(f"knee_nm_{side}")] = applied["knee_nm"][:, i] = knee
        applied["command_nm"][:, i] = np.round(desired, 2)
    return Trace(t_s, rows, applied, np.full(STEPS, np.nan))


def wanted(**changes: object) -> Scenario:
    return scenario(**changes)


def test_a_share_of_the_torque_is_that_transmission_and_error() -> None:
    found = scores(trace(0.9), wanted())
    assert found["transmission"] == pytest.approx(0.9)
    assert found["rmse_pct"] == pytest.approx(10.0 / math.sqrt(2.0), rel=0.05)
    assert found["r"] == pytest.approx(1.0)
    assert found["phase_lag"] == 0.0
    assert found["peak_desired"] == pytest.approx(5.0)
    assert found["availability"] == 1.0
    assert found["peak_pressure"] is None


@pytest.mark.parametrize("late_ms", [0, 7, 40])
def test_a_delay_is_told_in_ms(late_ms: int) -> None:
    assert scores(trace(1.0, late_ms), wanted())["phase_lag"] == late_ms


def test_time_to_zero_counts_from_the_fault_to_torque_that_stays_away() -> None:
    run = trace()
    run.faults = [make_fault("can_loss", 1.0, 1.0)]
    run.applied["command_nm"][1500 + 60 :] = 0.0
    assert scores(run, wanted())["time_to_zero"] == pytest.approx(60.0, abs=1.0)
    run.applied["command_nm"][1500 + 100 :] = 1.0  # it came back within a tenth of a second, and stayed
    assert scores(run, wanted())["time_to_zero"] == math.inf


def test_damping_in_safe_is_no_torque_but_a_torque_on_a_still_joint_is() -> None:
    run = trace()
    run.faults = [make_fault("can_loss", 1.0, 1.0)]
    run.applied["state"][1500:] = STATES["SAFE"]
    run.applied["hinge_rad"][:, 0] = 2.0 * run.t_s  # 2 rad/s: damping of up to 0.6 Nm
    run.applied["command_nm"][1550:] = (-0.5, 0.0)
    found = scores(run, wanted())
    assert found["time_to_zero"] == pytest.approx(50.0, abs=1.0)
    assert found["safe_power"] == pytest.approx(-1.0, abs=0.05) or found["safe_power"] == 0.0
    run.applied["command_nm"][1550:] = (0.0, 0.5)  # the left one stands still
    assert scores(run, wanted())["time_to_zero"] == math.inf


def test_power_put_into_a_joint_in_safe_is_told() -> None:
    run = trace()
    run.applied["state"][1500:] = STATES["SAFE"]
    run.applied["hinge_rad"][:, 0] = 2.0 * run.t_s
    run.applied["command_nm"][1500:] = (0.6, 0.0)
    assert scores(run, wanted())["safe_power"] == pytest.approx(1.2, abs=0.05)


def test_a_step_of_the_command_is_a_violation_and_fails_any_verdict() -> None:
    run = trace()
    run.applied["command_nm"][2000:, 0] += 8.0
    found = scores(run, wanted())
    assert (found["violations"] or 0.0) > 0.0
    for verdict in ("pass", "fail"):
        declared = wanted(expect=Expect(verdict))
        assert not as_declared(judge(run, declared, found), declared)


def test_bounds_hold_at_their_edge_and_not_past_it() -> None:
    run, found = trace(), scores(trace(), wanted())
    value = found["transmission"]
    assert value is not None
    for bound, kept in (
        (Bound("transmission", "1", min=value), True),
        (Bound("transmission", "1", max=value), True),
        (Bound("transmission", "1", min=value + 1e-9), False),
        (Bound("transmission", "1", max=value - 1e-9), False),
        (Bound("peak_pressure", "kPa", max=1e9), False),  # not measured is not kept
    ):
        declared = wanted(measure=(bound,), expect=Expect())
        assert as_declared(judge(run, declared, found), declared) is kept


def test_runs_of_two_scenarios_are_not_compared(tmp_path: Path) -> None:
    for name in ("torque_ramp", "gel_medium"):
        assert run_job(Job(find([name])[0], "", 0, tmp_path / name)).passed
    with pytest.raises(UserError, match=r"torque_ramp.*gel_medium"):
        compare(tmp_path / "torque_ramp", tmp_path / "gel_medium")


def test_openhtf_gets_every_measure(tmp_path: Path) -> None:
    if importlib.util.find_spec("openhtf") is None:
        pytest.skip("openhtf, an optional extra, is not installed: pip install 'exo-edge[openhtf]'")
    from hil.openhtf_record import write_openhtf

    result = run_job(Job(find(["torque_ramp"])[0], "", 0, tmp_path / "run"))
    (path,) = write_openhtf([result])
    record = json.loads(path.read_text(encoding="utf-8"))
    assert (record["outcome"], record["dut_id"]) == ("PASS", "torque_ramp")
    told = {name for phase in record["phases"] for name in phase["measurements"]}
    assert {"as_declared", "rmse_pct", "transmission"} <= told
