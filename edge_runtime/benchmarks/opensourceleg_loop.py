"""Run by opensourceleg's interpreter: MODE CORE PRIORITY CYCLES; prints [woke, deadline], s, per wake-up as JSON."""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time

from opensourceleg.utilities.softrealtimeloop import SoftRealtimeLoop

PERIOD_S = 0.001
MCL_CURRENT_AND_FUTURE = 3  # sys/mman.h


def main(mode: str, core: int, priority: int, cycles: int) -> None:
    """Loop so many times with rights as near to the others' as Python gives them."""
    os.sched_setaffinity(0, {core})
    ctypes.CDLL(None).mlockall(MCL_CURRENT_AND_FUTURE)
    if priority:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    stamps = [(0.0, 0.0)] * cycles
    loop = SoftRealtimeLoop(dt=PERIOD_S, report=False, maintain_original_phase=mode == "phase")
    for count, _ in enumerate(loop):
        stamps[count] = (time.monotonic(), loop.loop_deadline - PERIOD_S)  # it has moved on to the next deadline
        if count == cycles - 1:
            break
    print(json.dumps(stamps[1:]))  # the first comes without sleeping


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
