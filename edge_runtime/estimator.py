"""The estimator: one camera frame in, one estimate row and one intent out. The same step runs live and in lock-step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, Protocol

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
from edge_runtime.cameras.faults import CAMERA_FAULTS
from edge_runtime.doubt import NO_DOUBT, Doubt, SolveWatch, encoder_doubt, inferred_doubt, whole_body_doubt, worse
from edge_runtime.encoders import KneeSource
from edge_runtime.intent import at
from edge_runtime.telemetry import ESTIMATE_HEAD, STAGES, estimate_fields
from edge_runtime.types import COORDINATES, F64, SIDES, SOLVED_DOFS, Frame, Grf, Kinematics, KneeLoad, Muscles, Pose
from engines.backends.faults import REASONS as FAULT_REASONS
from engines.backends.faults import EngineFaultError
from firmware_bridge.schema import HostRules

REASONS: Final = (
    "",
    "searching",
    "lost",
    "no_pose",
    "bad_landmarks",
    "settling",
    "hidden",
    "warming_up",
    "gap",
    "bad_input",
    "muscle_solve",
    "refinement",
    "unfamiliar",
    "wearer_lost",
    *CAMERA_FAULTS,
    *FAULT_REASONS,
)
"""Why an estimate is invalid; a row carries the index."""

_KNEES: Final = [SOLVED_DOFS.index(f"knee_angle_{side}") for side in SIDES]
_KNEE_ANGLES: Final = [COORDINATES.index(f"knee_angle_{side}") for side in SIDES]
_LEG_JOINTS: Final = [[i for i, name in enumerate(COORDINATES) if name.endswith(f"_{side}")] for side in SIDES]
_MOTION_CUTOFF_HZ: Final = 0.6 * CUTOFF_HZ  # where the kinematics filter cuts the slowest of the pelvis' travel
_OWN: Final = slice(0, len(COORDINATES))
_COLUMN: Final = {name: i for i, name in enumerate(ESTIMATE_HEAD)}


class PoseSource(Protocol):
    """Finds the wearer in a frame (engines.pose.PoseTracker)."""

    def reset(self) -> None:
        """Forget the wearer."""

    def step(self, rgb: npt.NDArray[np.uint8], t_capture_ns: int) -> Any:
        """Landmarks of the wearer, with the fields of `Pose`."""

    @property
    def detector_ran(self) -> bool:
        """True where a detector run was collected in the last step."""

    @property
    def detector_ms(self) -> float:
        """Duration of that run."""


class GrfSource(Protocol):
    """Estimates ground reaction from motion (engines.grf.GrfEngine)."""

    def reset(self) -> None:
        """Forget the history."""

    def step(self, t_ns: int, q: F64, qd: F64, observed: npt.NDArray[np.bool_], mass_kg: float, sd: F64) -> Any:
        """Ground reaction, with the fields of `Grf`; `sd` [16] is the deviation of `q`."""


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
        self._row = np.zeros(len(estimate_fields(body.muscle_names)))
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
        row = self._row
        row[:] = np.nan
        if frame.cut:
            self.reset()
        marks = [self._clock_ns()]
        self.pose = pose = self._track(frame)
        marks.append(self._clock_ns())
        told = None if knees is None else knees.at(pose.t_capture_ns)
        kinematics = self._filled(self._kinematics.step(pose, told))
        self._locate(pose)
        marks.append(self._clock_ns())
        load, reason = self._mechanics(kinematics, marks)
        intent = self._assist.step(kinematics, load, self._doubt)
        marks.append(self._clock_ns())
        self._head(frame, kinematics, reason, marks, intent)
        return Step(row, intent)

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

    def _locate(self, pose: Pose) -> None:
        place = self._world.step(pose)
        self._row[_COLUMN["world_x_m"] : _COLUMN["world_z_m"] + 1] = place.position_m
        self._row[_COLUMN["world_sd_x_m"] : _COLUMN["world_sd_z_m"] + 1] = place.sd_m

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
        marks.append(self._clock_ns())
        moments = self._body.moments(kinematics, grf, self._exo_nm)
        marks.append(self._clock_ns())
        muscles = self._body.muscles(moments)
        marks.append(self._clock_ns())
        load = self._body.knee(muscles)
        marks.append(self._clock_ns())
        solve = self._watch.judge(muscles.reserve_nm[_KNEES], muscles.capped, marks[-1] - marks[-4])
        body = worse(inferred_doubt(self._legs.inferred_s), whole_body_doubt(refined.doubt, refined.reason))
        body = worse(body, whole_body_doubt(found.doubt, "unfamiliar"))
        body = worse(body, encoder_doubt(k.encoder == CONTRADICTS))
        self._doubt = worse(worse(solve, body), self._interface)
        self._loads(grf, muscles, load)
        solved = (muscles.converged or muscles.capped) and bool(np.isfinite(load.moment_nm).all())
        return (load, "") if solved else (None, "muscle_solve")

    def _refine(self, k: Kinematics, predicted: Grf) -> Refined | None:
        """The ground reaction that obeys mechanics, its gait events and residuals; None where there is none."""
        for order, values in enumerate((k.q, k.qd, k.qdd)):
            self._motion[order, _OWN] = values
        self._known[_OWN] = shown(k)
        refined = self._physics.step(k.t_capture_ns, self._motion, self._known, predicted)
        if refined is not None:
            events, row = self._physics.events, self._row
            for name, pair in (
                ("stance", events.stance),
                ("gait_event", events.code()),
                ("gait_phase", events.phase),
                ("stride_s", events.stride_s),
            ):
                row[_COLUMN[f"{name}_r"] : _COLUMN[f"{name}_l"] + 1] = pair
            residuals = refined.before, refined.left, refined.after
            row[_COLUMN["newton_before_bw"] : _COLUMN["newton_after_bw"] + 1] = residuals
            row[_COLUMN["frame_tilt_deg"] : _COLUMN["frame_turn_deg"] + 1] = self._physics.frame.angle_deg
        return refined

    def _loads(self, grf: Grf, muscles: Muscles, load: KneeLoad) -> None:
        row = self._row
        row[_COLUMN["grf_x_r"] : _COLUMN["grf_z_l"] + 1] = grf.force_n.ravel()
        row[_COLUMN["contact_r"] : _COLUMN["contact_l"] + 1] = grf.contact
        row[_COLUMN["knee_moment_nm_r"] : _COLUMN["knee_moment_nm_l"] + 1] = load.moment_nm
        for i, side in enumerate(SIDES):
            row[_COLUMN[f"kcf_medial_n_{side}"]] = load.medial_n[i]
            row[_COLUMN[f"kcf_lateral_n_{side}"]] = load.lateral_n[i]
            row[_COLUMN[f"kcf_total_n_{side}"]] = load.total_n[i]
        reserves = muscles.reserve_nm[~np.isnan(muscles.reserve_nm)]
        row[_COLUMN["reserve_rms_nm"]] = np.sqrt(np.mean(reserves**2)) if len(reserves) else np.nan
        first = _COLUMN[f"reserve_nm_{SOLVED_DOFS[0]}"]
        row[first : first + len(SOLVED_DOFS)] = muscles.reserve_nm
        row[_COLUMN["solve_gradient_nm"]] = muscles.gradient_nm
        row[_COLUMN["solve_iterations"]] = muscles.iterations
        row[_COLUMN["solve_capped"]] = muscles.capped
        row[_COLUMN["saturated"]] = np.count_nonzero(muscles.saturated)
        row[_COLUMN["solve_late"]] = self._watch.late
        row[_COLUMN["doubt_r"] : _COLUMN["doubt_l"] + 1] = self._doubt.share
        row[_COLUMN["doubt_cause"]] = self._doubt.cause
        row[len(ESTIMATE_HEAD) :] = muscles.activation

    def _head(
        self, frame: Frame, kinematics: Kinematics, reason: str, marks: list[int], intent: npt.NDArray[Any]
    ) -> None:
        row = self._row
        row[_COLUMN["t_capture_ns"]] = frame.t_capture_ns
        row[_COLUMN["frame"]] = frame.index
        row[_COLUMN["cut"]] = frame.cut
        row[_COLUMN["valid"]] = reason == ""
        row[_COLUMN["reason"]] = REASONS.index(reason)
        row[_COLUMN["detector"]] = self._pose.detector_ran
        if self._pose.detector_ran:
            row[_COLUMN["detector_ms"]] = self._pose.detector_ms
        if kinematics.valid:
            row[_COLUMN[COORDINATES[0]] : _COLUMN[COORDINATES[-1]] + 1] = kinematics.q
        row[_COLUMN[f"observed_{COORDINATES[0]}"] : _COLUMN[f"observed_{COORDINATES[-1]}"] + 1] = kinematics.observed
        seen = self._kinematics.seen_knees
        row[_COLUMN["seen_knee_r"] : _COLUMN["seen_knee_l"] + 1] = np.where(seen.valid, seen.knee_rad, np.nan)
        row[_COLUMN["seen_knee_sd_r"] : _COLUMN["seen_knee_sd_l"] + 1] = seen.sd_rad
        for side, joints in zip(SIDES, _LEG_JOINTS, strict=True):
            row[_COLUMN[f"inferred_{side}"]] = kinematics.inferred[joints].any()
        row[_COLUMN["encoder_r"] : _COLUMN["encoder_l"] + 1] = kinematics.encoder
        row[_COLUMN["encoder_rad_r"] : _COLUMN["encoder_rad_l"] + 1] = kinematics.encoder_rad
        row[_COLUMN["knee_sd_rad_r"] : _COLUMN["knee_sd_rad_l"] + 1] = kinematics.sd[_KNEE_ANGLES]
        row[_COLUMN["inpaint_ms"]] = self._legs.fill_ms
        first = _COLUMN[f"{STAGES[0]}_ms"]
        if len(marks) == len(STAGES) + 1:
            row[first : first + len(STAGES)] = np.diff(marks) * 1e-6
        else:  # cut short: pose and kinematics ran, and assist closed the frame
            row[first : first + 2] = np.diff(marks[:3]) * 1e-6
            row[_COLUMN["assist_ms"]] = (marks[-1] - marks[-2]) * 1e-6
        for i, side in enumerate(SIDES):
            row[_COLUMN[f"kcf_relief_{side}"]] = intent[0]["kcf_relief"][i]
            row[_COLUMN[f"assist_nm_{side}"]] = at(intent[0]["torque_nm"][i], 0)


def _neutral(t_ns: int) -> Kinematics:
    zeros = np.zeros(len(COORDINATES))
    return Kinematics(t_ns, False, "warming_up", zeros, zeros, zeros, zeros, np.zeros(len(COORDINATES), bool))


def _no_pose(t_ns: int, reason: str) -> Pose:
    return Pose(t_ns, False, reason, np.zeros((33, 2)), np.zeros(33), np.zeros((33, 3)), 0.0)
