"""Mailboxes that are wrong on purpose: what the torture of the real one must catch. Nothing else uses them."""

from __future__ import annotations

from typing import Final

from numba import njit

from edge_runtime.rt.libc import fence_acquire, fence_release, load_acquire, load_relaxed, store_relaxed, store_release
from edge_runtime.rt.mailbox import I64

_HEAD: Final = 8  # as in the real one: words of a cache line
_SLOTS: Final = 4


@njit(cache=True, nogil=True)
def write_unprotected(box: I64, value: I64) -> None:
    """One slot, no sequence around the copy; word 0 counts the writes."""
    for i in range(value.size):
        store_relaxed(box, _HEAD + i, value[i])
    store_relaxed(box, 0, load_relaxed(box, 0) + 1)


@njit(cache=True, nogil=True)
def read_unprotected(box: I64, out: I64) -> int:
    """Whatever is there; believes it belongs to the first word."""
    if load_relaxed(box, 0) == 0:
        return 0
    for i in range(out.size):
        out[i] = load_relaxed(box, _HEAD + i)
    return int(out[0])


@njit(cache=True, nogil=True)
def write_plain(box: I64, value: I64) -> None:
    """A sequence lock as one would write it in numpy: no atomics, no fences."""
    box[0] += 1
    for i in range(value.size):
        box[_HEAD + i] = value[i]
    box[0] += 1


@njit(cache=True, nogil=True)
def read_plain(box: I64, out: I64) -> int:
    """Its reader; the compiler is free to move every one of these loads."""
    for _ in range(2):
        sequence = box[0]
        if sequence & 1:
            continue
        for i in range(out.size):
            out[i] = box[_HEAD + i]
        if box[0] == sequence:
            return int(out[0])
    return -1


@njit(cache=True, nogil=True)
def write_single(box: I64, value: I64) -> None:
    """A correct sequence lock with one slot: never torn, but a writer that dies in a write shuts its reader out."""
    sequence = load_relaxed(box, 0)
    sequence += sequence & 1  # a successor goes on where its predecessor died
    store_relaxed(box, 0, sequence + 1)
    fence_release()
    for i in range(value.size):
        store_relaxed(box, _HEAD + i, value[i])
    store_release(box, 0, sequence + 2)


@njit(cache=True, nogil=True)
def read_single(box: I64, out: I64) -> int:
    """Its reader, with as many tries as the real one."""
    for _ in range(2):
        sequence = load_acquire(box, 0)
        if sequence & 1:
            continue
        for i in range(out.size):
            out[i] = load_relaxed(box, _HEAD + i)
        fence_acquire()
        if load_relaxed(box, 0) == sequence:
            return int(out[0])
    return -1


@njit(cache=True, nogil=True)
def read_once_checked(ring: I64, out: I64) -> int:
    """The real ring's reader without its second look at the sequence."""
    sequence = load_acquire(ring, 0)
    if sequence == 0:
        return 0
    slot = _HEAD + (sequence & (_SLOTS - 1)) * (_HEAD + out.size)
    if load_acquire(ring, slot) != sequence:
        return -1
    for i in range(out.size):
        out[i] = load_relaxed(ring, slot + _HEAD + i)
    return sequence
