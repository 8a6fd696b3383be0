"""Part of `bench tissue`: how long the observer's frame takes, and what it finds, finite elements on both sides."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from edge_runtime.progress import progress
from edge_runtime.stats import quantiles
from edge_runtime.tissue.geometry import Phantom, phantom_for
from edge_runtime.tissue.observer import LegObserver, Measured
from edge_runtime.tissue.observer_trial import FRAME_S, FullPlant, Walk, found, observe, slid
from edge_runtime.tissue.observer_trial import measure as measured_walk

_SLIP_STRIDE: Final = 11
_WALK: Final = Walk(strides=10)
_LONG: Final = Walk(strides=16)


def measure() -> dict[str, Any]:
    """`observer_ms`: one leg, default mesh, one 60 Hz frame. `observer_trials`: what the watch says of a leg like the
    model's, of softer and stiffer tissue, of other cuffs, and of a device that slips; times are of simulated walking,
    after the slip or from the start."""
    leg = phantom_for(1.75, 75.0)
    observer = LegObserver(leg, None, FRAME_S)
    spent: list[float] = []
    trials = _trials(leg)
    rows = []
    for i in progress(range(len(trials)), len(trials), "observer trials"):
        name, walk, plant, slipped, turned_rad = trials[i]
        rows.append({"leg": name} | _trial(observer, walk, plant, slipped, turned_rad, spent))
    return {"observer_ms": quantiles(spent), "observer_trials": rows}


_Trial = tuple[str, Walk, Phantom, Phantom | None, float]


def _trials(leg: Phantom) -> list[_Trial]:
    def tissue(share: float) -> Phantom:
        return replace(leg, material=replace(leg.material, young_pa=share * leg.material.young_pa))

    short = {name: replace(getattr(leg, name), length_m=0.06) for name in ("thigh_cuff", "shank_cuff")}
    same = [(f"tissue x {share:g}", _WALK, tissue(share), None, 0.0) for share in (0.8, 1.0, 1.2)]
    return [
        *same,
        ("tissue x 0.5", _WALK, tissue(0.5), None, 0.0),
        ("tissue x 2.5", _WALK, tissue(2.5), None, 0.0),
        ("cuffs of 6 cm, not 12", _WALK, replace(leg, **short), None, 0.0),
        ("slips forward by 25 mm", _LONG, leg, slid(leg, 0.0, 0.025), 0.0),
        ("slips down by 30 mm", _LONG, leg, slid(leg, 0.03), 0.0),
        ("a cuff turns by 8 deg", _LONG, leg, None, math.radians(8.0)),
    ]


def _trial(
    observer: LegObserver, walk: Walk, plant: Phantom, slipped: Phantom | None, turned_rad: float, spent: list[float]
) -> dict[str, Any]:
    slips = slipped is not None or turned_rad != 0.0
    slip_frame = round(_SLIP_STRIDE * walk.stride_s / FRAME_S) if slips else 0
    other = FullPlant(slipped) if slipped is not None else None
    stream = measured_walk(walk, FullPlant(plant), other, slip_frame, turned_rad)
    observer.restart()
    seen = observe(observer, _timed(stream, spent))
    result = found([one.judgement for one in seen])
    times = {
        f"{name}_doubt_s": (frame - slip_frame) * FRAME_S if frame >= 0 else None
        for name, frame in (("first", result.first), ("full", result.full))
    }
    last = seen[-1]
    return {
        "cause": result.cause, **times, "gain": result.last.gain, "slip_deg": math.degrees(result.last.slip_rad),
        "loss_j": last.loss_j, "given_j": last.given_j,
        "min_det_f": min(one.min_det_f for one in seen),
    }  # fmt: skip


def _timed(stream: Iterator[Measured], spent: list[float]) -> Iterator[Measured]:
    """Hands the frames on; between two of them lies the observer's work."""
    for measured in stream:
        began = time.perf_counter()
        yield measured
        spent.append(1e3 * (time.perf_counter() - began))
