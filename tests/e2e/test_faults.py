"""Faults in whole runs: of camera and engines in lock-step, and by the command into a live run."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from edge_runtime.record.reader import Record, load
from hil.faults.chain import run_chain
from hil.faults.kinds import KINDS
from hil.faults.model import make_fault
from tests.e2e.test_realtime import record_of, run, start, wait_for_torque
from tests.e2e.test_virtual import plan_for

pytestmark = [pytest.mark.e2e, pytest.mark.assets]
AT_S, LASTS_S = 1.7, 0.8
PATIENCE_S = 300.0  # the report of a long run, on a busy machine
nightly = pytest.mark.skipif(os.environ.get("EXO_EDGE_NIGHTLY") != "1", reason="a minute in real time: make nightly")


def strongest(record: Record) -> np.ndarray:
    return np.asarray(np.maximum(np.abs(record.cycles["limited_nm_r"]), np.abs(record.cycles["limited_nm_l"])))


@pytest.mark.parametrize("kind", ["camera_black", "camera_wrong_person", "engine_nan"])
def test_what_cannot_be_believed_gives_no_torque(kind: str, assets: dict[str, Path], tmp_path: Path) -> None:
    plan = plan_for(assets["demo_clip"], tmp_path, passes=1)
    assert run_chain(plan, [make_fault(kind, AT_S, LASTS_S)], tmp_path) is None
    record = load(tmp_path)
    since_s = (record.cycles["t_ns"] - record.estimates["t_capture_ns"][0]) * 1e-9
    before = strongest(record)[(since_s > AT_S - 0.1) & (since_s < AT_S)]
    during = strongest(record)[(since_s > AT_S + 0.15) & (since_s < AT_S + 0.3)]
    assert before.max() > 3.0
    assert during.min() == 0.0
    assert "estimate_invalid" in {event.code for event in record.events}
    assert set(KINDS[kind].reasons) & {event.code for event in record.events}


@nightly
@pytest.mark.timeout(900)
def test_faults_come_into_a_live_run_by_the_command(assets: dict[str, Path], tmp_path: Path) -> None:
    process = start("run", "--passes", "40", "--view", "none", "--out", str(tmp_path))
    wait_for_torque(process, tmp_path)
    (folder,) = tmp_path.iterdir()
    status, out, err = run("fault", "inject", "can_loss", "probability=1", "--run", str(folder), "--seconds", "0.5")
    assert (status, err) == (0, "") and "ordered from the firmware" in out
    status, _, err = run("fault", "inject", "camera_black", "--run", str(folder), "--seconds", "0.5")
    assert (status, err) == (0, "")
    status, _, err = run("fault", "inject", "process_kill", "target=estimator", "--run", str(folder))
    assert (status, err) == (0, "")
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1 and "estimator process ended (status -9)" in err
    record = record_of(tmp_path)
    codes = {event.code for event in record.events}
    assert codes & {"lease", "firmware_lost"} and "estimator_dead" in codes
    assert strongest(record)[-1] == 0.0
    status, _, err = run("fault", "inject", "can_loss", "--run", str(folder))
    assert status == 1 and err.startswith("exo-edge: ") and "is over" in err


@nightly
@pytest.mark.timeout(900)
def test_a_full_disk_ends_the_record_and_not_the_run(assets: dict[str, Path], tmp_path: Path) -> None:
    process = start("run", "--passes", "40", "--view", "none", "--out", str(tmp_path))
    wait_for_torque(process, tmp_path)
    (folder,) = tmp_path.iterdir()
    status, _, err = run("fault", "inject", "disk_full", "--run", str(folder), "--seconds", "3")
    assert (status, err) == (0, "")
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert "record" in err and "Traceback" not in err
    assert load(folder).cycles["t_ns"].size > 0
