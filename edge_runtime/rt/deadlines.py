"""What missed deadlines do to torque: one holds it, several in a row fade it, many end in SAFE.

The loop runs on a fixed grid of milliseconds. A period is missed where no cycle began within it: the loop woke too
late, or the cycle before was still at work. Misses are in a row until a cycle begins in the period right after the one
before it: a loop that only manages every second period never holds its deadlines, and is treated so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from firmware_bridge.schema import HostRules

FINE, HOLD, FADE, LOST = range(4)
"""Grades: nothing missed; no growth this cycle; torque fades; latched until the supervisor clears it."""

DEADLINES = np.dtype(
    [
        ("missed", np.int64),  # periods missed so far
        ("before", np.int64),  # periods missed right before this cycle
        ("run", np.int64),  # periods missed in a row, no cycle on time between them
        ("on_time", np.int64),  # cycles on time in a row
        ("fading", np.int64),
        ("lost", np.int64),
        ("grade", np.int64),
        ("gain", np.float64),  # share of the torque that the grade leaves
        ("keep", np.float64),  # share of the setpoint before that this one may have, -1: no bound
    ]
)
RULES = np.dtype(
    [
        ("fade_run", np.int64),  # so many in a row: fade
        ("safe_run", np.int64),  # so many: SAFE
        ("recover_cycles", np.int64),  # so many on time in a row end the fade
        ("fade_ns", np.int64),  # from full torque to none
        ("return_ns", np.int64),  # from none to full
    ]
)


def rules(host: HostRules, period_ms: float) -> npt.NDArray[Any]:
    """Rules [1] for the compiled code."""
    out = np.zeros(1, RULES)
    out[0] = (
        host.missed_fade,
        host.missed_safe,
        round(host.missed_recover_ms / period_ms),
        round(host.missed_fade_ms * 1e6),
        round(host.engage_ms * 1e6),
    )
    return out


def fresh() -> npt.NDArray[Any]:
    """State [1] of a loop that has missed nothing."""
    out = np.zeros(1, DEADLINES)
    out[0]["gain"], out[0]["keep"] = 1.0, -1.0
    return out


@njit(cache=True, nogil=True)
def grade(rule: Any, d: Any, live: bool, elapsed_ns: int) -> int:
    """Grade this cycle from `d.before`, `elapsed_ns` after the last one; only a `live` loop (armed) can be lost."""
    if d.before > 0:
        d.run += d.before
        d.on_time = 0
    else:
        d.run = 0
        d.on_time += 1
    if d.run >= rule.fade_run:
        d.fading = 1
    elif d.on_time >= rule.recover_cycles:
        d.fading = 0
    last = d.gain
    if d.fading == 1:
        d.gain = max(0.0, last - elapsed_ns / rule.fade_ns)
        d.keep = d.gain / last if last > 0.0 else 0.0
    else:
        d.gain = min(1.0, last + elapsed_ns / rule.return_ns)
        d.keep = 1.0 if d.before > 0 else -1.0
    if live and d.run >= rule.safe_run:
        d.lost = 1
    d.grade = FINE
    if d.lost == 1:
        d.grade = LOST
    elif d.gain < 1.0:
        d.grade = FADE
    elif d.before > 0:
        d.grade = HOLD
    return int(d.grade)


@njit(cache=True, nogil=True)
def hold(asked_nm: float, last_nm: float, keep: float) -> float:
    """`asked_nm`, but no further from zero than `keep` of the setpoint before, and not on its other side.

    No bound where `keep` is negative; NaN stays NaN.
    """
    if keep < 0.0:
        return asked_nm
    last_nm *= keep
    if asked_nm * last_nm < 0.0:
        return 0.0
    if abs(asked_nm) > abs(last_nm):
        return last_nm
    return asked_nm
