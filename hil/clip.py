"""The whole estimator as a source of intents: frames of the demo clip through pose, physics, muscles and policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from calibration.profile import Profile
from edge_runtime.assembly import make_estimator, make_pose
from edge_runtime.camera import ClipSource, ClipSpec
from edge_runtime.camera_faults import FaultyCamera
from edge_runtime.certify.opened import Engines
from edge_runtime.config import DEFAULT_PATH, load_device
from edge_runtime.errors import UserError
from edge_runtime.intent import at
from edge_runtime.plan import Plan
from edge_runtime.rt.rig import FOLLOWS_LATE_S
from edge_runtime.telemetry import ESTIMATE_HEAD, STAGES
from edge_runtime.types import F64
from engines.beside import Inline
from engines.demo_clip import CROP, FIRST, LAST
from engines.fetch import asset_path
from hil.faults.chain import camera_fault
from hil.faults.model import Fault
from hil.intents import Asked
from hil.wish import Clip

_PICTURE_FAULTS: Final = ("camera_black", "camera_blur", "camera_wrong_person", "camera_remounted")
_FOREVER_NS: Final = 1 << 62
_TRACKING_RADPS: Final = 2.0 / FOLLOWS_LATE_S  # critically damped, as the simulated wearer of a run follows the video
_RATE_MAX_RADPS: Final = 8.0
_STEP_S: Final = 1e-3
_READY: Final = ESTIMATE_HEAD.index("t_ready_ns")
_WALL: Final = [ESTIMATE_HEAD.index(name) for name in ("detector_ms", "inpaint_ms", *(f"{s}_ms" for s in STAGES))]


class ClipIntents:
    """Implements `hil.intents.IntentSource` on a clip at its own rate; the clip starts again where it ends.

    Raises EngineError where an asset is missing: `exo-edge fetch`.
    """

    def __init__(self, wish: Clip, profile: Profile, profile_path: Path, faults: Sequence[Fault]) -> None:
        first = FIRST + wish.first
        if first + wish.frames - 1 > LAST:
            raise UserError(f"clip: the demo clip has {LAST - FIRST + 1} frames of gait; ask for fewer")
        spec = ClipSpec(asset_path("demo_clip"), first, first + wish.frames - 1, CROP)
        self._source = ClipSource(spec)
        self._faults = [camera_fault(fault) for fault in faults if fault.kind in _PICTURE_FAULTS]
        self.frame_ns = round(1e9 / self._source.fps)
        plan = Plan(spec, 1, profile, profile_path, load_device(), DEFAULT_PATH, Path())
        self._now_ns = 0
        engines = Engines(Inline, lambda: self._now_ns)
        pose = make_pose(plan, self._source.size_px, engines)
        self._estimator = make_estimator(plan, self.frame_ns, lambda: self._now_ns, pose, engines)
        self._estimator.warm()
        self.muscles = muscles_of(profile, profile_path)
        self._delay_ns = round(plan.device.virtual_estimator_ms * 1e6)

    def step(self, k: int, t_ns: int, t_s: float, torque_nm: F64) -> Asked:
        """See `IntentSource`."""
        self._now_ns = t_ns
        number = k % len(self._source)
        camera = FaultyCamera(self._source, [fault for fault in self._faults if fault.holds(round(t_s * 1e9))])
        for i, fault in enumerate(camera.faults):
            camera.faults[i] = replace(fault, start_ns=0, end_ns=_FOREVER_NS)
        frame = camera.frame_at(number, self.frame_ns, t_ns - number * self.frame_ns)
        assert frame is not None  # what gives no frames is the host side's
        step = self._estimator.step(frame, torque_nm)
        step.row[_READY] = t_ns + self._delay_ns
        step.row[_WALL] = np.nan  # what only a real clock can measure
        return Asked(step.intent, step.row)


class Follower:
    """Moves the wearer's knees as the acting intent predicts those of the person in the clip."""

    def __init__(self, angle_rad: F64) -> None:
        self.angle, self.rate = angle_rad.copy(), np.zeros_like(angle_rad)

    def step(self, intent: Any, now_ns: int) -> None:
        """One millisecond on; `intent` is the loop's acting one."""
        for joint in range(len(self.angle)):
            target = self.angle[joint]
            if intent["valid"] == 1:
                target = at(intent["knee_rad"][joint], now_ns - int(intent["t_act_ns"]))
            pull = _TRACKING_RADPS * (_TRACKING_RADPS * (target - self.angle[joint]) - 2.0 * self.rate[joint])
            rate = self.rate[joint] + _STEP_S * pull
            self.rate[joint] = min(max(rate, -_RATE_MAX_RADPS), _RATE_MAX_RADPS)
        self.angle += _STEP_S * self.rate


def muscles_of(profile: Profile, profile_path: Path) -> tuple[str, ...]:
    """Names of the muscles in the estimator's rows."""
    from edge_runtime.body import body_of

    return tuple(body_of(profile, profile_path).muscle_names)
