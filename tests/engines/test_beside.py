"""Work beside the tick: what a placement promises, whatever runs."""

from __future__ import annotations

import threading

from engines.beside import Beside, Inline, Placement, Threaded


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
