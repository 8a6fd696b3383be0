"""Where the wearer moves both knees over a run, a row per millisecond."""

from __future__ import annotations

from typing import Final

import numpy as np

from edge_runtime.types import F64
from hil.scenario import LEAD_S, TAIL_S, Scenario

STEP_S: Final = 1e-3


def run_times_s(scenario: Scenario) -> F64:
    """Times [T] of the rig's steps, 0 at the scenario's begin."""
    count = round((LEAD_S + scenario.seconds + TAIL_S) / STEP_S) + 1
    return np.asarray(np.arange(count, dtype=np.float64) * STEP_S - LEAD_S)


def knee_reference(scenario: Scenario) -> F64:
    """Knee angle and rate [T, 2, joints], rad and rad/s: the first pose before the scenario, the last one after it; a
    locked knee keeps the first, or its own."""
    inside = np.clip(run_times_s(scenario), 0.0, 0.0 if scenario.wearer.knee == "locked" else scenario.seconds)
    angle = scenario.motion.knee_rad(inside)
    if scenario.wearer.knee == "locked" and scenario.wearer.locked_deg is not None:
        angle = np.full_like(angle, np.radians(scenario.wearer.locked_deg))
    return np.ascontiguousarray(np.stack([angle, np.gradient(angle, STEP_S, axis=0)], axis=1))
