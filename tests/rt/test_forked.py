"""Work in a process of its own: its answer, its errors, its end."""

from __future__ import annotations

import os
import signal

import pytest

from edge_runtime.errors import UserError
from edge_runtime.rt.forked import fork_child, in_process


def _other_process(parent: int) -> bool:
    return os.getpid() != parent


def _refuse() -> None:
    raise UserError("no such rig; connect it")


def _vanish() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _forked_status(code: int) -> int:
    pid = fork_child(lambda: 1 // code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_the_answer_comes_from_another_process() -> None:
    assert in_process(_other_process, os.getpid())


def test_a_world_error_keeps_its_line() -> None:
    with pytest.raises(UserError, match="no such rig; connect it"):
        in_process(_refuse)


def test_a_process_that_vanishes_is_an_error_and_not_a_hang() -> None:
    with pytest.raises(UserError, match="ended without an answer"):
        in_process(_vanish)


def test_a_forked_child_ends_with_its_work_and_tells_how() -> None:
    assert in_process(_forked_status, 1) == 0
    assert in_process(_forked_status, 0) == 1
