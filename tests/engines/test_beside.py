"""Work beside the tick: what a placement promises, whatever runs."""

from __future__ import annotations

import threading

import pytest

from engines import beside
from engines.beside import Beside, Inline, KeptWarm, Placement, Threaded


def _twice(number: int) -> int:
    return 2 * number


def answers(placement: Placement, polls: int) -> list[int]:
    """Answers to one request, polled so often."""
    beside: Beside[int, int] = placement(_twice, 1)
    beside.submit(21)
    found = []
    for _ in range(polls):
        reply = beside.poll()
        if reply is not None:
            found.append(reply.answer)
        threading.Event().wait(0.01)
    beside.close()
    return found


def test_an_answer_comes_once_from_either_placement() -> None:
    assert answers(Inline, 5) == [42]
    assert answers(Threaded, 50) == [42]


def test_a_thread_goes_on_after_an_error_that_is_raised_once() -> None:
    def once(number: int) -> int:
        if number == 1:
            raise ValueError("first")
        return number

    threaded = Threaded(once, 1)
    threaded.submit(1)
    with pytest.raises(ValueError, match="first"):
        _reply(threaded)
    assert threaded.poll() is None
    threaded.submit(2)
    assert _reply(threaded) == 2
    threaded.close()


def test_idle_work_is_done_on_the_worker_only_when_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "IDLE_S", 0.05)
    rested: list[int] = []
    kept = KeptWarm(Threaded, lambda: rested.append(threading.get_ident()))
    threaded: Beside[int, int] = kept(_twice, 1)
    for _ in range(20):  # asked more often than it grows cold
        threaded.submit(1)
        threading.Event().wait(0.005)
    busy = len(rested)
    threading.Event().wait(0.5)
    assert len(rested) > busy + 2
    assert threading.get_ident() not in rested and len(set(rested)) == 1
    kept.close()
    count = len(rested)
    threading.Event().wait(0.2)
    assert len(rested) == count


def test_nothing_grows_cold_in_virtual_time() -> None:
    rested: list[int] = []
    inline: Beside[int, int] = KeptWarm(Inline, lambda: rested.append(1))(_twice, 1)
    inline.submit(1)
    assert inline.poll() is not None and rested == []


def _reply(threaded: Beside[int, int]) -> int:
    for _ in range(500):
        reply = threaded.poll()
        if reply is not None:
            return reply.answer
        threading.Event().wait(0.01)
    raise AssertionError("no reply")
