"""Children that are killed on purpose: forked in a millisecond from a worker process that has everything compiled."""

from __future__ import annotations

import multiprocessing
import os
import traceback
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from edge_runtime.errors import WORLD_ERRORS, UserError
from edge_runtime.rt.rights import die_with_parent

Result = TypeVar("Result")


def in_process(function: Callable[..., Result], *arguments: Any) -> Result:
    """What `function(*arguments)` returns when run in a fresh process, without threads of ours: forking is safe there.

    Raises UserError where it ends without an answer, or with a world error of its own.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(theirs, os.getpid(), function, arguments))
    process.start()
    theirs.close()
    try:
        answer = ours.recv()
    except EOFError:
        raise UserError(f"the {function.__name__} process ended without an answer; see its line above") from None
    finally:
        process.kill()  # it has answered, or we were interrupted
        process.join()
    if isinstance(answer, UserError):
        raise answer
    result: Result = answer
    return result


def _answer(pipe: Connection, parent: int, function: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    die_with_parent(parent)
    try:
        pipe.send(function(*arguments))
    except WORLD_ERRORS as error:
        pipe.send(UserError(str(error)))


def fork_child(work: Callable[[], object]) -> int:
    """Fork a child that does `work` and ends, also when its parent ends; returns its process id.

    `work` should be compiled already and touch nothing but memory: the child shares every open file of its parent.
    """
    parent = os.getpid()
    with warnings.catch_warnings():
        # Python 3.12 warns because BLAS keeps idle threads; the child never calls BLAS
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        die_with_parent(parent)
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
