"""`bench batch`: recorded video through the whole chain as fast as it goes, frame after frame, nothing left out."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any, Final

import cv2
import numpy as np

from edge_runtime.assembly import make_estimator, make_pose
from edge_runtime.camera import ClipSource
from edge_runtime.certify.opened import Engines
from edge_runtime.estimator import Estimator
from edge_runtime.plan import Plan, frame_period_ns
from edge_runtime.stats import host_block, jsonable, quantiles
from edge_runtime.telemetry import ESTIMATE_HEAD, STAGES
from edge_runtime.types import F64
from engines.beside import Inline
from engines.plans import chosen, live_engines

_VALID: Final = ESTIMATE_HEAD.index("valid")
_STAGES: Final = [ESTIMATE_HEAD.index(f"{stage}_ms") for stage in STAGES]


def measure_batch(plan: Plan, count: int) -> dict[str, Any]:
    """Wall time for `count` frames.

    They are stamped at the clip's own rate, so that its motion stays gait. The clip is repeated; each time the wearer
    is found and followed anew, so that some frames end early: `seconds_whole` is what as many frames would take if all
    ran the whole chain.
    """
    cv2.setNumThreads(1)
    began = time.perf_counter()
    source = ClipSource(plan.clip, plan.passes)
    decoded = time.perf_counter()
    period_ns = frame_period_ns(plan, source)
    with closing(Engines(Inline, time.perf_counter_ns)) as engines:
        pose = make_pose(plan, source.size_px, engines)
        chain = make_estimator(plan, period_ns, time.perf_counter_ns, pose, engines)
        chain.warm()
        rows, frame_ms, took_s = _play(chain, source, count, period_ns)
    whole = rows[:, _VALID] == 1.0
    mean_ms = float(frame_ms[whole].mean()) if whole.any() else float("nan")
    result: dict[str, Any] = {
        "clip": plan.clip.path.name,
        "frames": count,
        "frames_whole_chain": int(whole.sum()),
        "seconds": took_s,
        "seconds_whole": mean_ms * count * 1e-3,
        "decode_seconds": (decoded - began) * count / len(source.frames),
        "ms_per_frame": quantiles(frame_ms[whole]),
        "stages_ms": {stage: quantiles(rows[whole, column]) for stage, column in zip(STAGES, _STAGES, strict=True)},
        "engines": {name: pair[1].chosen if (pair := chosen(name)) else "ort_cpu fp32" for name in live_engines()},
        "notes": engines.notes,
    }
    found = jsonable(result | host_block())
    assert isinstance(found, dict)
    return found


def _play(chain: Estimator, source: ClipSource, count: int, period_ns: int) -> tuple[F64, F64, float]:
    """Head of every row [count, columns], duration of every frame [count] ms, and of all together, s."""
    rows, frame_ms = np.zeros((count, len(ESTIMATE_HEAD))), np.zeros(count)
    still = np.zeros(2)
    began_ns = time.perf_counter_ns()
    for k in range(count):
        start_ns = time.perf_counter_ns()
        step = chain.step(source.frame_at(k, period_ns, 1), still)
        frame_ms[k] = (time.perf_counter_ns() - start_ns) * 1e-6
        rows[k] = step.row[: len(ESTIMATE_HEAD)]
    return rows, frame_ms, (time.perf_counter_ns() - began_ns) * 1e-9
