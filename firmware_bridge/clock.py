"""Offset of the governor's clock from the host's, from the clock values that GOVERNOR_STATE carries.

A frame can only be late, so the largest of the recent differences is the nearest to the truth; two windows in
turn let the estimate follow drift. It may grow at once, but falls only slowly: stamps that run backward would
let the governor see torque change faster than it does. Compiled functions on an int64 array, no allocation.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

I64 = npt.NDArray[np.int64]

TICK_NS: Final = 100_000
WRAP_NS: Final = TICK_NS << 32
WINDOW: Final = 64
"""Samples per window; at one clock value per 100 ms two windows reach back 6 to 13 s."""

FALL_MAX_NS: Final = 50_000  # per sample: half a tick of the stamp

CK_SAMPLES, CK_CURRENT, CK_PREVIOUS, CK_OFFSET = range(4)
"""Indices of the state: samples so far, largest difference in this window and the last, estimate."""
CK_SIZE: Final = 4


def clock() -> I64:
    """Fresh state, int64 [CK_SIZE]."""
    return np.zeros(CK_SIZE, np.int64)


@njit(cache=True, nogil=True)
def clock_update(state: I64, governor_clock: int, received_ns: int) -> None:
    """Take a clock payload (u32, 0.1 ms) received at host time `received_ns`."""
    difference = governor_clock * TICK_NS - received_ns
    if state[CK_SAMPLES] == 0:
        state[CK_CURRENT] = difference
        state[CK_PREVIOUS] = difference
        state[CK_OFFSET] = difference
    error = difference - state[CK_PREVIOUS] + WRAP_NS // 2
    difference = state[CK_PREVIOUS] + error % WRAP_NS - WRAP_NS // 2
    if state[CK_SAMPLES] % WINDOW == WINDOW - 1:
        state[CK_PREVIOUS] = state[CK_CURRENT]
        state[CK_CURRENT] = difference
    state[CK_CURRENT] = max(state[CK_CURRENT], difference)
    state[CK_SAMPLES] += 1
    nearest = max(state[CK_CURRENT], state[CK_PREVIOUS])
    state[CK_OFFSET] = max(nearest, state[CK_OFFSET] - FALL_MAX_NS)


@njit(cache=True, nogil=True)
def clock_offset_ns(state: I64) -> int:
    """Governor clock minus host clock in ns; 0 before the first sample."""
    return int(state[CK_OFFSET])
