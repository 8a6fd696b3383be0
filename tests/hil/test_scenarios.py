"""The shipped scenarios: every verdict as declared, twice the same bytes, and what the bench writes about them."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import pytest

from edge_runtime.commands.hil_run import HELP
from hil.compare import compare
from hil.play import play
from hil.results import APPLIED_FILE, RECORD_FILE, REPORT_FILE, read_result
from hil.runner import Job, plan_jobs, run_job, run_jobs
from hil.scenario import FOLDER, find, load_scenario, shipped
from hil.scores import scores
from tests.hil.boxes import require_kernel
from tests.hil.rig_contract import same

QUICK: Final = [path.stem for path in shipped() if "slow" not in load_scenario(path).tags]


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory, assets: dict[str, Path]) -> tuple[dict[str, Any], Path]:
    """What `exo-edge hil run` prints of all but the slow scenarios, those of a minute or with finite elements or
    pictures: `make scenarios` runs these too."""
    from hil.canbox import Time

    require_kernel(Time.VIRTUAL)
    out = tmp_path_factory.mktemp("all")
    command = [sys.executable, "-m", "edge_runtime", "hil", "run", *QUICK, "--jobs", "2", "--json", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1500, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout), out


@pytest.mark.e2e
@pytest.mark.assets
@pytest.mark.uml
@pytest.mark.timeout(1600)
def test_all_verdicts_are_as_declared(everything: tuple[dict[str, Any], Path]) -> None:
    document, _ = everything
    broken = [
        (result["scenario"], result["error"], [f["line"] for f in result["findings"] if not f["passed"]])
        for result in document["results"]
        if not result["passed"]
    ]
    assert document["failed"] == [] and broken == []
    assert document["passed"] == document["scenarios"] == len(QUICK) >= 25
    assert document["limit_violations"] == 0
    assert {"host", "version", "commit", "date", "seconds"} <= document.keys()


@pytest.mark.e2e
@pytest.mark.assets
@pytest.mark.uml
@pytest.mark.timeout(1600)
def test_what_a_run_leaves_behind(everything: tuple[dict[str, Any], Path]) -> None:
    document, _ = everything
    page = Path(document["report"])
    suite = ElementTree.parse(page.with_name("junit.xml")).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == (str(document["scenarios"]), "0", "0")
    assert page.read_text(encoding="utf-8").count("<tr>") > document["scenarios"]
    for result in document["results"]:
        folder = Path(result["folder"])
        text = (folder / REPORT_FILE).read_text(encoding="utf-8")
        assert text.index("Verdict") < text.index("Plots") < text.index("Pressure") < text.index("Events")
        assert (folder / RECORD_FILE).stat().st_size > 10_000
        assert read_result(folder).scenario == result["scenario"]


@pytest.mark.parametrize("name", ["gait_1_2", "bus_loss_10", "encoder_noise", "firmware_bus_cut"])
def test_twice_the_same_is_byte_identical(tmp_path: Path, name: str) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        assert run_job(Job(find([name])[0], "", 0, folder)).passed
    assert same(folders[0] / RECORD_FILE, folders[1] / RECORD_FILE)
    assert same(folders[0] / APPLIED_FILE, folders[1] / APPLIED_FILE)
    channels = compare(*folders)["channels"]
    assert {channel["nrmse_pct"] for channel in channels.values() if channel} == {0.0}


def test_phantom_and_firmware_rig_tell_the_same_story(tmp_path: Path) -> None:
    """Two plants that share no code under one scenario: wishes alike, delivered torque close."""
    for rig in ("phantom-sim", "firmware"):
        assert run_job(Job(find(["gait_0_9"])[0], rig, 0, tmp_path / rig)).passed
    channels = compare(tmp_path / "phantom-sim", tmp_path / "firmware")["channels"]
    assert 0.0 < channels["knee_nm_r"]["nrmse_pct"] < 20.0
    assert channels["knee_rad_r"]["nrmse_pct"] < 5.0


def test_a_control_that_keeps_its_bounds_is_not_as_declared(tmp_path: Path) -> None:
    text = (FOLDER / "torque_ramp.toml").read_text(encoding="utf-8") + '\n[expect]\nverdict = "fail"\n'
    (tmp_path / "control.toml").write_text(text, encoding="utf-8")
    result = run_job(Job(tmp_path / "control.toml", "", 0, tmp_path / "out"))
    assert (result.passed, result.verdict, result.error) == (False, "pass", "")


def test_an_expected_safe_that_does_not_come_fails(tmp_path: Path) -> None:
    text = (FOLDER / "torque_ramp.toml").read_text(encoding="utf-8") + '\n[expect]\nsafe = ["lease"]\n'
    (tmp_path / "calm.toml").write_text(text, encoding="utf-8")
    result = run_job(Job(tmp_path / "calm.toml", "", 0, tmp_path / "out"))
    assert not result.passed
    assert any("never (expected: lease)" in finding.line for finding in result.findings)


def test_a_scenario_that_cannot_run_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("schema = 1\n", encoding="utf-8")
    jobs = plan_jobs([tmp_path / "broken.toml", *find(["torque_ramp"])], "", 1, tmp_path / "out")
    results = {result.scenario: result for result in run_jobs(jobs, 1)}
    assert results["torque_ramp"].passed and not results["broken"].passed
    assert str(tmp_path / "broken.toml") in results["broken"].error


def test_repeats_have_folders_of_their_own(tmp_path: Path) -> None:
    jobs = plan_jobs(find(["torque_ramp", "gait_0_6"]), "", 3, tmp_path)
    assert len({job.folder for job in jobs}) == 6


def test_without_compensation_more_is_lost() -> None:
    scenario = dataclasses.replace(load_scenario(find(["gel_soft"])[0]))
    off = dataclasses.replace(scenario, compensation="off")
    errors = [scores(play(s), s)["rmse_pct"] or 0.0 for s in (off, scenario)]
    assert errors[0] > 1.2 * errors[1]


def test_each_kind_of_fault_that_a_scenario_injects_is_in_a_quick_one() -> None:
    kinds = {path.stem: {fault.kind for fault in load_scenario(path).faults} for path in shipped()}
    pictures = {"camera_black"}  # only pictures show it: tests/e2e/test_faults.py
    assert set().union(*kinds.values()) - pictures == set().union(*(kinds[name] for name in QUICK))


def test_help_says_what_the_command_is_for() -> None:
    assert "as declared" in HELP
