"""A recorder that never holds up its caller: rows go into a queue, a thread of its own writes them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, Final

from edge_runtime.misses import Miss
from edge_runtime.record.recorder import Recorder
from edge_runtime.tissue.rows import CuffMap
from edge_runtime.types import F64

_QUEUE_MAX: Final = 2_000  # about 100 s at 20 calls a second: what a slow disk may be behind


class BackgroundRecorder:
    """The same calls as `Recorder`, each of which returns at once; `close` waits until everything is written.

    Where the disk is further behind than the queue is long, what comes is dropped and counted in `dropped`.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.dropped = 0
        self._recorder = recorder
        self._queue: queue.Queue[tuple[Callable[..., None], tuple[Any, ...]] | None] = queue.Queue(_QUEUE_MAX)
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    def cycles(self, rows: F64) -> None:
        """Add `rows` [n, CYCLE_FIELDS]."""
        self._put(self._recorder.cycles, rows.copy())

    def estimate(self, row: F64) -> None:
        """Add one estimate row."""
        self._put(self._recorder.estimate, row.copy())

    def event(self, t_ns: int, level: str, code: str, text: str) -> None:
        """Add one event."""
        self._put(self._recorder.event, t_ns, level, code, text)

    def miss(self, miss: Miss) -> None:
        """Add one missed deadline."""
        self._put(self._recorder.miss, miss)

    def tissue(self, rows: F64) -> None:
        """Add rows [n, TISSUE_FIELDS] of the tissue observer."""
        self._put(self._recorder.tissue, rows.copy())

    def tissue_map(self, cuff_map: CuffMap) -> None:
        """Add one pressure map."""
        self._put(self._recorder.tissue_map, cuff_map)

    def close(self) -> None:
        """Write what is queued and end the thread; the recorder itself stays open."""
        self._queue.put(None)
        self._thread.join()

    def _put(self, call: Callable[..., None], *arguments: Any) -> None:
        try:
            self._queue.put_nowait((call, arguments))
        except queue.Full:
            self.dropped += 1

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            call, arguments = item
            call(*arguments)
