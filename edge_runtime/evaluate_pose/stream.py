"""Streams one trial through pose pipeline, head and kinematics filter, frame by frame, as beside a camera."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_runtime.biomech.kinematics import KinematicsFilter
from edge_runtime.biomech.world import Whereabouts, WorldTracker
from edge_runtime.errors import UserError
from edge_runtime.evaluate_pose.encoders import SimulatedEncoders
from edge_runtime.evaluate_pose.trials import PoseTrial
from edge_runtime.types import F64, Q_INDEX, Kinematics, Pose
from engines.backends.base import Opener
from engines.backends.ort_cpu import OrtCpuRunner
from engines.pose import PoseResult, PoseTracker
from engines.pose.head import Geometry, HeadResult, PoseHead
from engines.pose.head.features import COORDINATES

Mask = npt.NDArray[np.bool_]

WAYS: Final = ("fused", "head", "plain", "encoder")
"""Estimates of each frame: the kinematics filter on the head, the head alone, the filter on angles read off the image
(no head), the filter on the head and simulated encoders."""

STATURE_M: Final = 1.7
"""Of the filters where the trial does not say; only heights and ways walked depend on it."""

_COLUMNS: Final = np.array([Q_INDEX[name] for name in COORDINATES])
_KNEES: Final = [COORDINATES.index("knee_angle_r"), COORDINATES.index("knee_angle_l")]


@dataclass(frozen=True)
class Streamed:
    """One trial of N frames: `t_s` [N], `truth` [N, 13] rad, estimates `q` and `sd` [N, 13] by way.

    `world_m`, `world_sd_m`, `hips_m` [N, 3] middle of the hips as found, its deviation, the truth (NaN: not known).
    `usable` [N] from the first angles on, `seen` [N] where the wearer was found, `facing_rad` [N], `frame_ms` [N] of
    landmark network and head.
    """

    trial: PoseTrial
    t_s: F64
    truth: F64
    q: dict[str, F64]
    sd: dict[str, F64]
    usable: Mask
    seen: Mask
    facing_rad: F64
    frame_ms: F64
    world_m: F64
    world_sd_m: F64
    hips_m: F64

    @property
    def scored(self) -> Mask:
        """Frames [N] that count: from the first angles on, where the wearer is seen. What is held while nobody is seen
        is invalid and says so."""
        return self.usable & self.seen


class _Held:
    """Hands the filters the head's answer for the frame, so that it runs once."""

    def __init__(self) -> None:
        self.answer: HeadResult | None = None

    def reset(self) -> None:
        """The head itself decides what to forget."""

    def step(self, pose: Any) -> Any:
        """The answer for this frame."""
        del pose
        return self.answer


class _Chain:
    """Head and filters of one trial; `step` gives angles and deviations of every way."""

    def __init__(self, trial: PoseTrial, open_head: Opener) -> None:
        stature = trial.stature_m or STATURE_M
        self._head = PoseHead(Geometry(trial.focal_px, trial.lengths), None, open_head)
        self._held = _Held()
        self._filters = {
            "fused": KinematicsFilter(stature, head=self._held),
            "plain": KinematicsFilter(stature),
            "encoder": KinematicsFilter(stature, head=self._held),
        }
        self._encoders = SimulatedEncoders(trial.name)
        self._world = WorldTracker(stature, trial.place)

    def head(self, pose: PoseResult) -> HeadResult:
        """The head's answer to the frame."""
        self._held.answer = self._head.step(pose)
        return self._held.answer

    def where(self, pose: PoseResult) -> Whereabouts:
        """Where the wearer is."""
        return self._world.step(plain_pose(pose))

    def step(self, pose: PoseResult, t_s: float, true_knees: F64) -> dict[str, tuple[F64, F64]]:
        """Angles and deviations [13] of each of `WAYS`, after `head`."""
        answer = self._held.answer
        assert answer is not None
        plain = plain_pose(pose)
        found = {"head": (answer.q_rad, answer.sd_rad)}
        for way, one in self._filters.items():
            knees = self._encoders.read(t_s, true_knees) if way == "encoder" else None
            kinematics = one.step(plain, knees)
            found[way] = _angles(kinematics, None if way == "plain" else answer)
        return found


def plain_pose(pose: PoseResult) -> Pose:
    """The tracker's result as the kinematics filter takes it."""
    return Pose(
        pose.t_capture_ns,
        pose.valid,
        pose.reason,
        pose.xy_px,
        pose.visibility,
        pose.world_m,
        pose.score,
        pose.sharpness,
        pose.size_px,
    )


def _angles(kinematics: Kinematics, head: HeadResult | None) -> tuple[F64, F64]:
    """The filter's angles; what it does not follow is the head's."""
    q, sd = kinematics.q[_COLUMNS], kinematics.sd[_COLUMNS]
    if head is not None:
        own = np.isin(COORDINATES, FOLLOWED)
        q, sd = np.where(own, q, head.q_rad), np.where(own, sd, head.sd_rad)
    return q, sd


FOLLOWED: Final = (
    "pelvis_tilt",
    *(f"{n}_{s}" for n in ("hip_flexion", "knee_angle", "ankle_angle") for s in ("r", "l")),
)


def stream(trial: PoseTrial, tracker: PoseTracker, open_head: Opener = OrtCpuRunner) -> Streamed:
    """Everything is causal: a frame's angles come from it and those before. UserError where no frame can be read."""
    chain = _Chain(trial, open_head)
    rows: list[tuple[Any, ...]] = []
    ways: dict[str, list[tuple[F64, F64]]] = {way: [] for way in WAYS}
    begun = False
    for t_s, rgb in trial.frames():
        began_ns = time.perf_counter_ns()
        pose = tracker.step(rgb, round(t_s * 1e9) + 1)
        answer = chain.head(pose)
        took_ms = (time.perf_counter_ns() - began_ns) * 1e-6
        begun = begun or answer.valid
        true = np.array([np.interp(t_s, trial.t_s, column) for column in trial.truth_rad.T])
        for way, found in chain.step(pose, t_s, true[_KNEES]).items():
            ways[way].append(found)
        where = chain.where(pose)
        hips = (
            [np.interp(t_s, trial.t_s, axis) for axis in trial.hips_m.T] if trial.hips_m is not None else [np.nan] * 3
        )
        row = t_s, true, begun, pose.valid, answer.facing_rad, took_ms, where.position_m, where.sd_m, np.array(hips)
        rows.append(row)
    if not rows:
        raise UserError(f"{trial.folder}: its video gives no frame; export it again")
    t, truth, usable, seen, facing, took, world, world_sd, hips_m = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    inside = (t >= trial.t_s[0] - 1e-9) & (t <= trial.t_s[-1] + 1e-9)
    q, sd = ({way: np.array([pair[k] for pair in pairs]) for way, pairs in ways.items()} for k in (0, 1))
    return Streamed(trial, t, truth, q, sd, usable & inside, seen, facing, took, world, world_sd, hips_m)
