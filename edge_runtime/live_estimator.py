"""The estimator's loop on a live camera: newest frame in, intent out, until the run stops."""

from __future__ import annotations

import contextlib
import gc
import sys
import time
from dataclasses import replace
from typing import Final

import numpy as np

from edge_runtime import shared
from edge_runtime.assembly import make_estimator
from edge_runtime.cameras.live import LiveCamera
from edge_runtime.cameras.privacy import FaceBlur, YuNet
from edge_runtime.cameras.store import FrameStore, Picture
from edge_runtime.estimator import Estimator
from edge_runtime.plan import Plan, frame_period_ns
from edge_runtime.processes import wait_for_start
from edge_runtime.rt import rights
from edge_runtime.rt.mailbox import publish, push
from edge_runtime.telemetry import ESTIMATE_HEAD
from engines.beside import Threaded
from engines.fetch import asset_path

_READY_COLUMN: Final = ESTIMATE_HEAD.index("t_ready_ns")
_WARM_FRAMES: Final = 12


def estimate_live(plan: Plan, rings: shared.Rings) -> None:
    """Estimate from the plan's camera until STOP, or until its time is over."""
    with LiveCamera(plan.device.camera) as camera:
        height, width = camera.first().rgb.shape[:2]
        chain = make_estimator(plan, frame_period_ns(plan, None), Threaded, time.monotonic_ns, (width, height))
        chain.warm()
        rings.control[shared.ESTIMATOR_STEP] = 2
        _try_networks(chain, camera, rings)
        if problem := rights.fifo(plan.device.estimator_priority):
            print(f"estimator: {problem}", file=sys.stderr)
        print(f"estimator: camera {plan.pictures}, stamps by {camera.stamps}", file=sys.stderr)
        rings.control[shared.ESTIMATOR_READY] = 1
        start_ns = wait_for_start(rings)
        end_ns = start_ns + round(plan.seconds * 1e9) if plan.seconds else None
        with contextlib.ExitStack() as stack:
            store = _open_store(plan, stack)
            _loop(chain, camera, rings, end_ns, store)
    rings.control[shared.ESTIMATOR_DONE] = 1


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
    chain: Estimator, camera: LiveCamera, rings: shared.Rings, end_ns: int | None, store: FrameStore | None
) -> None:
    feedback, interface = shared.FeedbackReader(rings), shared.DoubtReader(rings)
    said = False
    while not rings.control[shared.STOP] and (end_ns is None or time.monotonic_ns() < end_ns):
        frame = camera.next()
        if camera.ended is not None and frame.fault:
            if not said:
                print(f"estimator: {camera.ended}; no estimates from here on", file=sys.stderr)
                said = True
            time.sleep(camera.stall_s)
        step = chain.step(frame, feedback.torque_nm(), interface.doubt())
        publish(rings.intent, step.intent.view(np.int64))
        step.row[_READY_COLUMN] = time.monotonic_ns()
        push(rings.estimates, step.row.view(np.int64))
        if store is not None and not frame.fault:
            store.offer(Picture(frame.rgb, chain.pose.xy_px if chain.pose.valid else None, frame.t_capture_ns))
        rings.control[shared.FRAMES] = frame.index + 1
        rings.control[shared.DROPPED] = camera.overtaken
