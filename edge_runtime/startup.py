"""What a live run waits for until it is armed, in words, and when there is no sense in waiting any longer."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edge_runtime import shared
from edge_runtime.rt.mailbox import I64
from edge_runtime.states import State

STUCK_S: Final = 90.0
"""Without any sign of progress for so long the run gives up. A first start compiles for minutes on a slow machine: a
part that is not ready but uses its processor is at work, however long it takes."""

_LOOP_STEPS: Final = ("starts", "compiles and rehearses (once after each update)", "waits for its first cycle")
_ESTIMATOR_STEPS: Final = ("starts", "loads and compiles", "tries its networks on the first frames")
_NS_PER_S: Final = 1_000_000_000
_UTIME_FIELD: Final = 11  # proc(5), /proc/PID/stat: field 14, counted from the one after the name; system time follows
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> int:
    """Whole seconds of processor that a process has used; 0 where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(fields[_UTIME_FIELD]) + int(fields[_UTIME_FIELD + 1])) // _TICKS_PER_S


class Startup:
    """Watches a start; pure of clocks and processes, which the caller brings.

    `used_s` gives the processor seconds of (loop, estimator) so far.
    """

    def __init__(self, control: I64, used_s: Callable[[], tuple[int, int]], now_ns: int) -> None:
        self._control = control
        self._used_s = used_s
        self._begun_ns = self._moved_ns = now_ns
        self._last: tuple[int, ...] = ()

    def waits_for(self, state: State, now_ns: int) -> str:
        """Who is not ready and what it does, for people."""
        control, waiting = self._control, []
        if not control[shared.LOOP_READY]:
            waiting.append(f"the torque loop {_LOOP_STEPS[control[shared.LOOP_STEP]]}")
        if not control[shared.ESTIMATOR_READY]:
            waiting.append(f"the estimator {_ESTIMATOR_STEPS[control[shared.ESTIMATOR_STEP]]}")
        if 0 < control[shared.TISSUE_STEP] < shared.TISSUE_WARM:
            waiting.append("the tissue observer builds its models")
        if not waiting:
            waiting.append("the firmware arms" if state >= State.READY else "the handshake with the firmware")
        return f"starting for {(now_ns - self._begun_ns) // _NS_PER_S} s: {', '.join(waiting)}"

    def stuck(self, now_ns: int) -> bool:
        """True where nothing has moved for STUCK_S; ask it regularly."""
        control, used_s = self._control, self._used_s()
        words = [
            word
            for ready, step, used in (
                (shared.LOOP_READY, shared.LOOP_STEP, used_s[0]),
                (shared.ESTIMATOR_READY, shared.ESTIMATOR_STEP, used_s[1]),
            )
            for word in (int(control[ready]), int(control[step]), 0 if control[ready] else used)
        ]
        if tuple(words) != self._last:
            self._last, self._moved_ns = tuple(words), now_ns
        return now_ns - self._moved_ns > STUCK_S * _NS_PER_S
