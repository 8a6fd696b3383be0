"""Torture of the mailbox: writers in other processes at full speed, killed at random; every word read is checked.

Each word of a value follows from the value's number, so one stale word among fresh ones shows. The same tests run over
mailboxes that are wrong on purpose (`broken_mailboxes`): a torture that does not catch those proves nothing. x86 keeps
stores and loads in order by itself, so what passes there must be run again on the ARM device.
"""

from __future__ import annotations

import mmap
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, IntEnum
from multiprocessing import shared_memory
from multiprocessing.process import BaseProcess
from typing import Final

import numpy as np
from numba import njit

from edge_runtime.errors import UserError
from edge_runtime.rt import broken_mailboxes as broken
from edge_runtime.rt import rights
from edge_runtime.rt.forked import fork_child, in_process
from edge_runtime.rt.libc import load_relaxed, store_relaxed
from edge_runtime.rt.mailbox import I64, latest, latest_words, publish

WORDS: Final = 32  # payload, about the size of an intent
_STRIDE: Final = 1_000_003  # prime: words of neighbouring values never agree
_STOP, _WRITES, _RING = 0, 8, 16  # words of the shared block
_BLOCK_WORDS: Final = _RING + latest_words(WORDS)
_READS_AFTER_KILL: Final = 200
_CHUNK: Final = 100_000
_FRESH_MIN: Final = 200  # new values: on a loaded machine reader and writer may hardly ever run at the same time
_PATIENCE: Final = 1000  # reads tried per read wanted before the test gives up on a box that starves
_START_TIMEOUT_S: Final = 60.0


class Box(IntEnum):
    """Which mailbox: the real one, or one that is broken on purpose."""

    RING = 0
    UNPROTECTED = 1  # no sequence
    PLAIN = 2  # no atomics, no fences
    SINGLE = 3  # one slot
    UNCHECKED = 4  # the ring without the second look


class Place(Enum):
    """Where the writer runs."""

    PROCESS = "process"
    THREAD = "thread"


@dataclass(frozen=True, slots=True)
class Torture:
    """What a test saw. `reads` succeeded, `failed` found nothing in two tries, `fresh` were a new value."""

    reads: int
    failed: int
    torn: int
    backwards: int
    fresh: int
    writes: int

    @property
    def sound(self) -> bool:
        """Never torn, never backwards, and it did see the writer's news."""
        return self.torn == 0 and self.backwards == 0 and self.fresh > 1 and self.reads > 0


@dataclass(frozen=True, slots=True)
class Kills:
    """`rounds` writers were killed, `in_write` of them inside a write; `starved` readers then got no value."""

    rounds: int
    in_write: int
    starved: int
    torn: int
    backwards: int

    @property
    def sound(self) -> bool:
        """After every kill a whole value that is not older than the one before."""
        return self.starved == 0 and self.torn == 0 and self.backwards == 0


@njit(cache=True, nogil=True)
def _write_until(block: I64, kind: int) -> None:
    """Write value after value until the block's stop word is set; a value's number is its first word."""
    ring, value = block[_RING:], np.zeros(WORDS, np.int64)
    while load_relaxed(block, _STOP) == 0:
        number = load_relaxed(block, _WRITES) + 1
        if kind in (Box.RING, Box.UNCHECKED):
            number = load_relaxed(ring, 0) + 1  # where the last writer died between the two counters
        for i in range(WORDS):
            value[i] = number + i * _STRIDE
        if kind in (Box.RING, Box.UNCHECKED):
            publish(ring, value)
        elif kind == Box.UNPROTECTED:
            broken.write_unprotected(ring, value)
        elif kind == Box.PLAIN:
            broken.write_plain(ring, value)
        else:
            broken.write_single(ring, value)
        store_relaxed(block, _WRITES, number)


@njit(cache=True, nogil=True)
def _read(ring: I64, out: I64, kind: int) -> int:
    """Number of the value now in `out`; 0 before the first, -1 where the box gave none."""
    if kind == Box.RING:
        return latest(ring, out)
    if kind == Box.UNCHECKED:
        return broken.read_once_checked(ring, out)
    if kind == Box.UNPROTECTED:
        return broken.read_unprotected(ring, out)
    if kind == Box.PLAIN:
        return broken.read_plain(ring, out)
    return broken.read_single(ring, out)


@njit(cache=True, nogil=True)
def _read_many(block: I64, kind: int, wanted: int, tries: int, counts: I64) -> None:
    """Read until `wanted` reads succeeded or `tries` were made; adds to `counts` (fields of Torture, then the last)."""
    ring, out = block[_RING:], np.zeros(WORDS, np.int64)
    good, failed, torn, backwards, fresh, last = 0, 0, 0, 0, 0, counts[5]
    while good < wanted and good + failed < tries:
        number = _read(ring, out, kind)
        if number <= 0:
            failed += 1
            continue
        good += 1
        whole = True
        for i in range(WORDS):
            whole = whole and out[i] == number + i * _STRIDE
        if not whole:
            torn += 1
            continue
        backwards += number < last
        fresh += number != last
        last = number
    counts[0] += good
    counts[1] += failed
    counts[2] += torn
    counts[3] += backwards
    counts[4] += fresh
    counts[5] = last


def hammer(box: Box, place: Place, reads: int, progress: Callable[[int], None] = lambda done: None) -> Torture:
    """At least `reads` checked reads against a writer at full speed, with enough new values among them to count.

    Fewer where the box hardly ever gives a value.
    """
    with _reader(box, place) as (block, counts):
        tries = 0
        while (counts[0] < reads or counts[4] < _FRESH_MIN) and tries < _PATIENCE * reads:
            tries += _CHUNK
            _read_many(block, int(box), _CHUNK, _CHUNK, counts)
            progress(min(reads, int(counts[0])))
        good, failed, torn, backwards, fresh = counts[:5].tolist()
        return Torture(good, failed, torn, backwards, fresh, int(block[_WRITES]))


def tears(box: Box, seconds: float) -> bool:
    """Whether a torn or backward read is found within `seconds`."""
    with _reader(box, Place.PROCESS) as (block, counts):
        until = time.monotonic() + seconds
        while counts[2] + counts[3] == 0 and time.monotonic() < until:
            _read_many(block, int(box), _CHUNK, _CHUNK, counts)
        return bool(counts[2] + counts[3])


def kill_writers(box: Box, rounds: int, seed: int) -> Kills:
    """Kill `rounds` writers at random moments and read after each; one process only, since it forks."""
    rng = np.random.default_rng(seed)
    block = np.ndarray((_BLOCK_WORDS,), np.int64, buffer=_anonymous(_BLOCK_WORDS * 8))
    counts = np.zeros(6, np.int64)
    block[_STOP] = 1
    _write_until(block, int(box))  # compiled before the fork
    _read_many(block, int(box), 1, 1, counts)
    block[_STOP] = 0
    counts[:] = 0
    in_write = starved = 0
    for _ in range(rounds):
        before = int(block[_WRITES])
        pid = fork_child(lambda: _write_until(block, int(box)))
        until = time.monotonic() + _START_TIMEOUT_S
        while int(block[_WRITES]) == before and time.monotonic() < until:
            time.sleep(0)
        time.sleep(float(rng.uniform(0.0, 2e-3)))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        in_write += _mid_write(block, box)
        good = int(counts[0])
        _read_many(block, int(box), _READS_AFTER_KILL, _READS_AFTER_KILL, counts)
        starved += int(counts[0]) == good
    return Kills(rounds, in_write, starved, int(counts[2]), int(counts[3]))


def broken_caught(seconds: float, rounds: int, seed: int) -> dict[str, bool]:
    """For each mailbox that is broken on purpose, whether the same tests find it out: by killed writers or within
    `seconds` of hammering."""
    boxes = [box for box in Box if box is not Box.RING]
    killed = in_process(_kill_writers_of, boxes, rounds, seed)
    return {box.name.lower(): not kills.sound or tears(box, seconds) for box, kills in zip(boxes, killed, strict=True)}


def _kill_writers_of(boxes: list[Box], rounds: int, seed: int) -> list[Kills]:
    return [kill_writers(box, rounds, seed) for box in boxes]


def _mid_write(block: I64, box: Box) -> bool:
    """Whether the writer died between the beginning and the end of a write."""
    if box is Box.SINGLE:
        return bool(block[_RING] & 1)
    slots = block[_RING + 8 :].reshape(4, 8 + WORDS)
    return bool((slots[:, 0] < 0).any())


def _anonymous(size: int) -> mmap.mmap:
    """Memory that a forked child shares with us, gone with the last of us."""
    return mmap.mmap(-1, size)


@contextmanager
def _reader(box: Box, place: Place) -> Iterator[tuple[I64, I64]]:
    """A block with a running writer, and empty counts for its reads."""
    counts = np.zeros(6, np.int64)
    with _shared_block() as (block, name):
        _read_many(block, int(box), 1, 1, counts)  # compiled before the writer runs
        counts[:] = 0
        with _writer(box, place, block, name):
            yield block, counts


@contextmanager
def _shared_block() -> Iterator[tuple[I64, str]]:
    memory = shared_memory.SharedMemory(create=True, size=_BLOCK_WORDS * 8)
    try:
        yield np.ndarray((_BLOCK_WORDS,), np.int64, buffer=memory.buf), memory.name
    finally:
        memory.unlink()


@contextmanager
def _writer(box: Box, place: Place, block: I64, name: str) -> Iterator[None]:
    """A writer that runs for the length of the block; waits until it has begun."""
    runner: threading.Thread | BaseProcess
    if place is Place.THREAD:
        runner = threading.Thread(target=_write_until, args=(block, int(box)), daemon=True)
    else:
        context = multiprocessing.get_context("spawn")
        runner = context.Process(target=_write_process, args=(name, int(box), os.getpid()))
    runner.start()
    until = time.monotonic() + _START_TIMEOUT_S
    try:
        while not block[_WRITES]:
            if time.monotonic() > until or not runner.is_alive():
                raise UserError("mailbox torture: the writing process did not start; see its line above")
            time.sleep(0.001)
        yield
    finally:
        block[_STOP] = 1
        runner.join(_START_TIMEOUT_S)


def _write_process(name: str, box: int, parent: int) -> None:
    rights.die_with_parent(parent)
    memory = shared_memory.SharedMemory(name=name)
    _write_until(np.ndarray((_BLOCK_WORDS,), np.int64, buffer=memory.buf), box)
