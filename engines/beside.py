"""Runs slow work beside the tick: in a worker thread, or inline with a fixed delay for a virtual clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

IDLE_S: Final = 1.0
"""Work that nobody asked for so long grows cold."""

Q = TypeVar("Q")
A = TypeVar("A")
Q_contra = TypeVar("Q_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Reply(Generic[A]):
    """Answer to request `ticket`, and how long it took."""

    ticket: int
    answer: A
    elapsed_ms: float


class Beside(Protocol[Q_contra, A]):
    """Takes a request now and has the answer later. Replies to older requests may be left out."""

    def submit(self, request: Q_contra) -> int:
        """Ask; what is asked must not change until it is answered. Returns the ticket."""
        ...

    def poll(self) -> Reply[A] | None:
        """The newest reply, once, or None while there is none. An error of the work is raised here, once."""
        ...

    def close(self) -> None:
        """Stop working; calling it twice is harmless."""
        ...


class Placement(Protocol):
    """Where work runs: `Threaded`, or `Inline` in lock-step.

    `ticks` is how many polls the work lasts, if it is up to the placement. `idle` is done where the work is done
    whenever nobody has asked for `IDLE_S` of real time: it keeps warm what the work uses.
    """

    def __call__(self, work: Callable[[Q], A], ticks: int, idle: Callable[[], None] | None = None) -> Beside[Q, A]: ...


class KeptWarm:
    """A `Placement` like another, with `idle` for what nobody asks for; `close` ends all that was placed."""

    def __init__(self, placement: Placement, idle: Callable[[], None]) -> None:
        self._placement, self._idle = placement, idle
        self._placed: list[Beside[Any, Any]] = []

    def __call__(self, work: Callable[[Q], A], ticks: int, idle: Callable[[], None] | None = None) -> Beside[Q, A]:
        """Place `work`."""
        placed = self._placement(work, ticks, idle or self._idle)
        self._placed.append(placed)
        return placed

    def close(self) -> None:
        """End what was placed; a process must not end while such a worker is inside a library."""
        for placed in self._placed:
            placed.close()


def _timed(work: Callable[[Q], A], ticket: int, request: Q) -> Reply[A]:
    start_ns = time.perf_counter_ns()  # a measurement only: no decision depends on it
    answer = work(request)
    return Reply(ticket, answer, (time.perf_counter_ns() - start_ns) * 1e-6)


class Inline(Generic[Q, A]):
    """Computes when asked and delivers on poll number `ticks` after it: deterministic in lock-step."""

    def __init__(self, work: Callable[[Q], A], ticks: int, idle: Callable[[], None] | None = None) -> None:
        del idle  # nothing grows cold in virtual time
        self._work = work
        self._ticks = ticks
        self._polls_left = 0
        self._ticket = 0
        self._reply: Reply[A] | None = None

    def submit(self, request: Q) -> int:
        """Work now; the reply replaces one not yet delivered."""
        self._ticket += 1
        self._reply = _timed(self._work, self._ticket, request)
        self._polls_left = self._ticks
        return self._ticket

    def poll(self) -> Reply[A] | None:
        """The reply once its delay is over."""
        self._polls_left -= 1
        if self._reply is None or self._polls_left > 0:
            return None
        reply, self._reply = self._reply, None
        return reply

    def close(self) -> None:
        """Drop a reply not yet delivered."""
        self._reply = None


class Threaded(Generic[Q, A]):
    """One worker thread that always takes the newest request and forgets those it never began.

    It takes as long as it takes, whatever `ticks` says.
    """

    def __init__(self, work: Callable[[Q], A], ticks: int, idle: Callable[[], None] | None = None) -> None:
        del ticks
        self._work, self._idle = work, idle
        self._wake = threading.Condition()
        self._ticket = 0
        self._request: tuple[int, Q] | None = None
        self._reply: Reply[A] | None = None
        self._error: BaseException | None = None
        self._closed = False
        self._worker = threading.Thread(target=self._run, name="beside-the-tick", daemon=True)
        self._worker.start()

    def submit(self, request: Q) -> int:
        """Hand the request to the worker; returns at once."""
        with self._wake:
            self._ticket += 1
            self._request = (self._ticket, request)
            self._wake.notify()
            return self._ticket

    def poll(self) -> Reply[A] | None:
        """The newest finished reply; never waits for the work."""
        with self._wake:
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            reply, self._reply = self._reply, None
            return reply

    def close(self) -> None:
        """Let the worker finish what it computes, then end it."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._worker.join()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._closed or self._request is not None, IDLE_S if self._idle else None)
                if self._closed:
                    return
                asked, self._request = self._request, None
            try:
                if asked is None:
                    self._rest()
                    continue
                reply = _timed(self._work, *asked)
            except BaseException as error:  # handed to the caller of poll(), who must know; the next request is taken
                with self._wake:
                    self._error = error
                continue
            with self._wake:
                self._reply = reply

    def _rest(self) -> None:
        if self._idle is not None:
            self._idle()
