"""The streams of a live run, from shared memory to those who want them: record, supervisor, live view, observer."""

from __future__ import annotations

import numpy as np

from edge_runtime import shared
from edge_runtime.live_feed import LiveFeed
from edge_runtime.observer import Observer
from edge_runtime.record.background import BackgroundRecorder
from edge_runtime.rt.mailbox import drain, lost_rows
from edge_runtime.supervisor import Supervisor
from edge_runtime.telemetry import CYCLE_FIELDS
from edge_runtime.tissue.rows import MAP_WIDTH, TISSUE_FIELDS, unpacked


class Streams:
    """Owns the reading end of each ring; `estimate_width` columns per estimate."""

    def __init__(self, rings: shared.Rings, estimate_width: int, recorder: BackgroundRecorder) -> None:
        self._rings = rings
        self._recorder = recorder
        self._cycle_rows = np.zeros((shared.CYCLE_ROWS, len(CYCLE_FIELDS)), np.int64)
        self._estimate_rows = np.zeros((shared.ESTIMATE_ROWS, estimate_width), np.int64)
        self._miss_rows = np.zeros((shared.MISS_ROWS, len(shared.MISS_FIELDS)), np.int64)
        self._tissue_rows = np.zeros((shared.TISSUE_ROWS, len(TISSUE_FIELDS)), np.int64)
        self._map_rows = np.zeros((shared.MAP_ROWS, MAP_WIDTH), np.int64)

    def drain(self, supervisor: Supervisor, feed: LiveFeed, observer: Observer) -> None:
        """Hand on what has come since the last time; waits for nobody."""
        if count := drain(self._rings.cycles, self._cycle_rows):
            rows = self._cycle_rows[:count].view(np.float64)
            self._recorder.cycles(rows)
            supervisor.see_cycles(rows)
            feed.see_cycles(rows)
        for row in self._estimate_rows[: drain(self._rings.estimates, self._estimate_rows)].view(np.float64):
            self._recorder.estimate(row)
            supervisor.see_estimate(row)
            feed.see_estimate(row)
        if count := drain(self._rings.misses, self._miss_rows):
            observer.see(self._miss_rows[:count].view(np.float64))
        if count := drain(self._rings.tissue, self._tissue_rows):
            self._recorder.tissue(self._tissue_rows[:count].view(np.float64))
        for row in self._map_rows[: drain(self._rings.tissue_maps, self._map_rows)].view(np.float64):
            self._recorder.tissue_map(unpacked(row))

    def counters(self) -> dict[str, int]:
        """Losses that the record itself cannot show, and the page faults of the loop."""
        control = self._rings.control
        return {
            "frames": int(control[shared.FRAMES]),
            "dropped": int(control[shared.DROPPED]),
            "lost_cycle_rows": lost_rows(self._rings.cycles),
            "lost_estimate_rows": lost_rows(self._rings.estimates),
            "lost_miss_rows": lost_rows(self._rings.misses),
            "lost_record_calls": self._recorder.dropped,
            "minor_faults_first_1024_cycles": int(control[shared.WARM_FAULTS]),
            "minor_faults": int(control[shared.MINOR_FAULTS]),
            "major_faults": int(control[shared.MAJOR_FAULTS]),
        }
