"""Times engines where they work: the whole chain at camera rate on the demo clip, detector and inpainter beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np

import calibration
from calibration.profile import load_profile
from edge_runtime.assembly import make_estimator, make_pose
from edge_runtime.camera import ClipSource, ClipSpec
from edge_runtime.certify.opened import Engines
from edge_runtime.config import DEFAULT_PATH, load_device
from edge_runtime.estimator import Estimator
from edge_runtime.plan import Plan, frame_period_ns
from edge_runtime.types import F64
from engines.backends.base import Buffers, Runner
from engines.backends.guarded import GuardedRunner
from engines.backends.wrapped import WrappedRunner
from engines.beside import Threaded
from engines.fetch import asset_path
from engines.golden import load_golden
from engines.pose.slot import ENGINES

CAMERA_HZ: Final = 60.0
_BESIDE_HZ: Final = 10.0
"""How often the detector and the inpainter are also asked from aside: in life they work for moments only."""

_BESIDE_TICK: Final = ("pose_detection", "inpaint_gait")
_WARM_FRAMES: Final = 60
_PROFILE: Final = Path(calibration.__file__).with_name("profiles") / "demo.toml"


class TimedRunner(WrappedRunner):
    """A `Runner` that notes how long each call took; warming is not counted."""

    def __init__(self, runner: Runner, times_ns: list[int]) -> None:
        super().__init__(runner)
        self._times_ns = times_ns

    def infer(self) -> Buffers:
        """Run once and note the time."""
        began_ns = time.perf_counter_ns()
        outputs = super().infer()
        self._times_ns.append(time.perf_counter_ns() - began_ns)
        return outputs


class _Chosen(Engines):
    """Engines as given, each timed, in place of those chosen for the device."""

    def __init__(self, openers: Mapping[str, Callable[[], Runner]]) -> None:
        super().__init__(Threaded, time.monotonic_ns)
        self._openers = openers
        self.times_ns: dict[str, list[int]] = {name: [] for name in openers}

    def __call__(self, name: str, onnx: Path | None = None) -> GuardedRunner:
        timed = TimedRunner(self._openers[name](), self.times_ns[name])
        guarded = GuardedRunner(name, (timed, None), self._openers[name], float("inf"), Threaded, time.monotonic_ns)
        guarded.warm()
        self._opened.append(guarded)
        return guarded


def in_situ(openers: Mapping[str, Callable[[], Runner]], pose: str, seconds: float) -> dict[str, F64]:
    """Duration of every call of every engine, ms, while all of them run for so long at `CAMERA_HZ` with pose network
    `pose`.

    In this process, at ordinary priority: what else the machine does shows. EngineError: an asset is missing.
    """
    cv2.setNumThreads(1)
    clip = ClipSpec.demo(asset_path("demo_clip"))
    source = ClipSource(clip, 10_000)
    choice = next(choice for choice, name in ENGINES.items() if name == pose)
    device = replace(load_device(), pose_engine=choice)
    plan = Plan(clip, 1, load_profile(_PROFILE), _PROFILE, device, DEFAULT_PATH, Path())
    engines = _Chosen(openers)
    tracker = make_pose(plan, source.size_px, engines)
    chain = make_estimator(plan, frame_period_ns(plan, source), time.monotonic_ns, tracker, engines)
    aside = [_aside(name, openers[name], engines.times_ns[name]) for name in _BESIDE_TICK]
    try:
        chain.warm()
        _play(chain, source, frame_period_ns(plan, source), _WARM_FRAMES, aside)
        for times in engines.times_ns.values():
            times.clear()
        _play(chain, source, frame_period_ns(plan, source), round(seconds * CAMERA_HZ), aside)
    finally:
        for worker in aside:
            worker.close()
        engines.close()
    return {name: np.array(times) * 1e-6 for name, times in engines.times_ns.items()}


def _play(chain: Estimator, source: ClipSource, period_ns: int, count: int, aside: list[Threaded[None, None]]) -> None:
    """`count` frames at camera rate; stamped at the clip's own rate, so that its motion stays gait."""
    still, start_ns = np.zeros(2), time.monotonic_ns()
    for k in range(count):
        due_ns = start_ns + round(k * 1e9 / CAMERA_HZ)
        time.sleep(max(0.0, (due_ns - time.monotonic_ns()) * 1e-9))
        chain.step(source.frame_at(k, period_ns, start_ns), still)
        if k % round(CAMERA_HZ / _BESIDE_HZ) == 0:
            for worker in aside:
                worker.submit(None)


def _aside(name: str, opener: Callable[[], Runner], times_ns: list[int]) -> Threaded[None, None]:
    """A worker with its own copy of the engine, on its golden inputs."""
    runner = TimedRunner(opener(), times_ns)
    for tensor, values in load_golden(name).inputs.items():
        runner.inputs[tensor][...] = values[0]

    def work(_: None) -> None:
        runner.infer()

    return Threaded(work, 1)
