"""Part of `bench tissue`: what a frame of the observer costs, one leg and both, and what its large steps err."""

from __future__ import annotations

import time
from typing import Any, Final

from edge_runtime.stats import quantiles
from edge_runtime.tissue.both_legs import LegPair
from edge_runtime.tissue.full_pace import STEPS
from edge_runtime.tissue.geometry import Phantom, phantom_for
from edge_runtime.tissue.observer import LegObserver, Measured
from edge_runtime.tissue.observer_trial import FRAME_S, Walk
from edge_runtime.tissue.observer_trial import measure as measured_walk
from edge_runtime.tissue.reduced_pace import Reduced
from edge_runtime.tissue.springs import spring_interface
from edge_runtime.tissue.step_errors import step_errors

_WALK: Final = Walk(strides=2)
_WALK_BOTH: Final = Walk(strides=1)
_SETTLED_FRAMES: Final = 20


def measure() -> dict[str, Any]:
    """`observer_ms`: one leg, default mesh, one 60 Hz frame, pressures and watch included; `observer_cpu_ms`: the same
    in processor time; `observer_both_ms`: both legs on two threads, `observer_both_cpu_ms` in processor time.
    `steps`: see `step_errors`; `observer_error_pct`: that of the observer's steps."""
    leg = phantom_for(1.75, 75.0)
    spring = spring_interface(leg)
    wall, cpu = _one(leg, measured_walk(_WALK, Reduced(spring, FRAME_S)))
    both, both_cpu = _both(leg, list(measured_walk(_WALK_BOTH, Reduced(spring, FRAME_S))))
    rows = step_errors(leg)
    used = next(row for row in rows if row["scheme"] == "long" and row["steps"] == STEPS)
    return {
        "observer_ms": quantiles(wall),
        "observer_cpu_ms": quantiles(cpu),
        "observer_both_ms": quantiles(both),
        "observer_both_cpu_ms": quantiles(both_cpu),
        "observer_error_pct": used["error_pct"],
        "steps": rows,
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
