"""The mailbox: never torn, never blocked, also by a writer that dies in the middle of a write."""

from __future__ import annotations

import multiprocessing
import threading

import numpy as np
from numba import njit

from edge_runtime import shared
from edge_runtime.rt.libc import load_relaxed
from edge_runtime.rt.mailbox import drain, latest, latest_words, lost_rows, publish, push, stream_words

WORDS = 32


def test_nothing_written_reads_as_zero() -> None:
    assert latest(np.zeros(latest_words(WORDS), np.int64), np.zeros(WORDS, np.int64)) == 0


def test_the_newest_value_is_read() -> None:
    ring, out = np.zeros(latest_words(WORDS), np.int64), np.zeros(WORDS, np.int64)
    for k in range(1, 12):
        publish(ring, np.full(WORDS, k))
        assert latest(ring, out) == k
        assert (out == k).all()


def test_a_writer_that_died_in_a_write_leaves_the_last_value_readable() -> None:
    ring, out = np.zeros(latest_words(WORDS), np.int64), np.zeros(WORDS, np.int64)
    publish(ring, np.full(WORDS, 7))
    slot = 8 + (2 & 3) * (8 + WORDS)  # where write number 2 begins: its sequence is marked, its payload half done
    ring[slot] = -2
    ring[slot + 8 : slot + 12] = 99
    assert latest(ring, out) == 1
    assert (out == 7).all()


@njit(nogil=True)
def _write_until(ring, stop):  # type: ignore[no-untyped-def]
    value = np.zeros(WORDS, np.int64)
    count = 0
    while load_relaxed(stop, 0) == 0:
        count += 1
        for i in range(WORDS):
            value[i] = count * 1_000_003 + i
        publish(ring, value)
    return count


@njit(nogil=True)
def _read_many(ring, reads):  # type: ignore[no-untyped-def]
    out = np.zeros(WORDS, np.int64)
    torn, good, last, backwards = 0, 0, 0, 0
    for _ in range(reads):
        if latest(ring, out) <= 0:
            continue
        good += 1
        for i in range(WORDS):
            if out[i] != out[0] + i:
                torn += 1
        if out[0] < last:
            backwards += 1
        last = out[0]
    return good, torn, backwards


def test_no_torn_and_no_backward_read_against_a_running_writer() -> None:
    ring, stop = np.zeros(latest_words(WORDS), np.int64), np.zeros(1, np.int64)
    writer = threading.Thread(target=_write_until, args=(ring, stop), daemon=True)
    writer.start()
    good, torn, backwards = _read_many(ring, 300_000)
    stop[0] = 1
    writer.join()
    assert good > 10_000
    assert (torn, backwards) == (0, 0)


def test_stream_keeps_order_and_counts_what_it_lost() -> None:
    ring = np.zeros(stream_words(8, 3), np.int64)
    for k in range(11):
        assert push(ring, np.full(3, k)) == (k < 8)
    out = np.zeros((16, 3), np.int64)
    assert drain(ring, out) == 8
    assert out[:8, 0].tolist() == list(range(8))
    assert lost_rows(ring) == 3
    assert push(ring, np.full(3, 42))
    assert drain(ring, out) == 1
    assert out[0, 0] == 42


def _write_in_child(name: str) -> None:
    rings = shared.attach(name, 100)
    publish(rings.feedback, np.arange(shared.FEEDBACK_WORDS) + 5)


def test_the_block_is_shared_between_processes() -> None:
    rings = shared.create(100)
    assert rings.memory is not None
    child = multiprocessing.get_context("spawn").Process(target=_write_in_child, args=(rings.memory.name,))
    child.start()
    child.join(60)
    out = np.zeros(shared.FEEDBACK_WORDS, np.int64)
    assert latest(rings.feedback, out) == 1
    assert out.tolist() == [5, 6, 7, 8]
    rings.memory.unlink()


def test_feedback_keeps_the_last_value_where_a_read_fails() -> None:
    rings = shared.local(100)
    reader = shared.FeedbackReader(rings)
    assert reader.torque_nm().tolist() == [0.0, 0.0]
    publish(rings.feedback, np.array([1.5, -2.5, 0.1, 0.2]).view(np.int64))
    assert reader.torque_nm().tolist() == [1.5, -2.5]
    slot = 8 + (1 & 3) * (8 + shared.FEEDBACK_WORDS)
    rings.feedback[slot] = -5  # a later writer is in the middle of this very slot
    rings.feedback[slot + 8] = 12345
    assert reader.torque_nm().tolist() == [1.5, -2.5]
