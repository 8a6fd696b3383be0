"""Runs the detector beside the tick: in a worker thread, or inline with a fixed delay for a virtual clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from engines.pose.detector import U8, Detection

Detect = Callable[[U8], Detection | None]


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer to request `ticket`: the detection or None, and how long the detector took."""

    ticket: int
    detection: Detection | None
    elapsed_ms: float


class DetectorExecutor(Protocol):
    """Takes a frame now and has the answer later. Replies to older requests may be left out."""

    def submit(self, rgb: U8) -> int:
        """Ask for a detection in `rgb`, which must not change until it is answered; returns the ticket."""
        ...

    def poll(self) -> Reply | None:
        """The newest reply, once, or None while there is none. An error of the detector is raised here."""
        ...

    def close(self) -> None:
        """Stop working; calling it twice is harmless."""
        ...


def _timed(detect: Detect, ticket: int, rgb: U8) -> Reply:
    start_ns = time.perf_counter_ns()  # a measurement only: no decision depends on it
    detection = detect(rgb)
    return Reply(ticket, detection, (time.perf_counter_ns() - start_ns) * 1e-6)


class InlineDetector:
    """Computes when asked and delivers on poll number `delay_polls` after it: deterministic in lock-step."""

    def __init__(self, detect: Detect, delay_polls: int = 2) -> None:
        self._detect = detect
        self._delay_polls = delay_polls
        self._polls_left = 0
        self._ticket = 0
        self._reply: Reply | None = None

    def submit(self, rgb: U8) -> int:
        """Detect now; the reply replaces one not yet delivered."""
        self._ticket += 1
        self._reply = _timed(self._detect, self._ticket, rgb)
        self._polls_left = self._delay_polls
        return self._ticket

    def poll(self) -> Reply | None:
        """The reply once its delay is over."""
        self._polls_left -= 1
        if self._reply is None or self._polls_left > 0:
            return None
        reply, self._reply = self._reply, None
        return reply

    def close(self) -> None:
        """Drop a reply not yet delivered."""
        self._reply = None


class ThreadedDetector:
    """One worker thread that always takes the newest request and forgets those it never began."""

    def __init__(self, detect: Detect) -> None:
        self._detect = detect
        self._wake = threading.Condition()
        self._ticket = 0
        self._request: tuple[int, U8] | None = None
        self._reply: Reply | None = None
        self._error: BaseException | None = None
        self._closed = False
        self._worker = threading.Thread(target=self._work, name="person-detector", daemon=True)
        self._worker.start()

    def submit(self, rgb: U8) -> int:
        """Hand `rgb` to the worker; returns at once."""
        with self._wake:
            self._ticket += 1
            self._request = (self._ticket, rgb)
            self._wake.notify()
            return self._ticket

    def poll(self) -> Reply | None:
        """The newest finished reply; never waits for the detector."""
        with self._wake:
            if self._error is not None:
                raise self._error
            reply, self._reply = self._reply, None
            return reply

    def close(self) -> None:
        """Let the worker finish what it computes, then end it."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._worker.join()

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._closed or self._request is not None)
                if self._closed or self._request is None:
                    return
                (ticket, rgb), self._request = self._request, None
            try:
                reply = _timed(self._detect, ticket, rgb)
            except BaseException as error:  # handed to the caller of poll(), who must know
                with self._wake:
                    self._error = error
                return
            with self._wake:
                self._reply = reply
