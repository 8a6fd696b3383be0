"""Bugs planted in the firmware and the host, one at a time: a scenario calls each out. `planted.py` plants in files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_runtime.assist import AssistPolicy
from edge_runtime.states import Flags
from edge_runtime.supervisor import Supervisor
from firmware_bridge.simulator.build import GOVERNOR
from hil.results import Result
from hil.runner import Job, run_job
from hil.scenario import find
from tests.hil.planted import BUGS, Bug

FIRMWARE = [bug for bug in BUGS if bug.file.endswith(".c")]


def outcome(name: str, folder: Path) -> Result:
    return run_job(Job(find([name])[0], "", 0, folder))


@pytest.mark.parametrize("bug", FIRMWARE, ids=lambda bug: bug.name)
def test_a_bug_in_the_governor_is_seen(bug: Bug, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "governor"
    shutil.copytree(GOVERNOR, copy)
    file = copy / Path(bug.file).name
    text = file.read_text(encoding="utf-8")
    assert text.count(bug.old) == 1
    file.write_text(text.replace(bug.old, bug.new), encoding="utf-8")
    monkeypatch.setattr("hil.governor.library.GOVERNOR", copy)
    results = [outcome(name, tmp_path / name) for name in bug.scenarios]
    assert not all(result.passed for result in results)
    assert all(result.error == "" for result in results)


def _turned(monkeypatch: pytest.MonkeyPatch) -> None:
    good = AssistPolicy._trajectory
    monkeypatch.setattr(AssistPolicy, "_trajectory", lambda self, dt_s: -good(self, dt_s))


def _late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hil.intents.LATENCY_NS", 33_200_000)


def _blind(monkeypatch: pytest.MonkeyPatch) -> None:
    good = Supervisor._flags

    def flags(self: Supervisor, now_ns: int) -> Flags:
        import dataclasses

        return dataclasses.replace(good(self, now_ns), estimate_invalid=False)

    monkeypatch.setattr(Supervisor, "_flags", flags)


@pytest.mark.parametrize(
    ("plant", "scenario"),
    [(_turned, "gait_1_2"), (_late, "gait_1_2"), (_blind, "camera_stall")],
    ids=["sign of the assistance", "latency twice as long", "supervisor blind for estimates"],
)
def test_a_bug_in_the_host_is_seen(
    plant: Callable[[pytest.MonkeyPatch], None], scenario: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    result = outcome(scenario, tmp_path / "run")
    assert result.error == "" and not result.passed


def test_without_a_bug_they_are_as_declared(tmp_path: Path) -> None:
    for name in sorted({scenario for bug in FIRMWARE for scenario in bug.scenarios}):
        assert outcome(name, tmp_path / name).passed, name
