"""Part of `bench tissue`: what a frame of the observer costs, one leg and both, and what its large steps err."""

from __future__ import annotations

import time
from typing import Any, Final

import numpy as np

from edge_runtime.stats import quantiles
from edge_runtime.tissue.both_legs import LegPair
from edge_runtime.tissue.full_pace import FullPace, Turn, between, knot
from edge_runtime.tissue.geometry import SEGMENTS, Phantom, phantom_for
from edge_runtime.tissue.observer import LegObserver, Measured
from edge_runtime.tissue.observer_trial import FRAME_S, Walk
from edge_runtime.tissue.observer_trial import measure as measured_walk
from edge_runtime.tissue.pressure import PressureMap
from edge_runtime.tissue.reduced_pace import Reduced
from edge_runtime.tissue.simulate import FullModel, Reading
from edge_runtime.tissue.springs import spring_interface
from edge_runtime.types import F64

_WALK: Final = Walk(strides=2)
_WALK_BOTH: Final = Walk(strides=1)
_WALK_FINE: Final = Walk(strides=1)
_REFERENCE: Final = (8, 16)
_REFERENCE_TOLERANCE: Final = 1e-6
_SETTLED_FRAMES: Final = 20


def measure() -> dict[str, Any]:
    """`observer_ms`: one leg, default mesh, one 60 Hz frame, pressures and watch included; `observer_cpu_ms`: the same
    in processor time; `observer_both_ms`: both legs on two threads, `observer_both_cpu_ms` in processor time.
    `observer_error_pct`: RMS over RMS of a walk against MuJoCo's own steps of 2.1 and 1.0 ms with the same inputs,
    extrapolated to none, for they are of first order."""
    leg = phantom_for(1.75, 75.0)
    spring = spring_interface(leg)
    wall, cpu = _one(leg, measured_walk(_WALK, Reduced(spring, FRAME_S)))
    both, both_cpu = _both(leg, list(measured_walk(_WALK_BOTH, Reduced(spring, FRAME_S))))
    used, (coarse, fine) = _used(leg), (_reference(leg, steps) for steps in _REFERENCE)
    return {
        "observer_ms": quantiles(wall),
        "observer_cpu_ms": quantiles(cpu),
        "observer_both_ms": quantiles(both),
        "observer_both_cpu_ms": quantiles(both_cpu),
        "observer_error_pct": {name: _error_pct(used[name], 2.0 * fine[name] - coarse[name]) for name in fine},
    }


def _one(leg: Phantom, stream: Any) -> tuple[list[float], list[float]]:
    observer = LegObserver(leg, None, FRAME_S)
    observer.warm()
    wall, cpu = [], []
    for measured in stream:
        began, began_cpu = time.perf_counter(), time.thread_time()
        observer.step(measured)
        wall.append(1e3 * (time.perf_counter() - began))
        cpu.append(1e3 * (time.thread_time() - began_cpu))
    return wall[_SETTLED_FRAMES:], cpu[_SETTLED_FRAMES:]


def _both(leg: Phantom, stream: list[Measured]) -> tuple[list[float], list[float]]:
    pair = LegPair(LegObserver(leg, None, FRAME_S), LegObserver(leg, None, FRAME_S))
    half, wall, cpu = len(stream) // 2, [], []
    for k, measured in enumerate(stream):
        began, began_cpu = time.perf_counter(), time.process_time()
        pair.step(measured, stream[(k + half) % len(stream)], 1)
        wall.append(1e3 * (time.perf_counter() - began))
        cpu.append(1e3 * (time.process_time() - began_cpu))
    return wall[_SETTLED_FRAMES:], cpu[_SETTLED_FRAMES:]


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


def _used(leg: Phantom) -> dict[str, F64]:
    """As the observer steps."""
    pace = FullPace(leg)
    series = _Series(leg, pace.full)
    for k in range(_WALK_FINE.frames + 1):
        reading = pace.step(_WALK_FINE.motor_nm(k * FRAME_S), _WALK_FINE.knee_rad(k * FRAME_S), FRAME_S)
        if k > 0:
            series.add(reading)
    return series.settled()


def _reference(leg: Phantom, steps: int) -> dict[str, F64]:
    """By MuJoCo's own steps on the same path; a reading is of the instant at which its step begins."""
    model = FullModel(leg, timestep_s=FRAME_S / steps)
    model.model.opt.tolerance = _REFERENCE_TOLERANCE
    series, begin, before_rad, rad = _Series(leg, model), Turn(0.0, 0.0), 0.0, _WALK_FINE.knee_rad(0.0)
    for k in range(_WALK_FINE.frames + 1):
        after_rad = _WALK_FINE.knee_rad((k + 1) * FRAME_S)
        from_nm, to_nm = (_WALK_FINE.motor_nm(max(frame, 0) * FRAME_S) for frame in (k - 1, k))
        end = knot(before_rad, rad, after_rad, FRAME_S, FRAME_S)
        for i in range(steps):
            share = (i + 1) / steps
            reading = model.step(from_nm + share * (to_nm - from_nm), between(begin, end, FRAME_S, share).rad)
            if i == 0 and k > 0:
                series.add(reading)
        begin, before_rad, rad = end, rad, after_rad
    return series.settled()


def _error_pct(used: F64, fine: F64) -> float:
    return float(100.0 * np.sqrt(np.mean((used - fine) ** 2) / np.mean(fine**2)))
