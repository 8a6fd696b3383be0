"""Streams one trial through the pose pipeline and the head, frame by frame, as it runs beside a camera."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import numpy as np

from edge_runtime.biomech.kinematics import FOOT_NEUTRAL_RAD, TRUNK_NEUTRAL_RAD
from edge_runtime.biomech.sagittal import leg_views, trunk_lean, wrap
from edge_runtime.errors import UserError
from edge_runtime.evaluate_pose.trials import PoseTrial
from edge_runtime.types import F64, Pose
from engines.backends.base import Runner
from engines.beside import Inline
from engines.pose import PoseResult, PoseTracker
from engines.pose.head import Geometry, PoseHead
from engines.pose.head.features import COORDINATES

_INDEX: Final = {name: i for i, name in enumerate(COORDINATES)}
_RAW: Final = [_INDEX[f"{name}_{side}"] for side in ("r", "l") for name in ("hip_flexion", "knee_angle", "ankle_angle")]


@dataclass(frozen=True)
class Streamed:
    """One trial of N frames: `t_s` [N], `truth` [N, 13], estimate `q` and `sd` [N, 13] rad, `raw` [N, 13] plain angles
    in the image plane (NaN where there are none), `usable` [N] from the first angles on, `seen` [N] where the wearer
    was found, `facing_rad` [N], `frame_ms` [N] of landmark network and head."""

    trial: PoseTrial
    t_s: F64
    truth: F64
    q: F64
    sd: F64
    raw: F64
    usable: np.ndarray[tuple[int], np.dtype[np.bool_]]
    seen: np.ndarray[tuple[int], np.dtype[np.bool_]]
    facing_rad: F64
    frame_ms: F64


def stream(trial: PoseTrial, detector: Runner, landmarks: Runner) -> Streamed:
    """Everything is causal: a frame's angles come from it and those before. UserError where no frame can be read."""
    tracker = PoseTracker(detector, landmarks, placement=Inline)
    head: PoseHead | None = None
    rows: list[tuple[float, F64, F64, F64, bool, bool, float, float]] = []
    begun = False
    for t_s, rgb in trial.frames():
        if head is None:
            head = PoseHead(Geometry((rgb.shape[1], rgb.shape[0]), trial.focal_px, trial.lengths))
        began_ns = time.perf_counter_ns()
        pose = tracker.step(rgb, round(t_s * 1e9) + 1)
        found = head.step(pose)
        took_ms = (time.perf_counter_ns() - began_ns) * 1e-6
        begun = begun or found.valid
        raw = plain_angles(pose, found.facing_rad)
        rows.append((t_s, found.q_rad, found.sd_rad, raw, begun, pose.valid, found.facing_rad, took_ms))
    if not rows:
        raise UserError(f"{trial.folder}: its video gives no frame; export it again")
    t, q, sd, raws, usable, seen, facing, took = (np.array(column) for column in zip(*rows, strict=True))
    truth = np.stack([np.interp(t, trial.t_s, column) for column in trial.truth_rad.T], axis=1)
    inside = (t >= trial.t_s[0] - 1e-9) & (t <= trial.t_s[-1] + 1e-9)
    return Streamed(trial, t, truth, q, sd, raws, usable & inside, seen, facing, took)


def plain_angles(pose: PoseResult, facing_rad: float) -> F64:
    """Angles [13] in the image plane without the head: hip against the trunk, knee, ankle of both legs; else NaN."""
    raw = np.full(len(COORDINATES), np.nan)
    if not pose.valid:
        return raw
    plain = Pose(pose.t_capture_ns, True, "", pose.xy_px, pose.visibility, pose.world_m, pose.score)
    facing = 1 if facing_rad >= 0.0 else -1
    tilt = TRUNK_NEUTRAL_RAD - trunk_lean(plain, facing)
    angles = []
    for leg in leg_views(plain, facing):
        ankle = leg.foot - FOOT_NEUTRAL_RAD - leg.shank
        angles += [wrap(leg.thigh - tilt), wrap(leg.thigh - leg.shank), wrap(ankle)]
    raw[_RAW] = angles
    return raw
