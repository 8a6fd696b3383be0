"""Shared-memory exchange between processes in which nobody waits: a latest-value ring and a stream ring.

Both live in one int64 array (shared memory or not). Floats travel bit-cast. The latest-value ring has four slots,
each with its own sequence number: a writer stopped in the middle of a write, even for good, spoils one slot only,
and readers keep the value before it. Memory order is LLVM atomics; a plain-numpy seqlock does not work here, the
compiler hoists its loads.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from edge_runtime.rt.libc import (
    fence_acquire,
    fence_release,
    load_acquire,
    load_relaxed,
    store_relaxed,
    store_release,
)

I64 = npt.NDArray[np.int64]

_HEAD: Final = 8  # words: one cache line, so that the index never shares a line with a payload
_SLOTS: Final = 4
_READ_TRIES: Final = 2


def latest_words(payload: int) -> int:
    """Size in int64 words of a latest-value ring whose value has `payload` words."""
    return _HEAD + _SLOTS * (_HEAD + payload)


@njit(cache=True, nogil=True)
def publish(ring: I64, value: I64) -> None:
    """Write `value` (int64 words) as the newest; one writer per ring."""
    words = value.size
    sequence = load_relaxed(ring, 0) + 1
    slot = _HEAD + (sequence & (_SLOTS - 1)) * (_HEAD + words)
    store_relaxed(ring, slot, -sequence)
    fence_release()
    for i in range(words):
        store_relaxed(ring, slot + _HEAD + i, value[i])
    store_release(ring, slot, sequence)
    store_release(ring, 0, sequence)


@njit(cache=True, nogil=True)
def latest(ring: I64, out: I64) -> int:
    """Copy the newest value to `out`; return its sequence number, 0 before the first, -1 where two tries failed.

    On -1 and 0 `out` must not be used: it may be torn.
    """
    words = out.size
    for _ in range(_READ_TRIES):
        sequence = load_acquire(ring, 0)
        if sequence == 0:
            return 0
        slot = _HEAD + (sequence & (_SLOTS - 1)) * (_HEAD + words)
        if load_acquire(ring, slot) != sequence:
            continue
        for i in range(words):
            out[i] = load_relaxed(ring, slot + _HEAD + i)
        fence_acquire()
        if load_relaxed(ring, slot) == sequence:
            return sequence
    return -1


def stream_words(rows: int, width: int) -> int:
    """Size in int64 words of a stream ring of `rows` rows (a power of two) of `width` words."""
    if rows & (rows - 1):
        raise ValueError(f"rows must be a power of two, got {rows}")
    return 3 * _HEAD + rows * width


# words 0, 8, 16: rows written, rows read, rows lost
_WRITTEN, _READ, _LOST = 0, _HEAD, 2 * _HEAD


@njit(cache=True, nogil=True)
def push(ring: I64, row: I64) -> bool:
    """Append one row; where the reader is a whole ring behind, count the row as lost and return False."""
    width = row.size
    rows = (ring.size - 3 * _HEAD) // width
    written = load_relaxed(ring, _WRITTEN)
    if written - load_acquire(ring, _READ) >= rows:
        store_relaxed(ring, _LOST, load_relaxed(ring, _LOST) + 1)
        return False
    base = 3 * _HEAD + (written & (rows - 1)) * width
    for i in range(width):
        ring[base + i] = row[i]
    store_release(ring, _WRITTEN, written + 1)
    return True


@njit(cache=True, nogil=True)
def drain(ring: I64, out: I64) -> int:
    """Move up to len(out) rows into `out` [n, width]; return how many; one reader per ring."""
    width = out.shape[1]
    rows = (ring.size - 3 * _HEAD) // width
    read = load_relaxed(ring, _READ)
    count = min(load_acquire(ring, _WRITTEN) - read, out.shape[0])
    for k in range(count):
        base = 3 * _HEAD + ((read + k) & (rows - 1)) * width
        for i in range(width):
            out[k, i] = ring[base + i]
    store_release(ring, _READ, read + count)
    return count


def lost_rows(ring: npt.NDArray[Any]) -> int:
    """Rows dropped because the reader was too slow."""
    return int(ring[_LOST])
