"""`bench solve`: solves as the runtime makes them, frame after frame, free and bound by muscle dynamics, in turn."""

from __future__ import annotations

import time
from typing import Final

import numpy as np

from edge_runtime.biomech.muscle_solve import MuscleSolver
from edge_runtime.biomech.pipeline import MIN_ACTIVATION
from edge_runtime.stats import Quantiles, quantiles
from edge_runtime.types import F64

PASSES: Final = 3  # the first is not timed


def stream_times(arm: F64, moment: F64, ease: F64, dt_s: float) -> dict[str, Quantiles]:
    """Microseconds per frame of `arm` [N, n, m] and `moment` [N, m], p = 2, with bounds and Python's part included.

    Both ways solve each frame one after the other, so that what else the machine does meets both.
    """
    ways = {"free": None, "dynamics": dt_s}
    solvers = {name: MuscleSolver(arm.shape[1], ease, 2, MIN_ACTIVATION) for name in ways}
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(PASSES):
        for solver in solvers.values():
            solver.reset()
        for k in range(len(arm)):
            for name, solver in solvers.items():
                start_ns = time.perf_counter_ns()
                solver.balance(arm[k], moment[k], ways[name])
                spent[name].append((time.perf_counter_ns() - start_ns) * 1e-3)
    return {name: quantiles(np.array(times[len(arm) :])) for name, times in spent.items()}
