"""Torque loop and governor process over real CAN sockets in virtual time: exact, and identical from run to run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from firmware_bridge.table import STATES, TABLE
from hil.loop_record import LoopRecord, load_run
from hil.loop_run import APPLIED_FILE, CYCLES_FILE, FRAMES_FILE, SUMMARY_FILE
from hil.output_check import check_output
from hil.wire_count import count
from tests.hil.boxes import compiled, loop_runs, states_seen

pytestmark = [pytest.mark.uml, pytest.mark.usefixtures("compiled")]
__all__ = ["compiled"]
SECONDS = 60
SETTLED_NS = 20_000_000  # the first cycles come while the other process still starts
IDS = {"JOINT_STATE r": 0x180, "JOINT_STATE l": 0x181, "GOVERNOR_STATE": 0x200}
HOST_IDS = {"TORQUE_SETPOINT r": 0x100, "TORQUE_SETPOINT l": 0x101, "HOST_STATE": 0x201}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of the same thing."""
    folder = tmp_path_factory.mktemp("virtual")
    loop_runs(folder, SECONDS, ["", ""])
    return folder


@pytest.fixture(scope="module")
def record(folder: Path) -> LoopRecord:
    return load_run(folder / "0")


@pytest.mark.parametrize("name", [CYCLES_FILE, APPLIED_FILE, FRAMES_FILE, SUMMARY_FILE])
def test_two_runs_are_byte_identical(folder: Path, name: str) -> None:
    first, second = ((folder / run / name).read_bytes() for run in ("0", "1"))
    assert len(first) > 1_000
    assert first == second


def test_sixty_seconds_are_sixty_thousand_cycles(record: LoopRecord) -> None:
    t_ns = record.column("t_ns")
    begin = t_ns[t_ns >= t_ns[0] + SETTLED_NS][0] - 500_000
    assert int(((t_ns >= begin) & (t_ns < begin + SECONDS * 1e9)).sum()) == SECONDS * 1000
    assert record.column("missed")[-1] == 0
    assert record.summary["lost_rows"] == 0


def test_every_frame_arrives_in_order(record: LoopRecord) -> None:
    for can_id in (*IDS.values(), *HOST_IDS.values()):
        seen = count(record.frames, can_id)
        assert seen.accepted > SECONDS * 50 and (seen.length, seen.crc, seen.repeated, seen.gaps, seen.lost) == (0,) * 5
    for stream in record.summary["streams"]:
        assert (stream["lost"], stream["repeated"], stream["gaps"], stream["crc"]) == (0, 0, 0, 0)
    assert record.summary["tap_dropped"] == 0
    assert set(np.unique(record.frames["can_id"])) == {*IDS.values(), *HOST_IDS.values()}


def test_it_assists_and_never_trips(record: LoopRecord) -> None:
    check = check_output(record.applied, TABLE.joints["knee_r"], STATES)
    assert check.violations == 0
    assert check.peak_nm > 5.0
    expected = ["OFF", "IDLE", "READY", "ARMED", "ENGAGED"]
    names = {code: name for name, code in STATES.items()}
    assert [names[state] for state in states_seen(record)][:5] == expected
    assert "SAFE" not in [names[state] for state in states_seen(record)]
    assert np.mean(record.applied["state"] == STATES["ENGAGED"]) > 0.9
