"""The estimator: one camera frame in, one estimate row and one intent out. The same step runs live and in lock-step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from calibration.profile import Profile
from edge_runtime.assist import AssistPolicy, knee_ceiling
from edge_runtime.biomech.ground_physics import GroundPhysics, Refined
from edge_runtime.biomech.kinematics import CUTOFF_HZ, AngleSource, KinematicsFilter
from edge_runtime.biomech.knee_fusion import CONTRADICTS
from edge_runtime.biomech.model import LegModel
from edge_runtime.biomech.occlusion import OcclusionFill, shown
from edge_runtime.biomech.whole_body import BODY_COORDINATES, body_segments
from edge_runtime.biomech.world import CameraPlace, WorldTracker
from edge_runtime.body import Body
from edge_runtime.doubt import NO_DOUBT, Doubt, SolveWatch, encoder_doubt, inferred_doubt, whole_body_doubt, worse
from edge_runtime.encoders import KneeSource
from edge_runtime.estimate_row import EstimateRow
from edge_runtime.estimator_sources import GrfSource, PoseSource
from edge_runtime.types import COORDINATES, F64, SIDES, SOLVED_DOFS, Frame, Grf, Kinematics, KneeLoad, Pose
from engines.backends.faults import EngineFaultError
from firmware_bridge.schema import HostRules

_KNEES: Final = [SOLVED_DOFS.index(f"knee_angle_{side}") for side in SIDES]
_MOTION_CUTOFF_HZ: Final = 0.6 * CUTOFF_HZ  # where the kinematics filter cuts the slowest of the pelvis' travel
_OWN: Final = slice(0, len(COORDINATES))


@dataclass(frozen=True, slots=True)
class Step:
    """Result of one frame: telemetry row (estimate_fields order) and intent [1]; both are reused by the next step."""

    row: F64
    intent: npt.NDArray[Any]


class Timing(NamedTuple):
    """`latency_ns` is L, `frame_ns` the camera's period, `solve_budget_ns` what inverse dynamics, muscles and knee of a
    frame may take together."""

    latency_ns: int
    frame_ns: int
    solve_budget_ns: int


class Estimator:
    """Pose, kinematics, GRF, physics, inverse dynamics, muscle solve, knee load and assist, in this order, for one
    wearer. `pose` is that of the last frame.

    `head` turns landmarks into angles; without it they are read off the image. `place`: the camera, as far as it is
    calibrated. `clock_ns` times the stages; on a
    virtual clock, which stands still within a step, no solve is late.
    """

    def __init__(
        self,
        pose: PoseSource,
        grf: GrfSource,
        legs: OcclusionFill,
        body: Body,
        profile: Profile,
        host: HostRules,
        timing: Timing,
        clock_ns: Callable[[], int],
        head: AngleSource | None = None,
        place: CameraPlace | None = None,
    ) -> None:
        self._pose, self._grf, self._legs, self._clock_ns = pose, grf, legs, clock_ns
        self._mass_kg = profile.person.mass_kg
        self._transmission = np.array([profile.interface_r.transmission, profile.interface_l.transmission])
        self._kinematics = KinematicsFilter(profile.person.height_m, head=head)
        self._world = WorldTracker(profile.person.height_m, place or CameraPlace())
        self._body = body
        person = profile.person
        self._physics = GroundPhysics(body_segments(LegModel(person.height_m, person.mass_kg)), _MOTION_CUTOFF_HZ)
        self._motion = np.zeros((3, len(BODY_COORDINATES)))  # the trunk goes with what is taken for the pelvis' tilt
        self._known = np.zeros(len(BODY_COORDINATES), np.bool_)
        self._watch = SolveWatch(self._mass_kg, timing.solve_budget_ns, host.missed_fade)
        self._doubt = self._interface = NO_DOUBT
        ceiling = knee_ceiling(host, profile.person.mass_kg)
        self._assist = AssistPolicy(profile.assist, ceiling, timing.latency_ns, timing.frame_ns)
        self._row = EstimateRow(body.muscle_names)
        self._exo_nm = np.zeros(2)
        self.pose = _no_pose(0, "searching")

    def warm(self) -> None:
        """Compile and touch everything before the first frame."""
        self._body.warm()
        self._physics.warm()
        nothing = _neutral(0)
        self._assist.step(nothing, None)
        self._kinematics.step(_no_pose(0, "searching"))
        self.reset()

    def reset(self) -> None:
        """Forget the wearer and the history (a scene cut)."""
        self._pose.reset()
        self._kinematics.reset()
        self._world.reset()
        self._legs.reset()
        self._grf.reset()
        self._physics.reset()
        self._body.reset()
        self._watch.reset()
        self._assist.reset()

    def step(self, frame: Frame, exo_nm: F64, interface: Doubt = NO_DOUBT, knees: KneeSource | None = None) -> Step:
        """Process one frame. `exo_nm` [2]: newest measured hinge torque; `interface`: what the tissue observer doubts;
        `knees`: what the encoders say, asked once the pose is there, None where no device is worn.

        The share of it that reaches the knee at rest (the profile's transmission) is what the human does not make;
        what inertia and friction of the hinge take is not modelled here.
        """
        self._exo_nm[:] = self._transmission * exo_nm
        self._interface = interface
        self._row.begin()
        if frame.cut:
            self.reset()
        marks = [self._clock_ns()]
        self.pose = pose = self._track(frame)
        marks.append(self._clock_ns())
        told = None if knees is None else knees.at(pose.t_capture_ns)
        kinematics = self._filled(self._kinematics.step(pose, told))
        self._row.place(self._world.step(pose))
        marks.append(self._clock_ns())
        load, reason = self._mechanics(kinematics, marks)
        intent = self._assist.step(kinematics, load, self._doubt)
        marks.append(self._clock_ns())
        self._row.head(frame, reason, self._pose.detector_ms if self._pose.detector_ran else None, self._legs.fill_ms)
        self._row.motion(kinematics, self._kinematics.seen_knees)
        self._row.end(marks, intent)
        return Step(self._row.values, intent)

    def _track(self, frame: Frame) -> Pose:
        if frame.fault:
            return _no_pose(frame.t_capture_ns, frame.fault)
        try:
            found = self._pose.step(frame.rgb, frame.t_capture_ns)
        except EngineFaultError as fault:
            return _no_pose(frame.t_capture_ns, fault.reason)
        return Pose(
            t_capture_ns=frame.t_capture_ns,
            valid=found.valid,
            reason=found.reason,
            xy_px=found.xy_px,
            visibility=found.visibility,
            world_m=found.world_m,
            score=found.score,
            sharpness=found.sharpness,
            size_px=found.size_px,
        )

    def _filled(self, kinematics: Kinematics) -> Kinematics:
        """With a hidden leg inferred; invalid where the engine that infers failed."""
        try:
            return self._legs.step(kinematics)
        except EngineFaultError as fault:
            return replace(kinematics, valid=False, reason=fault.reason)

    def _mechanics(self, kinematics: Kinematics, marks: list[int]) -> tuple[KneeLoad | None, str]:
        """From kinematics to the knee loads where all of it is valid, and the reason where not."""
        self._doubt = NO_DOUBT
        if not kinematics.valid:
            return None, kinematics.reason
        k = kinematics
        try:
            found = self._grf.step(k.t_capture_ns, k.q, k.qd, shown(k), self._mass_kg, k.sd)
        except EngineFaultError as fault:
            return None, fault.reason
        predicted = Grf(
            k.t_capture_ns,
            found.valid,
            found.reason,
            found.force_n,
            found.cop_ankle_m,
            found.contact,
            self._legs.force_sd_n(found.sd_n, k, self._mass_kg),
        )
        marks.append(self._clock_ns())
        refined = self._refine(k, predicted)
        if refined is None:
            return None, predicted.reason or "refinement"
        grf = Grf(k.t_capture_ns, True, "", refined.force_n, refined.cop_ankle_m, predicted.contact, refined.sd_n)
        body = worse(inferred_doubt(self._legs.inferred_s), whole_body_doubt(refined.doubt, refined.reason))
        body = worse(body, whole_body_doubt(found.doubt, "unfamiliar"))
        self._doubt = worse(body, encoder_doubt(k.encoder == CONTRADICTS))
        marks.append(self._clock_ns())
        return self._solve(k, grf, marks)

    def _solve(self, k: Kinematics, grf: Grf, marks: list[int]) -> tuple[KneeLoad | None, str]:
        """Moments, muscles and knee loads from motion and ground reaction, and what they add to the doubt."""
        moments = self._body.moments(k, grf, self._exo_nm)
        marks.append(self._clock_ns())
        muscles = self._body.muscles(moments)
        marks.append(self._clock_ns())
        load = self._body.knee(muscles)
        marks.append(self._clock_ns())
        solve = self._watch.judge(muscles.reserve_nm[_KNEES], muscles.capped, marks[-1] - marks[-4])
        self._doubt = worse(worse(solve, self._doubt), self._interface)
        self._row.solved(grf, muscles, load, self._doubt, self._watch.late)
        solved = (muscles.converged or muscles.capped) and bool(np.isfinite(load.moment_nm).all())
        return (load, "") if solved else (None, "muscle_solve")

    def _refine(self, k: Kinematics, predicted: Grf) -> Refined | None:
        """The ground reaction that obeys mechanics, its gait events and residuals; None where there is none."""
        for order, values in enumerate((k.q, k.qd, k.qdd)):
            self._motion[order, _OWN] = values
        self._known[_OWN] = shown(k)
        refined = self._physics.step(k.t_capture_ns, self._motion, self._known, predicted)
        if refined is not None:
            self._row.gait(self._physics, refined)
        return refined


def _neutral(t_ns: int) -> Kinematics:
    zeros = np.zeros(len(COORDINATES))
    return Kinematics(t_ns, False, "warming_up", zeros, zeros, zeros, zeros, np.zeros(len(COORDINATES), bool))


def _no_pose(t_ns: int, reason: str) -> Pose:
    return Pose(t_ns, False, reason, np.zeros((33, 2)), np.zeros(33), np.zeros((33, 3)), 0.0)
