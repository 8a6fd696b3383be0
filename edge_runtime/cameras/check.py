"""`camera check`: reads a camera for a while and says what came."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import numpy as np

from edge_runtime.cameras.health import CameraHealth
from edge_runtime.cameras.open import open_camera
from edge_runtime.cameras.spec import CameraSpec
from edge_runtime.errors import UserError
from edge_runtime.stats import host_block, jsonable, quantiles


def check_camera(spec: CameraSpec, seconds: float) -> dict[str, Any]:
    """Rate, stamps, faults against its own first pictures, and the processor time of judging; UserError where nothing
    comes."""
    camera, health = open_camera(spec), CameraHealth()
    stamps_ns, ages_ms, judge_ms, faults = [], [], [], Counter[str]()
    shape: tuple[int, ...] = (0, 0)
    until_ns = time.monotonic_ns() + round(seconds * 1e9)
    try:
        while time.monotonic_ns() < until_ns and (shot := camera.read()) is not None:
            ages_ms.append((time.monotonic_ns() - shot.t_capture_ns) * 1e-6)
            before_ns = time.thread_time_ns()
            fault = health.judge(shot.rgb, shot.t_capture_ns)
            judge_ms.append((time.thread_time_ns() - before_ns) * 1e-6)
            faults.update([fault] if fault else [])
            stamps_ns.append(shot.t_capture_ns)
            shape = shot.rgb.shape
        by = camera.stamps
    finally:
        camera.close()
    if len(stamps_ns) < 2:
        raise UserError(f"camera {spec.source}: {len(stamps_ns)} pictures in {seconds:g} s; nothing to measure")
    steps_ms = np.diff(stamps_ns) * 1e-6
    result = {
        "frames": len(stamps_ns),
        "height_px": shape[0],
        "width_px": shape[1],
        "rate_hz": 1e3 / float(np.mean(steps_ms)),
        "stamps": by,
        "period_ms": quantiles(steps_ms),
        "age_ms": quantiles(np.array(ages_ms)),
        "judge_ms": quantiles(np.array(judge_ms)),
        "faults": dict(faults),
    }
    found = jsonable(result | host_block())
    assert isinstance(found, dict)
    return found
