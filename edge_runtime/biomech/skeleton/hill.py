"""Tension of muscles on rigid tendons: force, length and velocity as OpenSim's static optimization takes them."""

from __future__ import annotations

import numpy as np
from numba import njit

from edge_runtime.biomech.skeleton.format import Functions, Muscles
from edge_runtime.biomech.skeleton.functions import evaluate
from edge_runtime.types import F64


@njit(cache=True, nogil=True)
def tensions(muscles: Muscles, f: Functions, length: F64, velocity: F64, active: F64, passive: F64) -> None:
    """Fill `active` (at full activation) and `passive` [n] N along the tendon, from `length` m and `velocity` m/s [n].

    The tendon keeps its slack length, and fibres their distance across (constant-width pennation). Lengthening is
    positive; a path shorter than the tendon pulls nothing. As OpenSim's calcInextensibleTendonActiveFiberForce.
    """
    for i in range(length.size):
        optimal = muscles.optimal_m[i]
        along, across = length[i] - muscles.slack_m[i], optimal * np.sin(muscles.pennation_rad[i])
        if along <= 0.0:
            active[i], passive[i] = 0.0, 0.0
            continue
        fibre = np.hypot(along, across)
        cosine = along / fibre
        force = muscles.force_n[i] * cosine * max(evaluate(f, muscles.active[i], fibre / optimal)[0], 0.0)
        speed = velocity[i] * cosine / (optimal * muscles.velocity_max[i])
        active[i] = force * max(evaluate(f, muscles.velocity[i], speed)[0], 0.0)
        passive[i] = muscles.force_n[i] * cosine * max(evaluate(f, muscles.passive[i], fibre / optimal)[0], 0.0)
