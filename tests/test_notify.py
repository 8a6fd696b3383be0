"""sd_notify: a real datagram to a real socket; silence where no manager listens."""

from __future__ import annotations

import socket
from pathlib import Path

from edge_runtime.notify import Notifier


def test_messages_arrive(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        Notifier(str(path)).send("READY=1")
        assert manager.recv(100) == b"READY=1"


def test_no_manager_and_a_manager_that_left_are_not_errors(tmp_path: Path) -> None:
    Notifier("").send("READY=1")
    gone = Notifier(str(tmp_path / "nobody"))
    gone.send("WATCHDOG=1")
    gone.send("WATCHDOG=1")


def test_the_watchdog_is_petted_by_a_counter_that_moves_and_by_no_other(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.setblocking(False)
        notifier = Notifier(str(path))
        heard = []
        for counter in (0, 0, 100, 200, 200, 200, 201):
            notifier.alive(counter)
            try:
                heard.append(manager.recv(100))
            except BlockingIOError:
                heard.append(b"")
    assert [bool(message) for message in heard] == [False, False, True, True, False, False, True]
