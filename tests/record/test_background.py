"""The background recorder: same record, callers never wait, what does not fit is counted."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from edge_runtime.record import background
from edge_runtime.record.background import BackgroundRecorder
from edge_runtime.record.reader import load
from edge_runtime.record.recorder import Recorder
from edge_runtime.telemetry import CYCLE_FIELDS, estimate_fields


class StuckRecorder(Recorder):
    """A recorder on a disk that does not answer until it is let go."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, (), {})
        self.free = threading.Event()

    def event(self, t_ns: int, level: str, code: str, text: str) -> None:
        self.free.wait()
        super().event(t_ns, level, code, text)


def test_everything_arrives_in_order_although_buffers_are_reused(tmp_path: Path) -> None:
    row = np.zeros((1, len(CYCLE_FIELDS)))
    with Recorder(tmp_path, (), {}) as recorder:
        behind = BackgroundRecorder(recorder)
        for k in range(500):
            row[:] = k
            behind.cycles(row)
        behind.estimate(np.full(len(estimate_fields(())), 7.0))
        behind.event(3, "info", "cut", "text")
        behind.close()
    record = load(tmp_path)
    assert record.cycles["cycle"].tolist() == list(range(500))
    assert record.estimates["frame"].tolist() == [7.0]
    assert [event.code for event in record.events] == ["cut"]
    assert behind.dropped == 0


def test_a_stuck_disk_holds_nobody_up_and_losses_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_QUEUE_MAX", 10)
    with StuckRecorder(tmp_path) as recorder:
        behind = BackgroundRecorder(recorder)
        begun = time.monotonic()
        for k in range(50):
            behind.event(k, "info", "cut", "text")
        assert time.monotonic() - begun < 1.0
        assert behind.dropped >= 39
        recorder.free.set()
        behind.close()
    assert len(load(tmp_path).events) == 50 - behind.dropped
