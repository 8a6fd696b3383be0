"""The torque loop as the benchmark runs it: really engaged, really full cycles, for two joints and for four."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from edge_runtime import accept
from edge_runtime.benchmarks import compute, our_loop
from edge_runtime.benchmarks.load import Load, loaded
from edge_runtime.benchmarks.loop import LoopBench, run_slices, summarise
from edge_runtime.benchmarks.slices import Slice, Slot
from edge_runtime.benchmarks.variants import VARIANTS, Variant
from edge_runtime.commands import accept as accept_command
from edge_runtime.commands import bench_loop
from edge_runtime.envelope import Facts, Verdict
from edge_runtime.errors import UserError
from edge_runtime.rt.rights import Right
from edge_runtime.telemetry import CYCLE_FIELDS

ORDINARY = Slot(core=min(os.sched_getaffinity(0)), priority=0)


@pytest.mark.e2e
def test_a_slice_of_the_live_loop() -> None:
    found = our_loop.run(ORDINARY, 0.3)
    assert len(found.late_us) == len(found.compute_us) == 300
    assert (found.compute_us > 0.0).all()
    assert found.periods == pytest.approx(299 + found.missed)
    assert found.span_s == pytest.approx(found.periods * 1e-3, abs=0.02)


@pytest.mark.e2e
def test_a_cycle_is_timed_for_two_and_for_four_joints() -> None:
    times = compute.run(ORDINARY, 50)
    assert {name: len(values) for name, values in times.items()} == {"joints_2": 50, "joints_4": 50}
    assert all((values > 1.0).all() for values in times.values())


def test_four_joints_are_knees_and_hips_with_ids_of_their_own() -> None:
    four = compute.tables()["joints_4"]
    ids = [code for message in four.messages.values() for code in message.can_id.values()]
    assert list(four.joints) == ["knee_r", "knee_l", "hip_r", "hip_l"]
    assert len(set(ids)) == len(ids)


def test_columns_of_a_slice() -> None:
    rows = np.zeros((3, len(CYCLE_FIELDS)))
    for name, values in {"t_ns": (0, 1e6, 4e6), "cycle": (7, 8, 9), "missed": (2, 2, 4), "wake_us": (5, 6, 7)}.items():
        rows[:, CYCLE_FIELDS.index(name)] = values
    found = our_loop.slice_of(rows[:, our_loop.KEPT])
    assert (found.missed, found.periods, found.span_s) == (2, 4, 0.004)
    assert found.late_us.tolist() == [5.0, 6.0, 7.0]


def _fake(late_us: float) -> Variant:
    return Variant(lambda slot, seconds: Slice(np.full(10, late_us), 0, 0.01, 10), "made up")


def test_a_peer_that_fails_or_is_absent_is_skipped_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(slot: Slot, seconds: float) -> Slice:
        raise UserError("no rights")

    monkeypatch.setitem(VARIANTS, "ours", _fake(10.0))
    monkeypatch.setitem(VARIANTS, "cyclictest", _fake(8.0))
    monkeypatch.setitem(VARIANTS, "python_busy", Variant(fails, "made up"))
    monkeypatch.setitem(VARIANTS, "opensourceleg_phase", Variant(fails, "made up", lambda: "not installed"))
    names = ["ours", "cyclictest", "python_busy", "opensourceleg_phase"]
    slices, skipped = run_slices(LoopBench(ORDINARY, names, 1.0, (), 1, 1, 1), lambda what, part: None)
    assert skipped == {"python_busy": "no rights", "opensourceleg_phase": "not installed"}
    assert {name: len(found) for name, found in slices.items()} == {"ours": 6, "cyclictest": 6}
    assert summarise(slices)["ratio_to_cyclictest"] == {
        "ours": pytest.approx(dict.fromkeys(("p50", "p90", "p99", "p99_9"), 1.25))
    }


def test_our_own_failure_is_not_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(slot: Slot, seconds: float) -> Slice:
        raise UserError("the torque loop ended")

    monkeypatch.setitem(VARIANTS, "ours", Variant(fails, "made up"))
    with pytest.raises(UserError, match="the torque loop ended"):
        run_slices(LoopBench(ORDINARY, ["ours"], 1.0, (), 1, 1, 1), lambda what, part: None)


def test_load_runs_while_the_block_does_and_ends_with_it(tmp_path: Path) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with loaded([Load.DISK, Load.NETWORK, Load.GPU], tmp_path) as said:
        time.sleep(0.5)
        hogs = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
        assert len(hogs) >= 2
    assert set(said) == {"disk", "network", "gpu"}
    assert not any(
        hog.is_running() and hog.status() != psutil.STATUS_ZOMBIE for hog in hogs if "spawn_main" in _line(hog)
    )


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


MAILBOX = {"torn": 0, "backwards": 0, "readers_starved": 0, "reads": 10, "fresh": 5, "broken_caught": True}


@pytest.mark.parametrize("key", ["torn", "backwards", "readers_starved"])
def test_one_fault_of_the_mailbox_is_enough(key: str) -> None:
    assert accept.mailbox_sound(MAILBOX)
    assert not accept.mailbox_sound(MAILBOX | {key: 1})


@pytest.mark.parametrize("blind", [{"broken_caught": False}, {"reads": 0}, {"fresh": 1}])
def test_a_torture_that_cannot_tell_counts_as_a_fault(blind: dict[str, int]) -> None:
    assert not accept.mailbox_sound(MAILBOX | blind)


def test_what_accept_prints_ends_with_the_verdict() -> None:
    wake = {"n": 1000, "p50": 5.0, "p90": 6.0, "p99": 9.0, "p99_9": 30.0, "max": 300.0}
    figures = {
        "wake_us": wake, "missed": 0, "mailbox": MAILBOX, "mailbox_sound": True, "load": {"gpu": "not loaded: none"},
        "rights_missing": Right(0).words(),
    }  # fmt: skip
    found = accept.conclude(figures, 10.0, Facts("cpu", 2, "6.1", "0.1.0", "ab"))
    lines = accept_command.lines(found.document | {"envelope": "envelope.json"})
    assert lines[-1] == found.envelope.verdict.value == "MARGINAL"
    assert any("latest wake-up at 300 us, 250 us allowed" in line for line in lines)
    assert accept.exit_status(Verdict.PASS) == 0
    assert accept.exit_status(Verdict.MARGINAL) == accept.exit_status(Verdict.FAIL) == 1


def test_what_bench_loop_prints_names_what_was_skipped() -> None:
    q = {"n": 10, "p50": 1.0, "p90": 2.0, "p99": 3.0, "p99_9": 4.0, "max": 5.0}
    result = {
        "variants": {"ours": {"wake_us": q, "missed": 1}}, "cycle_compute_us": {"joints_2": q}, "rate_error": 1e-6,
        "ratio_to_cyclictest": {}, "ratio_to_cyclictest_busy": {}, "slices": 6, "rights_missing": "locked memory",
        "mailbox": {"reads": 1, "torn": 0, "broken_caught": True}, "skipped": {"cyclictest": "not installed"},
        "kills": {"sigkill": 1, "sigstop": 1, "zero_in_time": 2, "worst_ms": 60.0, "bound_ms": 81.0},
    }  # fmt: skip
    text = "\n".join(bench_loop.lines(result))
    assert "skipped cyclictest: not installed" in text
    assert "without locked memory" in text
