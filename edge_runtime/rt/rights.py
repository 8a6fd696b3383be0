"""Real-time rights of the calling thread: FIFO priority, a core of its own, locked memory; what is missing is said."""

from __future__ import annotations

import ctypes
import os
import signal
from typing import Final

_MCL_CURRENT_AND_FUTURE: Final = 3  # sys/mman.h
_PR_SET_PDEATHSIG: Final = 1  # sys/prctl.h


def claim(core: int, priority: int) -> list[str]:
    """Pin to `core` (-1: no), lock memory, take SCHED_FIFO `priority` (0: no); returns what could not be had."""
    missing = [problem for problem in (pin(core), lock_memory(), fifo(priority)) if problem]
    return missing


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
