"""The estimator's loop on a live camera: newest frame in, intent out, until the run stops."""

from __future__ import annotations

import contextlib
import gc
import math
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge_runtime import shared
from edge_runtime.assembly import make_encoders, make_estimator, make_pose
from edge_runtime.cameras.live import LiveCamera
from edge_runtime.cameras.privacy import FaceBlur, YuNet
from edge_runtime.cameras.stereo import SYNC_NS, load_views
from edge_runtime.cameras.stereo_pose import StereoPose
from edge_runtime.cameras.store import FrameStore, Picture
from edge_runtime.certify.opened import Engines
from edge_runtime.encoders import KneeSource
from edge_runtime.estimator import Estimator
from edge_runtime.estimator_sources import PoseSource
from edge_runtime.plan import Plan, frame_period_ns
from edge_runtime.processes import wait_for_start
from edge_runtime.rt import rights
from edge_runtime.rt.mailbox import publish, push
from edge_runtime.telemetry import ESTIMATE_HEAD
from edge_runtime.types import U8
from edge_runtime.wearer import WearerSpec
from engines.beside import Threaded
from engines.fetch import asset_path

_READY_COLUMN: Final = ESTIMATE_HEAD.index("t_ready_ns")
_WARM_FRAMES: Final = 12
_PATIENCE_NS: Final = 3_000_000  # the second camera's picture may arrive so much after the first's


def estimate_live(plan: Plan, rings: shared.Rings) -> None:
    """Estimate from the plan's camera until STOP, or until its time is over."""
    with contextlib.ExitStack() as stack:
        engines = stack.enter_context(contextlib.closing(Engines(Threaded, time.monotonic_ns)))
        pose = _LatePose()
        chain = make_estimator(plan, frame_period_ns(plan, None), time.monotonic_ns, pose, engines)
        chain.warm()  # compiles for minutes after an update: before the camera takes its share of the processor
        camera = stack.enter_context(LiveCamera(plan.device.camera))
        pose.source = _open_pose(plan, camera, rings, stack, engines)
        for note in engines.notes:
            print(f"estimator: {note}", file=sys.stderr)
        rings.control[shared.ESTIMATOR_STEP] = 2
        _try_networks(chain, camera, rings)
        if problem := rights.fifo(plan.device.estimator_priority):
            print(f"estimator: {problem}", file=sys.stderr)
        print(f"estimator: camera {plan.pictures}, stamps by {camera.stamps}", file=sys.stderr)
        engines.watch_time()
        rings.control[shared.ESTIMATOR_READY] = 1
        start_ns = wait_for_start(rings, engines.keep_warm)
        end_ns = start_ns + round(plan.seconds * 1e9) if plan.seconds else None
        knees = make_encoders(plan, rings.encoders)
        _loop(chain, camera, rings, end_ns, _open_store(plan, stack), engines, knees)
        rings.control[shared.ESTIMATOR_DONE] = 1  # before all is closed: nobody waits for that


class _LatePose:
    """A pose source whose `source` comes once the camera is open."""

    source: PoseSource | None = None

    @property
    def detector_ran(self) -> bool:
        return self.source is not None and self.source.detector_ran

    @property
    def detector_ms(self) -> float:
        return math.nan if self.source is None else self.source.detector_ms

    def reset(self) -> None:
        if self.source is not None:
            self.source.reset()

    def step(self, rgb: U8, t_capture_ns: int) -> Any:
        assert self.source is not None
        return self.source.step(rgb, t_capture_ns)


def _open_pose(
    plan: Plan, camera: LiveCamera, rings: shared.Rings, stack: contextlib.ExitStack, engines: Engines
) -> PoseSource:
    """The tracker of the first camera, with that of a second one where the device has it."""
    spec = plan.device.camera
    height, width = camera.first().rgb.shape[:2]
    first = make_pose(plan, (width, height), engines)
    if not spec.second:
        return first
    views = load_views(Path(spec.pair))
    second = stack.enter_context(LiveCamera(replace(spec, source=spec.second, reference="")))
    height, width = second.first().rgb.shape[:2]
    unprompted = replace(plan, wearer=WearerSpec())  # the prompt is said of the first; the pair's geometry holds them
    trackers = first, make_pose(unprompted, (width, height), engines)

    def tell(event: str, t_ns: int, amount: float) -> None:
        word = shared.STEREO_SYNC if event == "stereo_sync" else shared.STEREO_REPROJECTION
        rings.control[shared.STEREO_AMOUNT + word - shared.STEREO_SYNC] = round(amount * 1e3)
        rings.control[word] += 1

    return StereoPose(trackers, views, lambda t_ns: second.newest(t_ns - SYNC_NS, _PATIENCE_NS), tell)


def _try_networks(chain: Estimator, camera: LiveCamera, rings: shared.Rings) -> None:
    feedback = shared.FeedbackReader(rings)
    for _ in range(_WARM_FRAMES):
        chain.step(replace(camera.next(), fault=""), feedback.torque_nm())
    chain.reset()
    gc.collect()
    gc.freeze()


def _open_store(plan: Plan, stack: contextlib.ExitStack) -> FrameStore | None:
    """Where the switch is on; it says so."""
    if plan.pictures_to is None:
        return None
    model = asset_path("face_detection_yunet")
    store = FrameStore(plan.pictures_to, lambda: FaceBlur(YuNet(model)), Threaded)
    stack.callback(store.close)
    print(f"estimator: a picture per second is stored in {plan.pictures_to}, faces blurred", file=sys.stderr)
    return store


def _loop(
    chain: Estimator,
    camera: LiveCamera,
    rings: shared.Rings,
    end_ns: int | None,
    store: FrameStore | None,
    engines: Engines,
    knees: KneeSource | None,
) -> None:
    feedback, interface = shared.FeedbackReader(rings), shared.DoubtReader(rings)
    said, unseen = False, camera.overtaken  # pictures that came before the run began count for nobody
    while not rings.control[shared.STOP] and (end_ns is None or time.monotonic_ns() < end_ns):
        frame = camera.next()
        if camera.ended is not None and frame.fault:
            if not said:
                print(f"estimator: {camera.ended}; no estimates from here on", file=sys.stderr)
                said = True
            time.sleep(camera.stall_s)
        step = chain.step(frame, feedback.torque_nm(), interface.doubt(), knees)
        publish(rings.intent, step.intent.view(np.int64))
        step.row[_READY_COLUMN] = time.monotonic_ns()
        push(rings.estimates, step.row.view(np.int64))
        if frame.fault:  # no picture to work on: time to keep the engines warm
            engines.keep_warm()
        if store is not None and not frame.fault:
            store.offer(Picture(frame.rgb, chain.pose.xy_px if chain.pose.valid else None, frame.t_capture_ns))
        rings.control[shared.FRAMES] = frame.index + 1
        rings.control[shared.DROPPED] = camera.overtaken - unseen
