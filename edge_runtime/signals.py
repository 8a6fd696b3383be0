"""Ctrl-C and systemd's stop in a live run: they end it in order, and reach nobody but the main process."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def sigint_kept_from_children() -> Iterator[None]:
    """Processes started in here never get a Ctrl-C: ending them is our business. We still do, at its end at the latest.

    A blocked signal is inherited, so that there is no moment of a child's start at which it could be hit.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def stop_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM call `stop`."""

    def handler(number: int, frame: Any) -> None:
        stop()

    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
