"""Part of `bench tissue`: what reduced model and inverse take of one 1 ms cycle, two knees."""

from __future__ import annotations

import time
from typing import Any, Final

import numpy as np
from numba import njit

from edge_runtime.stats import quantiles
from edge_runtime.tissue.bench_compensation import tasks
from edge_runtime.tissue.compensation import compensate, inverse_params
from edge_runtime.tissue.geometry import SEGMENTS, phantom_for
from edge_runtime.tissue.inverse import INVERSE_STATE
from edge_runtime.tissue.static import CuffStatics
from edge_runtime.tissue.working import springs_of

_CYCLES: Final = 20_000
_ARMS: Final = ((0.3, 0.2, 0.1), (0.02, 0.3, 2.0))  # as many as there can be: none makes it cheaper


def measure() -> dict[str, Any]:
    """`cycle_us`: {`joints_2`: quantiles}, both knees walking on springs, all Prony arms in use; with one call from
    Python per cycle."""
    phantom = phantom_for(1.76, 75.0)
    leg = springs_of(phantom, np.stack([CuffStatics(phantom, name).stiffness() for name in SEGMENTS]))
    leg["arm_share"], leg["arm_time_s"] = _ARMS
    for name in ("stiffness_low", "stiffness_high", "stiffness_bias"):
        leg[name] = 1.0
    p, task = inverse_params(leg), tasks()["spring"]
    states = np.zeros(2, INVERSE_STATE)
    rates = np.gradient(task.knee_rad, 1e-3)
    taken = np.empty(_CYCLES)
    for i in range(-100, _CYCLES):
        angle, rate = float(task.knee_rad[i % len(rates)]), float(rates[i % len(rates)])
        began = time.perf_counter_ns()
        _both(p, states, angle, rate)
        taken[max(i, 0)] = 1e-3 * (time.perf_counter_ns() - began)
    return {"cycle_us": {"joints_2": quantiles(taken)}}


@njit(cache=True, nogil=True)
def _both(p: Any, states: Any, angle_rad: float, rate_radps: float) -> None:
    """Both knees; the drive gives what was asked of it in the cycle before."""
    for knee in range(2):
        s = states[knee]
        given = s.wanted_nm + s.extra_nm
        compensate(p[0], s, 2.0, 0.1, 30.0, 0.5, angle_rad, rate_radps, given, 1.0, 1e-3)
