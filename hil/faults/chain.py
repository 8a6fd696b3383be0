"""Faults of camera and engines in a whole run in lock-step: real pictures, real networks, the compiled firmware."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from edge_runtime.assembly import make_estimator, make_pose
from edge_runtime.body import body_of
from edge_runtime.camera import ClipSource, FrameSource
from edge_runtime.camera_faults import KINDS, CameraFault, FaultyCamera, LatecomerClip
from edge_runtime.certify.opened import Engines
from edge_runtime.doubt import NO_DOUBT, Doubt
from edge_runtime.encoders import KneeSource
from edge_runtime.errors import UserError
from edge_runtime.estimator import Estimator, Step
from edge_runtime.lockstep_run import LockstepRun
from edge_runtime.plan import Plan, frame_period_ns
from edge_runtime.record.recorder import Recorder
from edge_runtime.telemetry import estimate_fields
from edge_runtime.types import F64, Frame
from engines.beside import Inline
from hil.faults.model import Fault
from hil.faults.runner import EngineTrouble, FaultyRunner

_VALUE: Final = {"camera_slow": "factor", "camera_blur": "sigma", "camera_remounted": "roll"}
_ENGINES: Final = ("engine_nan", "engine_wrong_shape")
_FOREVER_NS: Final = 1 << 62


def run_chain(plan: Plan, faults: Sequence[Fault], folder: Path) -> str | None:
    """Run the plan into `folder`, which exists; `faults` count from the first frame. Returns why it could not go on,
    None where it could. UserError for a fault that is not one of camera or engines."""
    for fault in faults:
        if fault.kind not in (*KINDS, *_ENGINES):
            raise UserError(f"{fault.kind}: not a fault of camera or engines; run it without pictures")
    source = ClipSource(plan.clip, plan.passes)
    period_ns = frame_period_ns(plan, source)
    camera = FaultyCamera(source, [camera_fault(fault) for fault in faults if fault.kind in KINDS])
    given = [k for k in range(len(source)) if camera.frame_at(k, period_ns, 0) is not None]
    muscles = body_of(plan.profile, plan.profile_path).muscle_names
    with Recorder(folder, muscles, {}) as recorder:
        run = LockstepRun(plan, recorder, len(estimate_fields(muscles)), partial(_faulty_estimator, faults))
        run.run(LatecomerClip(camera, given))
    return run.problem or recorder.failed


def camera_fault(fault: Fault) -> CameraFault:
    """The same for `edge_runtime.camera_faults`."""
    start_ns = round(fault.start_s * 1e9)
    end_ns = start_ns + round(fault.duration_s * 1e9) if fault.duration_s else _FOREVER_NS
    value = fault.number(_VALUE[fault.kind]) if fault.kind in _VALUE else 0.0
    return CameraFault(fault.kind, start_ns, end_ns, value)


class _FaultyEstimator:
    """The estimator, whose engines suffer what holds at each frame."""

    def __init__(self, chain: Estimator, trouble: EngineTrouble, faults: Sequence[Fault]) -> None:
        self._chain, self._trouble, self._faults = chain, trouble, faults
        self._first_ns: int | None = None

    def warm(self) -> None:
        self._chain.warm()

    def step(self, frame: Frame, exo_nm: F64, interface: Doubt = NO_DOUBT, knees: KneeSource | None = None) -> Step:
        self._first_ns = frame.t_capture_ns if self._first_ns is None else self._first_ns
        t_s = (frame.t_capture_ns - self._first_ns) * 1e-9
        holding = {fault.kind for fault in self._faults if fault.holds(t_s)}
        self._trouble.nan, self._trouble.wrong_shape = (kind in holding for kind in _ENGINES)
        return self._chain.step(frame, exo_nm, interface, knees)


def _faulty_estimator(faults: Sequence[Fault], plan: Plan, source: FrameSource, clock_ns: Callable[[], int]) -> Any:
    """As `edge_runtime.lockstep_run.inline_estimator`, the fault below the guard of each engine."""
    trouble = EngineTrouble()
    engines = Engines(Inline, clock_ns, lambda runner: FaultyRunner(runner, trouble))
    pose = make_pose(plan, source.size_px, engines)
    chain = make_estimator(plan, frame_period_ns(plan, source), clock_ns, pose, engines)
    return _FaultyEstimator(chain, trouble, faults)
