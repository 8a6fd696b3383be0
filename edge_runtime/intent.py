"""The intent: what the estimator asks of the torque loop, as a short trajectory with its capture stamp.

Asked is a torque at the knee, or an impedance, or both: torque_nm + spring_nm_per_rad (set_rad - knee angle). The loop
evaluates the spring each cycle at its newest encoder reading.

An intent made from a frame captured at t acts at t + L, early or not: results that come early wait. Its knots span
t + L … t + L + 100 ms. The loop interpolates it on its own clock until the next one is due, a camera period later, and
from then on fades it by its lateness: full for a few ms, then linear in time to zero. So a stalled estimator means zero
torque, whatever it asked last, and a camera of any rate means no ripple while all is well.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from edge_runtime.types import F64

KNOTS: Final = 6
KNOT_SPACING_NS: Final = 20_000_000
HORIZON_NS: Final = (KNOTS - 1) * KNOT_SPACING_NS


def intent_dtype(joints: int) -> np.dtype[Any]:
    """Layout of an intent for so many joints, in the order of the limits table."""
    return np.dtype(
        [
            ("sequence", np.int64),  # number of the estimate, from 1; 0 = none yet
            ("t_capture_ns", np.int64),
            ("t_act_ns", np.int64),  # capture + L: first knot
            ("frame_ns", np.int64),  # period of the camera: until its end no newer intent can be due
            ("valid", np.int64),  # 0: hold nothing, fade
            ("torque_nm", np.float64, (joints, KNOTS)),  # flexion positive
            ("spring_nm_per_rad", np.float64, (joints,)),  # stiffness to play at the knee on top; 0: torque alone
            ("set_rad", np.float64, (joints, KNOTS)),  # knee angle at which that spring is slack
            ("kcf_relief", np.float64, (joints,)),  # share of torque taken away for the load of the knee, 0 = none
            ("knee_rad", np.float64, (joints, KNOTS)),  # the wearer's own joint as predicted, for the simulated wearer
        ]
    )


INTENT: Final = intent_dtype(2)  # the knees, sides r, l
INTENT_WORDS: Final = INTENT.itemsize // 8


def new_intent(joints: int = 2) -> npt.NDArray[Any]:
    """An empty intent: record array of shape [1]; `.view(np.int64)` is what the mailbox carries."""
    return np.zeros(1, intent_dtype(joints))


@njit(cache=True, nogil=True)
def at(knots: F64, since_act_ns: int) -> float:
    """Linear interpolation of `knots` [KNOTS]; held before the first and after the last."""
    position = since_act_ns / KNOT_SPACING_NS
    if position <= 0.0:
        return float(knots[0])
    if position >= KNOTS - 1:
        return float(knots[KNOTS - 1])
    i = int(position)
    return float(knots[i] + (position - i) * (knots[i + 1] - knots[i]))


@njit(cache=True, nogil=True)
def lateness_gain(late_ns: int, full_ns: int, zero_ns: int) -> float:
    """1 up to a lateness of `full_ns`, 0 from `zero_ns`, linear in time between."""
    if late_ns <= full_ns:
        return 1.0
    if late_ns >= zero_ns:
        return 0.0
    return (zero_ns - late_ns) / (zero_ns - full_ns)
