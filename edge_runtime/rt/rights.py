"""Real-time rights of the calling thread: FIFO priority, a core of its own, locked memory; what is missing is said."""

from __future__ import annotations

import ctypes
import os
import signal
from enum import IntFlag
from typing import Final

_MCL_CURRENT_AND_FUTURE: Final = 3  # sys/mman.h
_PR_SET_PDEATHSIG: Final = 1  # sys/prctl.h


class Right(IntFlag):
    """What torque on hardware needs; a flag set means missing."""

    CORE = 1  # a core of its own
    MEMORY = 2  # all pages locked
    PRIORITY = 4  # SCHED_FIFO

    def words(self) -> str:
        """The rights for people, like "locked memory, real-time priority"."""
        names = {Right.CORE: "a core of its own", Right.MEMORY: "locked memory", Right.PRIORITY: "real-time priority"}
        return ", ".join(text for right, text in names.items() if right in self)


def claim(core: int, priority: int) -> tuple[Right, list[str]]:
    """Pin to `core` (-1: no), lock memory, take SCHED_FIFO `priority` (0: no).

    Returns the rights that the thread does not have, also where nobody asked for them, and a line for each refusal.
    """
    problems = {Right.CORE: pin(core), Right.MEMORY: lock_memory(), Right.PRIORITY: fifo(priority)}
    missing = Right(0)
    for right, problem in problems.items():
        unasked = (right is Right.CORE and core < 0) or (right is Right.PRIORITY and priority <= 0)
        if problem or unasked:
            missing |= right
    return missing, [problem for problem in problems.values() if problem]


def pin(core: int) -> str:
    """Keep this thread on one core; "" or why not."""
    if core < 0:
        return ""
    if core not in os.sched_getaffinity(0):
        return f"core {core} does not exist here: thread not pinned"
    os.sched_setaffinity(0, {core})
    return ""


def lock_memory() -> str:
    """Lock all present and future pages; "" or why not."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_MCL_CURRENT_AND_FUTURE) == 0:
        return ""
    return f"memory not locked ({os.strerror(ctypes.get_errno())}): needs CAP_IPC_LOCK or LimitMEMLOCK=infinity"


def fifo(priority: int) -> str:
    """Run under SCHED_FIFO; "" or why not."""
    if priority <= 0:
        return ""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    except PermissionError:
        return f"no real-time priority {priority}: needs CAP_SYS_NICE or LimitRTPRIO"
    return ""


def die_with_parent(parent: int) -> None:
    """Be killed when the process `parent` ends, also where it has ended already; leave Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
