"""What the child processes of a live run do: the torque loop, and the estimator at camera rate."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from calibration.reduced_tissue import tissues_of
from edge_runtime import shared
from edge_runtime.assembly import make_encoders, make_estimator, make_pose, make_tissue_observer
from edge_runtime.camera import ClipSource
from edge_runtime.certify.opened import Engines
from edge_runtime.errors import WORLD_ERRORS, UserError
from edge_runtime.fault_door import CAMERA_SOCKET, LiveCamera
from edge_runtime.intent import INTENT_WORDS, new_intent
from edge_runtime.plan import Plan, frame_period_ns
from edge_runtime.rt import rights
from edge_runtime.rt.loop import run_realtime
from edge_runtime.rt.mailbox import latest, publish, push
from edge_runtime.rt.rehearsal import rehearse
from edge_runtime.rt.rig import new_rig
from edge_runtime.rt.torque import new_torque
from edge_runtime.simulated_wearer import WEARER_FILE, read_wearer, write_wearer
from edge_runtime.telemetry import ESTIMATE_HEAD
from edge_runtime.types import Frame
from engines.beside import Threaded
from firmware_bridge.bus import UNIX_PREFIX, open_torque_bus
from firmware_bridge.simulator.process import SimLink
from firmware_bridge.table import TABLE

_READY_COLUMN: Final = ESTIMATE_HEAD.index("t_ready_ns")
_OBSERVER_NICE: Final = 5  # the observer gives way to everything else of the run
_BUDGET_SPENT_MS: Final = 1000.0
_BUDGET_FRAMES: Final = 10
_NAP_S: Final = 0.5
_SPARE_S: Final = 0.008  # half a frame at 60 Hz: time for a call of an engine that is growing cold
_WARM_FRAMES: Final = 12  # enough for the detector to find the wearer and the landmark net to run


@dataclass(frozen=True, slots=True)
class Links:
    """How a child reaches the rest: its parent, the shared block, the bus, and the simulated rig (None on hardware)."""

    parent: int
    block: str
    estimate_width: int
    bus: str
    rig: Path | None


def child(target: Callable[[Plan, Links], None], plan: Plan, links: Links) -> None:
    """Entry point of a child: a world error is one line and status 1; it does not outlive its parent."""
    rights.die_with_parent(links.parent)
    try:
        target(plan, links)
    except WORLD_ERRORS as error:
        print(f"exo-edge: {error}", file=sys.stderr)
        sys.exit(1)


def torque_loop(plan: Plan, links: Links) -> None:
    """The torque loop until STOP; compiled and warm before it takes real-time rights."""
    rings = shared.attach(links.block, links.estimate_width)
    rings.control[shared.LOOP_STEP] = 1
    bus = open_torque_bus(links.bus)
    if bus.hardware and links.bus.startswith(UNIX_PREFIX):
        raise UserError(f"bus {links.bus}: what listens there now is not what was there before the run; start again")
    rings.control[shared.BUS_SIMULATED] = not bus.hardware
    link = SimLink(links.rig) if links.rig is not None else None
    if link is not None:
        os.set_blocking(link.fd, False)
    torque = new_torque(TABLE, plan.profile, plan.device, bus.fd, tissues_of(plan.profile, plan.profile_path))
    torque = torque._replace(evidence=torque.evidence._replace(ring=rings.misses), readings=rings.encoders)
    path = None if links.rig is None else read_wearer(links.rig.with_name(WEARER_FILE))
    rig = new_rig(-1 if link is None else link.fd, path, rings.control)
    rehearse(TABLE, plan.profile, plan.device)
    rings.control[shared.LOOP_STEP] = 2
    missing, problems = rights.claim(plan.device.loop_core, plan.device.loop_priority)
    for problem in problems:
        print(f"torque loop: {problem}", file=sys.stderr)
    rings.control[shared.RIGHTS_MISSING] = missing
    rings.control[shared.LOOP_THREAD] = threading.get_native_id()
    gc.disable()
    while bus.receive() is not None:  # what the firmware said while we compiled
        pass
    run_realtime(torque, rig, rings.control, rings.intent, rings.feedback, rings.cycles)
    bus.close()


def estimator(plan: Plan, links: Links) -> None:
    """Estimate frame after frame of the clip in real time; one overtaken by the next is dropped and counted."""
    rings = shared.attach(links.block, links.estimate_width)
    rings.control[shared.ESTIMATOR_STEP] = 1
    if problem := rights.pin(plan.device.estimator_core):
        print(f"estimator: {problem}", file=sys.stderr)
    cv2.setNumThreads(1)
    if plan.live:
        from edge_runtime.live_estimator import estimate_live

        estimate_live(plan, rings)
        return
    source = ClipSource(plan.clip, plan.passes)
    with closing(Engines(Threaded, time.monotonic_ns)) as engines:
        _estimate(plan, links, source, engines, rings)
        rings.control[shared.ESTIMATOR_DONE] = 1  # before the engines close: nobody waits for that


def _estimate(plan: Plan, links: Links, source: ClipSource, engines: Engines, rings: shared.Rings) -> None:
    period_ns = frame_period_ns(plan, source)
    pose = make_pose(plan, source.size_px, engines)
    chain = make_estimator(plan, period_ns, time.monotonic_ns, pose, engines)
    for note in engines.notes:
        print(f"estimator: {note}", file=sys.stderr)
    chain.warm()
    rings.control[shared.ESTIMATOR_STEP] = 2
    feedback, interface = shared.FeedbackReader(rings), shared.DoubtReader(rings)
    knees = make_encoders(plan, rings.encoders)
    for k in range(min(_WARM_FRAMES, len(source))):
        chain.step(source.frame_at(k, period_ns, 0), feedback.torque_nm())
        time.sleep(0.02)
    chain.reset()
    gc.collect()
    gc.freeze()
    if problem := rights.fifo(plan.device.estimator_priority):
        print(f"estimator: {problem}", file=sys.stderr)
    engines.watch_time()
    rings.control[shared.ESTIMATOR_READY] = 1
    start_ns = wait_for_start(rings, engines.keep_warm)
    camera = LiveCamera(source, None if links.rig is None else links.rig.with_name(CAMERA_SOCKET))
    k, last = 0, -1
    while k < len(source) and not rings.control[shared.STOP]:
        frame = camera.frame_at(k, period_ns, start_ns)
        if frame is None:
            k += 1
            continue
        if k // len(source.frames) != last // len(source.frames):
            frame = replace(frame, cut=True)  # also where the first frame of the pass was dropped
        last = k
        _sleep_until(frame.t_capture_ns, engines.keep_warm)
        step = chain.step(frame, feedback.torque_nm(), interface.doubt(), knees)
        publish(rings.intent, step.intent.view(np.int64))
        step.row[_READY_COLUMN] = time.monotonic_ns()
        push(rings.estimates, step.row.view(np.int64))
        k = _next_frame(rings, k, frame, period_ns)
        rings.control[shared.FRAMES] = k


def simulated_wearer(plan: Plan, links: Links) -> None:
    """Look at the clip beforehand, for the loop's simulated rig; ends at once."""
    assert links.rig is not None
    cv2.setNumThreads(1)
    write_wearer(plan, links.rig.with_name(WEARER_FILE))


def tissue_observer(plan: Plan, links: Links) -> None:
    """Finite elements of both legs beside the loop, frame after frame, until STOP; nobody waits for it."""
    rings = shared.attach(links.block, links.estimate_width)
    rings.control[shared.TISSUE_STEP] = 1
    os.nice(_OBSERVER_NICE)
    period_ns = frame_period_ns(plan, None if plan.live else ClipSource(plan.clip, plan.passes))
    observer = make_tissue_observer(plan, period_ns, time.monotonic_ns)
    if observer is not None:
        observer.warm()
    rings.control[shared.TISSUE_STEP] = shared.TISSUE_WARM
    feedback, intent = shared.FeedbackReader(rings), new_intent()
    words = np.zeros(INTENT_WORDS, np.int64)
    budget = Budget(plan.device.tissue_budget_ms)
    next_ns = wait_for_start(rings)
    while observer is not None and not rings.control[shared.STOP] and not rings.control[shared.ESTIMATOR_DONE]:
        _sleep_until(next_ns)
        now_ns = time.monotonic_ns()
        late = max(0, now_ns - next_ns) // period_ns
        next_ns += period_ns * (1 + late)
        if latest(rings.intent, words) <= 0:
            continue
        intent.view(np.int64)[:] = words
        seen = observer.step(now_ns, intent, *feedback.torque_and_hinge())
        publish(rings.interface_doubt, shared.doubt_words(seen.doubt))
        push(rings.tissue, seen.row.view(np.int64))
        for cuff_map in seen.maps:
            push(rings.tissue_maps, cuff_map.packed().view(np.int64))
        if seen.worked and budget.spent((time.monotonic_ns() - now_ns) * 1e-6):
            rings.control[shared.TISSUE_OFF] = 1
            return


class Budget:
    """Says when frames in a row, each longer than allowed, have taken a second together; never of a few held up."""

    def __init__(self, limit_ms: float) -> None:
        self._limit_ms, self._over_ms, self._frames = limit_ms, 0.0, 0

    def spent(self, took_ms: float) -> bool:
        """Count one frame; True where it is the one too many."""
        if took_ms <= self._limit_ms:
            self._over_ms, self._frames = 0.0, 0
            return False
        self._over_ms, self._frames = self._over_ms + took_ms, self._frames + 1
        return self._over_ms >= _BUDGET_SPENT_MS and self._frames >= _BUDGET_FRAMES


def wait_for_start(rings: shared.Rings, meanwhile: Callable[[], None] = lambda: None) -> int:
    """When frames begin, ns; 0 where the run ends before they do. `meanwhile` is done again and again."""
    while not rings.control[shared.START_NS] and not rings.control[shared.STOP]:
        meanwhile()
        time.sleep(0.005)
    return int(rings.control[shared.START_NS])


def _sleep_until(t_ns: int, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Sleep up to `t_ns`; `meanwhile` is done at times as long as there is time for it."""
    while (ahead_s := (t_ns - time.monotonic_ns()) * 1e-9) > 0.0:
        if ahead_s > _SPARE_S:
            meanwhile()
        time.sleep(min(max(0.0, (t_ns - time.monotonic_ns()) * 1e-9), _NAP_S))


def _next_frame(rings: shared.Rings, k: int, frame: Frame, period_ns: int) -> int:
    """The newest frame that has been captured by now; what lies between was never looked at."""
    behind = max(0, (time.monotonic_ns() - frame.t_capture_ns) // period_ns - 1)
    rings.control[shared.DROPPED] += behind
    return k + 1 + int(behind)
