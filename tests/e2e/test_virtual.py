"""The whole chain in lock-step on real video, with the compiled firmware process: deterministic and within limits."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from calibration.profile import load_profile
from edge_runtime.assembly import make_firmware
from edge_runtime.camera import ClipSpec
from edge_runtime.commands.options import DEMO_PROFILE
from edge_runtime.config import DEFAULT_PATH, load_device
from edge_runtime.plan import Plan
from edge_runtime.record.reader import Record, load
from edge_runtime.run import Clock, Outcome, View, execute, torque_limits
from firmware_bridge.simulator.process import FirmwareProcess, Pace
from firmware_bridge.table import STATES, TABLE
from hil.measures import SafeLimits
from hil.verdict import BenchLimits, verdict

pytestmark = [pytest.mark.e2e, pytest.mark.assets]


def plan_for(clip: Path, out: Path, passes: int) -> Plan:
    return Plan(
        clip=ClipSpec.demo(clip),
        passes=passes,
        profile=load_profile(DEMO_PROFILE),
        profile_path=DEMO_PROFILE,
        device=load_device(),
        device_path=DEFAULT_PATH,
        out=out,
    )


@pytest.fixture(scope="module")
def outcome(assets: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    plan = plan_for(assets["demo_clip"], tmp_path_factory.mktemp("first"), passes=2)
    return execute(plan, Clock.VIRTUAL, View.NONE)


@pytest.fixture(scope="module")
def record(outcome: Outcome) -> Record:
    return load(outcome.folder)


def test_two_runs_give_identical_records(outcome: Outcome, assets: dict[str, Path], tmp_path: Path) -> None:
    again = execute(plan_for(assets["demo_clip"], tmp_path, passes=2), Clock.VIRTUAL, View.NONE)
    first, second = ((o.folder / "record.mcap").read_bytes() for o in (outcome, again))
    assert len(first) > 100_000
    assert first == second


def test_it_assists_and_never_trips(record: Record) -> None:
    states = record.cycles["governor_state"]
    assert np.mean(states == STATES["ENGAGED"]) > 0.5
    assert not (states == STATES["SAFE"]).any()
    assert np.abs(record.cycles["limited_nm_r"]).max() > 2.0
    assert np.abs(record.cycles["knee_nm_r"]).max() > 2.0
    assert record.cycles["limited_nm_l"][-1] == 0.0


def test_the_bench_passes_it(record: Record) -> None:
    safe = SafeLimits(TABLE.safe.ramp_ms + 20.0, 0.5)
    limits = BenchLimits(torque_limits(), safe, min_r=0.5, max_missed=0, max_safe_entries=0)
    result = verdict(record, limits, tuple(STATES))
    assert result.passed, "\n".join(result.lines)


def test_setpoints_act_at_the_constant_latency(record: Record) -> None:
    cycles = record.cycles
    first = cycles["intent_first"] == 1.0
    acts_ms = (cycles["t_ns"][first] - cycles["intent_capture_ns"][first]) / 1e6 + load_device().actuator_delay_ms
    assert np.abs(acts_ms - TABLE.age.latency_ms).max() <= 0.5


def test_the_estimates_are_those_of_a_walking_person(record: Record) -> None:
    e = record.estimates
    valid = e["valid"] == 1.0
    knee = np.degrees(e["knee_angle_l"][valid])
    vertical_bw = (e["grf_y_r"] + e["grf_y_l"])[valid] / (55.0 * 9.80665)
    assert 50.0 < knee.max() < 95.0
    assert -12.0 < knee.min() < 15.0
    assert 0.8 < np.mean(vertical_bw) < 1.2
    assert 1.5 < np.nanmax(e["kcf_total_n_l"]) / (55.0 * 9.80665) < 7.0


def test_the_report_and_the_summary_are_whole(outcome: Outcome) -> None:
    page = (outcome.folder / "report.html").read_text(encoding="utf-8")
    summary = json.loads((outcome.folder / "summary.json").read_text(encoding="utf-8"))
    assert page.startswith("<!doctype html>")
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert summary["limit_violations"] == 0
    assert summary["frames"] == 200


def test_another_profile_in_the_firmware_refuses_to_arm(assets: dict[str, Path], tmp_path: Path) -> None:
    """Host and firmware with different profiles: named, and never armed."""
    plan = plan_for(assets["demo_clip"], tmp_path, passes=1)
    other = dataclasses.replace(plan.profile, id="somebody-else")

    def wrong(wanted: Plan, pace: Pace, folder: Path) -> FirmwareProcess:
        return make_firmware(dataclasses.replace(wanted, profile=other), pace, folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edge_runtime.lockstep_run.make_firmware", wrong)
        result = execute(plan, Clock.VIRTUAL, View.NONE)
    assert result.problem is not None
    record = load(result.folder)
    assert not record.cycles["limited_nm_r"].any()
    (refusal,) = [e.text for e in record.events if e.code == "handshake_refused"]
    ours, theirs = (f"0x{profile.hash32:08X}" for profile in (plan.profile, other))
    assert f"profile of host and firmware differ, host {ours}, firmware {theirs}" in refusal
    assert f"host {ours}, firmware {theirs}" in result.problem
