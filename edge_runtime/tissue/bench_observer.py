"""Part of `bench tissue`: what a frame of the observer costs, one leg and both, and what its large steps err."""

from __future__ import annotations

import time
from typing import Any, Final

import numpy as np

from edge_runtime.stats import quantiles
from edge_runtime.tissue.both_legs import LegPair
from edge_runtime.tissue.geometry import SEGMENTS, Phantom, phantom_for
from edge_runtime.tissue.observer import LONGEST_STEP_S, TOLERANCE, LegObserver, Measured
from edge_runtime.tissue.observer_trial import FRAME_S, Walk
from edge_runtime.tissue.observer_trial import measure as measured_walk
from edge_runtime.tissue.pressure import PressureMap
from edge_runtime.tissue.reduced_pace import Reduced
from edge_runtime.tissue.simulate import FullModel
from edge_runtime.tissue.springs import spring_interface
from edge_runtime.types import F64

_WALK: Final = Walk(strides=2)
_WALK_BOTH: Final = Walk(strides=1)
_WALK_FINE: Final = Walk(strides=1)
_FINE: Final = (8, 1e-6)
_USED: Final = (round(FRAME_S / LONGEST_STEP_S), TOLERANCE)
_SETTLED_FRAMES: Final = 20


def measure() -> dict[str, Any]:
    """`observer_ms`: one leg, default mesh, one 60 Hz frame, pressures and watch included; `observer_cpu_ms`: the same
    in processor time; `observer_both_ms`: both legs on two threads. `observer_error_pct`: RMS over RMS of a walk
    against steps of 2.1 ms solved to 1e-6 with the same inputs."""
    leg = phantom_for(1.75, 75.0)
    spring = spring_interface(leg)
    wall, cpu = _one(leg, measured_walk(_WALK, Reduced(spring, FRAME_S)))
    both = _both(leg, list(measured_walk(_WALK_BOTH, Reduced(spring, FRAME_S))))
    used, fine = _series(leg, *_USED), _series(leg, *_FINE)
    return {
        "observer_ms": quantiles(wall),
        "observer_cpu_ms": quantiles(cpu),
        "observer_both_ms": quantiles(both),
        "observer_error_pct": {name: _error_pct(used[name], fine[name]) for name in fine},
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


def _both(leg: Phantom, stream: list[Measured]) -> list[float]:
    pair = LegPair(LegObserver(leg, None, FRAME_S), LegObserver(leg, None, FRAME_S))
    half, spent = len(stream) // 2, []
    for k, measured in enumerate(stream):
        began = time.perf_counter()
        pair.step(measured, stream[(k + half) % len(stream)], 1)
        spent.append(1e3 * (time.perf_counter() - began))
    return spent[_SETTLED_FRAMES:]


def _series(leg: Phantom, substeps: int, tolerance: float) -> dict[str, F64]:
    """Knee torque, bend, and p95 of both cuffs at the begin of each frame of a walk."""
    model = FullModel(leg, timestep_s=FRAME_S / substeps)
    model.model.opt.tolerance = tolerance
    maps = {name: PressureMap(leg, name, model.built.mesh(name), model.tets(name)) for name in SEGMENTS}
    out: dict[str, list[float]] = {"knee_nm": [], "bend_rad": [], **{f"{name}_p95_pa": [] for name in SEGMENTS}}
    knee_rad = 0.0
    for k in range(_WALK_FINE.frames):
        torque_nm, next_rad = _WALK_FINE.motor_nm(k * FRAME_S), _WALK_FINE.knee_rad(k * FRAME_S)
        for i in range(substeps):
            reading = model.step(torque_nm, knee_rad + (next_rad - knee_rad) * (i + 1) / substeps)
            if i == 0:
                out["knee_nm"].append(reading.knee_torque_nm)
                out["bend_rad"].append(reading.hinge_rad - reading.knee_rad)
                for name in SEGMENTS:
                    out[f"{name}_p95_pa"].append(maps[name].at(model.points_m(name)).p95_pa)
        knee_rad = next_rad
    return {name: np.array(values[_SETTLED_FRAMES:]) for name, values in out.items()}


def _error_pct(used: F64, fine: F64) -> float:
    return float(100.0 * np.sqrt(np.mean((used - fine) ** 2) / np.mean(fine**2)))
