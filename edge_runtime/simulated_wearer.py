"""How the simulated wearer of a clip moves: the knees of the person in it, looked at beforehand, a sample per ms.

The encoders of a simulated device sit on this knee, so it has to be where the picture shows it, neither late nor led by
the estimate that the encoders are part of.
"""

from __future__ import annotations

import pathlib
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_runtime.biomech.kinematics import KinematicsFilter
from edge_runtime.camera import ClipSource, ClipSpec
from edge_runtime.plan import Plan, frame_period_ns
from edge_runtime.rt.rig import Path
from edge_runtime.types import F64, Q_INDEX, SIDES, Pose

WEARER_FILE: Final = "wearer.npz"
"""In the folder of a run's sockets; none where nobody is found in the clip."""
_CUT_HZ: Final = 8.0
"""Low-pass, forward and backward: takes the picture's jitter and leaves gait. Own choice."""
_SEAM_S: Final = 0.3  # after each pass the wearer moves from the clip's end to its beginning, while they are searched
_STEP_S: Final = 1e-3
_EDGE: Final = 24  # frames that the filter needs at its ends
_COLUMNS: Final = [Q_INDEX[f"knee_angle_{side}"] for side in SIDES]


def wearer_path(plan: Plan) -> Path | None:
    """The path of the person in the plan's clip; None where nobody is found.

    Raises EngineError where an asset is missing, UserError where the clip cannot be read.
    """
    source = ClipSource(plan.clip)
    period_ns = frame_period_ns(plan, source)
    found = _looked_at(plan.clip, plan.device.pose_engine, plan.profile.person.height_m, period_ns)
    return None if found is None else Path(found.copy(), len(source) * period_ns)


def write_wearer(plan: Plan, file: pathlib.Path) -> None:
    """The same into a file, for another process."""
    found = wearer_path(plan)
    if found is not None:
        np.savez(file, **found._asdict())


def read_wearer(file: pathlib.Path) -> Path | None:
    """What `write_wearer` left; None where there is nothing."""
    if not file.is_file():
        return None
    with np.load(file, allow_pickle=False) as stored:
        return Path(stored["knees_rad"], int(stored["pass_ns"]))


@lru_cache(maxsize=4)
def _looked_at(clip: ClipSpec, engine: str, height_m: float, period_ns: int) -> F64 | None:
    from engines.pose.engine import open_nets
    from engines.pose.head import Geometry, PoseHead

    source, tracker = ClipSource(clip), open_nets(engine).tracker()
    chain = KinematicsFilter(height_m, head=PoseHead(Geometry()))
    knees = np.full((len(source), len(SIDES)), np.nan)
    for k in range(len(source)):
        frame = source.frame_at(k, period_ns, 0)
        seen = tracker.step(frame.rgb, (k + 1) * period_ns)
        pose = Pose(
            seen.t_capture_ns, seen.valid, seen.reason, seen.xy_px, seen.visibility, seen.world_m, seen.score,
            seen.sharpness, seen.size_px,
        )  # fmt: skip
        found = chain.step(pose)
        if found.valid:
            knees[k] = found.q[_COLUMNS]
    tracker.close()
    return None if np.isnan(knees).all() else smooth_path(knees, period_ns * 1e-9)


def smooth_path(knees_rad: F64, period_s: float) -> F64:
    """A path [n, 2] at each ms, without end, of knees [frames, 2] at each period; NaN where not seen is bridged."""
    from scipy.interpolate import CubicSpline
    from scipy.signal import butter, sosfiltfilt

    count = len(knees_rad)
    if count < 2:
        return np.repeat(np.nan_to_num(knees_rad), round(period_s / _STEP_S), axis=0)
    frames = np.arange(count + 1) * period_s
    path = np.stack([_bridged(frames[:-1], column) for column in knees_rad.T], axis=1)
    seam = min(count - 1, round(_SEAM_S / period_s))
    path[:seam] = path[-1] + (np.arange(1, seam + 1) / (seam + 1))[:, None] * (path[seam] - path[-1])
    if 0.45 / period_s > _CUT_HZ:
        low_pass = butter(2, _CUT_HZ, fs=1.0 / period_s, output="sos")
        rounds = -(-_EDGE // count)  # before and after, so that it comes round smoothly
        path = sosfiltfilt(low_pass, np.tile(path, (2 * rounds + 1, 1)), axis=0)[rounds * count : (rounds + 1) * count]
    spline = CubicSpline(frames, np.vstack([path, path[:1]]), bc_type="periodic")
    return np.ascontiguousarray(spline(np.linspace(0.0, frames[-1], round(frames[-1] / _STEP_S), endpoint=False)))


def _bridged(t_s: npt.NDArray[np.floating[Any]], value: F64) -> F64:
    seen = np.isfinite(value)
    return np.asarray(np.interp(t_s, t_s[seen], value[seen]))
