"""What both ends of the bus counted during a run: frames sent, received, lost, refused, and why (docs/wire.md)."""

from __future__ import annotations

from typing import Final

import numpy as np

from edge_runtime.record.reader import Record
from edge_runtime.types import F64

HOST: Final = {
    "sent": "sent",
    "not_sent": "tx_full",
    "received": "received",
    "rejected": "rejected",
    "lost": "e2e_lost",
    "gaps": "e2e_gaps",
    "repeats": "e2e_repeats",
    "crc_errors": "e2e_crc",
    "queue_dropped": "rx_dropped",
}
GOVERNOR: Final = {
    "refused": "governor_rejected",
    "gaps": "governor_gaps",
    "repeats": "governor_repeats",
    "crc_errors": "governor_crc",
}
_WRAP: Final = 256  # GOVERNOR_STATE, mux COUNTERS: one byte each


def wire_counts(record: Record) -> dict[str, dict[str, int | None]]:
    """Counts over the whole record by end and name; None where the record has no such column.

    The governor's bytes wrap; they come every 100 ms, in which at most 205 frames go to it.
    """
    return {
        "host": {name: _last(record.cycles[column]) for name, column in HOST.items()},
        "governor": {name: _unwrapped(record.cycles[column]) for name, column in GOVERNOR.items()},
    }


def _last(counter: F64) -> int | None:
    finite = counter[np.isfinite(counter)]
    return int(finite[-1]) if finite.size else None


def _unwrapped(counter: F64) -> int | None:
    finite = counter[np.isfinite(counter)]
    if finite.size == 0:
        return None
    return int(finite[0] + np.sum(np.diff(finite) % _WRAP))
