"""The examples run as they stand, and stay short."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from edge_runtime.record.recorder import Recorder
from edge_runtime.telemetry import CYCLE_FIELDS, estimate_fields

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def run(name: str, *arguments: str) -> str:
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=EXAMPLES.parent).stdout


def test_a_record_can_be_read(tmp_path: Path) -> None:
    with Recorder(tmp_path, (), {}) as recorder:
        recorder.cycles(np.full((10, len(CYCLE_FIELDS)), 2.5))
        recorder.estimate(np.full(len(estimate_fields(())), 400.0))
    assert "right: torque up to 2.5 Nm, estimated knee contact force up to 400 N" in run(
        "read_record.py", str(tmp_path)
    )


def test_a_frame_can_be_decoded() -> None:
    assert "'torque': 7.25" in run("decode_frames.py")


def test_examples_are_short() -> None:
    for path in EXAMPLES.glob("*.py"):
        assert len(path.read_text().splitlines()) <= 40
