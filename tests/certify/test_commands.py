"""The commands as a new user types them: what they print, what they say when something is missing or broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.certify import build as building
from edge_runtime.cli import main
from engines.plans import stored
from tests.certify.conftest import ZOO
from tests.certify.test_build import SOON_MS, Bench

QUICK = ["--seconds", "0.1", "--idle", "0.05"]


@pytest.fixture(autouse=True)
def compiled_already(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code cache of the tests is in use: a command run in this process need not choose one."""
    monkeypatch.setattr("edge_runtime.cli.use_code_cache", lambda cache: None)


def printed(capsys: pytest.CaptureFixture[str], *line: str) -> tuple[int, dict[str, Any]]:
    status = main([*line, "--json"])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert {"host", "version", "commit", "date"} <= document.keys()
    return status, document


def test_verify_prints_the_parity_of_every_plan(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, found = printed(capsys, "engines", "verify")
    assert status == 0 and found["passed"]
    for engine in ZOO:
        assert found["engines"][engine]["backends"]["ort_cpu fp32"]["rel_err"] <= 1e-4
    assert main(["engines", "verify", "grf_gait"]) == 0
    out = capsys.readouterr().out
    assert "force_pct_bw" in out and "all keep their terms" in out and "inpaint" not in out


def test_bench_prints_what_the_benchmark_table_asks(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, found = printed(capsys, "engines", "bench", "grf_gait", *QUICK)
    assert status == 0
    engine = found["engines"]["grf_gait"]
    row = engine["backends"]["ort_cpu fp32"]
    assert {"n", "p50", "p90", "p99", "p99_9", "max"} == row["latency_ms"].keys()
    assert row["rel_err"] <= 1e-4 and row["first_after_idle_ms"] > 0.0
    assert row["overhead_us"] < 20.0 and row["allocations"]["held_bytes"] == 0
    assert engine["chosen"] is None and engine["certificate"]["reason"] == "certificate_missing"
    assert "rtx_build" in found


def test_build_certifies_once_and_then_has_nothing_to_do(
    cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(monkeypatch)
    bench.in_situ_ms = {"ort_cpu": SOON_MS, "other": SOON_MS}
    status, found = printed(capsys, "engines", "build", *QUICK)
    assert status == 0 and found["trusted"] and sorted(found["built"]) == sorted(ZOO)
    status, found = printed(capsys, "engines", "build", *QUICK)
    assert status == 0 and found["built"] == []
    assert main(["engines", "list"]) == 0
    assert "grf_gait: certified" in capsys.readouterr().out
    status, found = printed(capsys, "engines", "clean")
    assert status == 0 and found["removed"] == []
    status, found = printed(capsys, "engines", "clean", "--all")
    assert len(found["removed"]) == 2 * len(ZOO) and stored() == []


def test_an_engine_over_its_budget_is_status_1(
    cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Bench(monkeypatch).in_situ_ms = {"ort_cpu": 50.0, "other": 50.0}
    monkeypatch.setattr(building, "in_situ", lambda openers, pose, seconds: {n: 50.0 + _zeros() for n in openers})
    assert main(["engines", "build", *QUICK]) == 1
    assert "NOT trusted" in capsys.readouterr().out


def _zeros() -> Any:
    import numpy as np

    return np.zeros(5)


def test_an_unknown_engine_is_named_with_those_that_are_known(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engines", "verify", "nose"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"exo-edge: no engine 'nose': known are {', '.join(ZOO)}") and said.count("\n") == 1


def test_a_folder_without_data_is_one_line(cache: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["engines", "build", "--data", str(tmp_path / "none"), *QUICK]) == 1
    said = capsys.readouterr().err
    assert "none" in said and said.count("\n") == 1


@pytest.mark.parametrize("command", ["verify", "bench", "build"])
def test_before_the_fetch_every_command_says_to_fetch(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EXO_EDGE_CACHE", str(tmp_path))
    assert main(["engines", command]) == 1
    said = capsys.readouterr()
    assert "exo-edge fetch" in said.err + said.out and "Traceback" not in said.err


def test_a_stop_in_the_middle_is_one_line(
    cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(building, "prove", stopped)
    assert main(["engines", "build", *QUICK]) == 1
    assert capsys.readouterr().err.strip().endswith("exo-edge: stopped")


def test_before_the_fetch_the_list_and_the_doctor_still_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EXO_EDGE_CACHE", str(tmp_path))
    for line in (["engines", "list"], ["engines", "clean"], ["doctor"], ["check"]):
        assert main(line) == 0
    assert "pose_landmark: not fetched: run exo-edge fetch" in capsys.readouterr().out
