"""How the simulated wearer of a clip moves: the knees of the person in it, looked at beforehand, a sample per ms.

The encoders of a simulated device sit on this knee, so it has to be where the picture shows it, neither late nor led by
the estimate that the encoders are part of.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from edge_runtime.biomech.kinematics import KinematicsFilter
from edge_runtime.camera import ClipSource, ClipSpec
from edge_runtime.plan import Plan, frame_period_ns
from edge_runtime.types import F64, Q_INDEX, SIDES, Pose

WEARER_FILE: Final = "wearer.npy"
"""In the folder of a run's sockets; none where nobody is found in the clip."""
_CUT_HZ: Final = 8.0
"""Low-pass, forward and backward: 99 % of the power of markers in gait lies below 6 Hz (Winter 2009, ch. 3)."""
_SEAM_S: Final = 0.25  # after each pass the wearer moves from the clip's end to its beginning: the picture is searched
_STEP_S: Final = 1e-3
_COLUMNS: Final = [Q_INDEX[f"knee_angle_{side}"] for side in SIDES]


def wearer_path(plan: Plan) -> F64 | None:
    """Knees [n, 2] rad, right and left, at each millisecond of one pass of the plan's clip; None where nobody is found.

    Raises EngineError where an asset is missing, UserError where the clip cannot be read.
    """
    source = ClipSource(plan.clip)
    period_ns = frame_period_ns(plan, source)
    found = _looked_at(plan.clip, plan.device.pose_engine, plan.profile.person.height_m, period_ns)
    return None if found is None else found.copy()


def write_wearer(plan: Plan, path: Path) -> None:
    """The same into a file, for another process."""
    found = wearer_path(plan)
    if found is not None:
        np.save(path, found)


def read_wearer(path: Path) -> F64 | None:
    """What `write_wearer` left; None where there is nothing."""
    return np.asarray(np.load(path, allow_pickle=False), dtype=np.float64) if path.is_file() else None


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

    frames = np.arange(len(knees_rad)) * period_s
    filled = np.stack([np.interp(frames, frames[np.isfinite(k)], k[np.isfinite(k)]) for k in knees_rad.T], axis=1)
    if len(frames) > 15 and 0.45 / period_s > _CUT_HZ:
        filled = sosfiltfilt(butter(2, _CUT_HZ, fs=1.0 / period_s, output="sos"), filled, axis=0, padlen=12)
    times = np.arange(0.0, len(frames) * period_s, _STEP_S)
    path = CubicSpline(frames, filled)(np.minimum(times, frames[-1])) if len(frames) > 1 else filled[[0] * len(times)]
    share = np.clip(times / min(_SEAM_S, times[-1] + _STEP_S), 0.0, 1.0)[:, None]
    share = share * share * (3.0 - 2.0 * share)
    return np.ascontiguousarray(path[-1] + share * (path - path[-1]))
