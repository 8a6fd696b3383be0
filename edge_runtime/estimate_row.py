"""Writes the estimator's row of telemetry, a frame at a time."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_runtime.biomech.encoder import KneeReadings
from edge_runtime.biomech.ground_physics import GroundPhysics, Refined
from edge_runtime.biomech.world import Whereabouts
from edge_runtime.cameras.faults import CAMERA_FAULTS
from edge_runtime.doubt import Doubt
from edge_runtime.intent import at
from edge_runtime.telemetry import ESTIMATE_HEAD, STAGES, estimate_fields
from edge_runtime.types import COORDINATES, F64, SIDES, SOLVED_DOFS, Frame, Grf, Kinematics, KneeLoad, Muscles
from engines.backends.faults import REASONS as FAULT_REASONS

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

_COLUMN: Final = {name: i for i, name in enumerate(ESTIMATE_HEAD)}
_KNEE_ANGLES: Final = [COORDINATES.index(f"knee_angle_{side}") for side in SIDES]
_LEG_JOINTS: Final = [[i for i, name in enumerate(COORDINATES) if name.endswith(f"_{side}")] for side in SIDES]


def _span(first: str, last: str) -> slice:
    return slice(_COLUMN[first], _COLUMN[last] + 1)


def _sides(name: str) -> slice:
    return _span(f"{name}_r", f"{name}_l")


_WORLD, _WORLD_SD = _span("world_x_m", "world_z_m"), _span("world_sd_x_m", "world_sd_z_m")
_GAIT: Final = tuple(_sides(name) for name in ("stance", "gait_event", "gait_phase", "stride_s"))
_NEWTON, _FRAME = _span("newton_before_bw", "newton_after_bw"), _span("frame_tilt_deg", "frame_turn_deg")
_FORCE, _CONTACT = _span("grf_x_r", "grf_z_l"), _sides("contact")
_MOMENT, _DOUBT = _sides("knee_moment_nm"), _sides("doubt")
_LOADS: Final = tuple(
    tuple(_COLUMN[f"kcf_{part}_n_{side}"] for side in SIDES) for part in ("medial", "lateral", "total")
)
_RESERVE: Final = _span(f"reserve_nm_{SOLVED_DOFS[0]}", f"reserve_nm_{SOLVED_DOFS[-1]}")
_ANGLES: Final = _span(COORDINATES[0], COORDINATES[-1])
_OBSERVED: Final = _span(f"observed_{COORDINATES[0]}", f"observed_{COORDINATES[-1]}")
_SEEN_KNEE, _SEEN_KNEE_SD = _sides("seen_knee"), _sides("seen_knee_sd")
_ENCODER, _ENCODER_RAD, _KNEE_SD = _sides("encoder"), _sides("encoder_rad"), _sides("knee_sd_rad")
_INFERRED: Final = tuple(_COLUMN[f"inferred_{side}"] for side in SIDES)
_RELIEF: Final = tuple(_COLUMN[f"kcf_relief_{side}"] for side in SIDES)
_ASSIST: Final = tuple(_COLUMN[f"assist_nm_{side}"] for side in SIDES)
_STAGES: Final = _span(f"{STAGES[0]}_ms", f"{STAGES[-1]}_ms")


class EstimateRow:
    """One row, `values` in the order of `estimate_fields`; `begin` empties it for the next frame."""

    def __init__(self, muscle_names: tuple[str, ...]) -> None:
        self.values: F64 = np.zeros(len(estimate_fields(muscle_names)))

    def begin(self) -> None:
        """All unknown."""
        self.values[:] = np.nan

    def place(self, place: Whereabouts) -> None:
        """Where the wearer is."""
        self.values[_WORLD], self.values[_WORLD_SD] = place.position_m, place.sd_m

    def gait(self, physics: GroundPhysics, refined: Refined) -> None:
        """Events of gait and residuals of mechanics."""
        row, events = self.values, physics.events
        for columns, pair in zip(_GAIT, (events.stance, events.code(), events.phase, events.stride_s), strict=True):
            row[columns] = pair
        row[_NEWTON] = refined.before, refined.left, refined.after
        row[_FRAME] = physics.frame.angle_deg

    def solved(self, grf: Grf, muscles: Muscles, load: KneeLoad, doubt: Doubt, late: bool) -> None:
        """Ground reaction, knee and muscles; `late`: the solve was."""
        row = self.values
        row[_FORCE], row[_CONTACT], row[_MOMENT] = grf.force_n.ravel(), grf.contact, load.moment_nm
        for columns, pair in zip(_LOADS, (load.medial_n, load.lateral_n, load.total_n), strict=True):
            row[columns[0]], row[columns[1]] = pair
        reserves = muscles.reserve_nm[~np.isnan(muscles.reserve_nm)]
        row[_COLUMN["reserve_rms_nm"]] = np.sqrt(np.mean(reserves**2)) if len(reserves) else np.nan
        row[_RESERVE] = muscles.reserve_nm
        row[_COLUMN["solve_gradient_nm"]] = muscles.gradient_nm
        row[_COLUMN["solve_iterations"]] = muscles.iterations
        row[_COLUMN["solve_capped"]] = muscles.capped
        row[_COLUMN["saturated"]] = np.count_nonzero(muscles.saturated)
        row[_COLUMN["solve_late"]] = late
        row[_DOUBT], row[_COLUMN["doubt_cause"]] = doubt.share, doubt.cause
        row[len(ESTIMATE_HEAD) :] = muscles.activation

    def head(self, frame: Frame, reason: str, detector_ms: float | None, inpaint_ms: float) -> None:
        """Which frame, whether it is `valid`; `detector_ms` of a detector's run collected in it, None without one."""
        row = self.values
        row[_COLUMN["t_capture_ns"]] = frame.t_capture_ns
        row[_COLUMN["frame"]] = frame.index
        row[_COLUMN["cut"]] = frame.cut
        row[_COLUMN["valid"]] = reason == ""
        row[_COLUMN["reason"]] = REASONS.index(reason)
        row[_COLUMN["detector"]] = detector_ms is not None
        if detector_ms is not None:
            row[_COLUMN["detector_ms"]] = detector_ms
        row[_COLUMN["inpaint_ms"]] = inpaint_ms

    def motion(self, kinematics: Kinematics, seen: KneeReadings) -> None:
        """Angles and what they come from; `seen`: the knees by the camera alone."""
        row = self.values
        if kinematics.valid:
            row[_ANGLES] = kinematics.q
        row[_OBSERVED] = kinematics.observed
        row[_SEEN_KNEE], row[_SEEN_KNEE_SD] = np.where(seen.valid, seen.knee_rad, np.nan), seen.sd_rad
        for column, joints in zip(_INFERRED, _LEG_JOINTS, strict=True):
            row[column] = kinematics.inferred[joints].any()
        row[_ENCODER], row[_ENCODER_RAD] = kinematics.encoder, kinematics.encoder_rad
        row[_KNEE_SD] = kinematics.sd[_KNEE_ANGLES]

    def end(self, marks: list[int], intent: npt.NDArray[Any]) -> None:
        """What the stages took, between `marks` (ns), and the intent [1] that came of it."""
        row = self.values
        if len(marks) == len(STAGES) + 1:
            row[_STAGES] = np.diff(marks) * 1e-6
        else:  # cut short: pose and kinematics ran, and assist closed the frame
            row[_STAGES.start : _STAGES.start + 2] = np.diff(marks[:3]) * 1e-6
            row[_COLUMN["assist_ms"]] = (marks[-1] - marks[-2]) * 1e-6
        for i in range(len(SIDES)):
            row[_RELIEF[i]] = intent[0]["kcf_relief"][i]
            row[_ASSIST[i]] = at(intent[0]["torque_nm"][i], 0)
