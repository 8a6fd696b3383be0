"""What steps of the full model cost and err in a walk: long ones, and MuJoCo's own."""

from __future__ import annotations

import time
from typing import Any, Final

import numpy as np

from edge_runtime.tissue.full_pace import FullPace, Turn, between, knot
from edge_runtime.tissue.geometry import SEGMENTS, Phantom
from edge_runtime.tissue.observer_trial import FRAME_S, Walk
from edge_runtime.tissue.pressure import PressureMap
from edge_runtime.tissue.simulate import FullModel, Reading
from edge_runtime.types import F64

LONG: Final = (1, 2, 3, 4, 8)
"""Steps to a 60 Hz frame that are compared."""
_WALK: Final = Walk(strides=1)
_REFERENCE: Final = (8, 16)
_REFERENCE_TOLERANCE: Final = 1e-6
_FAST: Final = (2, 1e-4)
"""MuJoCo's own steps, solved so, were the observer's until long ones took their place."""
_SETTLED_FRAMES: Final = 20


def step_errors(leg: Phantom) -> list[dict[str, Any]]:
    """Rows: `scheme` long or own, `steps` to a 60 Hz frame, `error_pct` RMS over RMS of knee torque, bend and p95 of
    both cuffs, `frame_cpu_ms` processor time for a frame, median.

    Against MuJoCo's own steps of 2.1 and 1.0 ms, extrapolated to none, for they are of first order.
    """
    (coarse, coarse_ms), (fine, _) = (_own(leg, steps, _REFERENCE_TOLERANCE) for steps in _REFERENCE)
    truth = {name: 2.0 * fine[name] - coarse[name] for name in fine}
    tried = [("long", steps, *_long(leg, steps)) for steps in LONG]
    tried += [("own", _FAST[0], *_own(leg, *_FAST)), ("own", _REFERENCE[0], coarse, coarse_ms)]
    return [
        {
            "scheme": scheme,
            "steps": steps,
            "error_pct": {name: _error_pct(found[name], truth[name]) for name in truth},
            "frame_cpu_ms": spent_ms,
        }
        for scheme, steps, found, spent_ms in tried
    ]


class _Series:
    """Knee torque, bend, and p95 of both cuffs, frame by frame."""

    def __init__(self, leg: Phantom, full: FullModel) -> None:
        self._maps = {name: PressureMap(leg, name, full.built.mesh(name), full.tets(name)) for name in SEGMENTS}
        self._full = full
        self._rows: list[list[float]] = []

    def add(self, reading: Reading) -> None:
        """Of the instant that the model's nodes are at."""
        p95 = [self._maps[name].at(self._full.points_m(name)).p95_pa for name in SEGMENTS]
        self._rows.append([reading.knee_torque_nm, reading.hinge_rad - reading.knee_rad, *p95])

    def settled(self) -> dict[str, F64]:
        """By name, once the walk has begun."""
        names = ("knee_nm", "bend_rad", *(f"{name}_p95_pa" for name in SEGMENTS))
        return dict(zip(names, np.array(self._rows[_SETTLED_FRAMES:]).T, strict=True))


def _long(leg: Phantom, steps: int) -> tuple[dict[str, F64], float]:
    """As the observer steps; ms of processor time for a frame, median."""
    pace, spent = FullPace(leg, steps), []
    series = _Series(leg, pace.full)
    for k in range(_WALK.frames + 1):
        began = time.thread_time()
        reading = pace.step(_WALK.motor_nm(k * FRAME_S), _WALK.knee_rad(k * FRAME_S), FRAME_S)
        spent.append(1e3 * (time.thread_time() - began))
        if k > 0:
            series.add(reading)
    return series.settled(), float(np.median(spent))


def _own(leg: Phantom, steps: int, tolerance: float) -> tuple[dict[str, F64], float]:
    """By MuJoCo's own steps on the same path; a reading is of the instant at which its step begins."""
    model, spent = FullModel(leg, timestep_s=FRAME_S / steps), []
    model.model.opt.tolerance = tolerance
    series, begin, before_rad, rad = _Series(leg, model), Turn(0.0, 0.0), 0.0, _WALK.knee_rad(0.0)
    for k in range(_WALK.frames + 1):
        after_rad = _WALK.knee_rad((k + 1) * FRAME_S)
        from_nm, to_nm = (_WALK.motor_nm(max(frame, 0) * FRAME_S) for frame in (k - 1, k))
        began = time.thread_time()
        end = knot(before_rad, rad, after_rad, FRAME_S, FRAME_S)
        for i in range(steps):
            share = (i + 1) / steps
            reading = model.step(from_nm + share * (to_nm - from_nm), between(begin, end, FRAME_S, share).rad)
            if i == 0 and k > 0:
                series.add(reading)
        spent.append(1e3 * (time.thread_time() - began))
        begin, before_rad, rad = end, rad, after_rad
    return series.settled(), float(np.median(spent))


def _error_pct(used: F64, fine: F64) -> float:
    return float(100.0 * np.sqrt(np.mean((used - fine) ** 2) / np.mean(fine**2)))
