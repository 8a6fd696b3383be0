"""The knee of a clip without truth beside measured walking of other people: curves from swing to swing."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge_runtime.biomech.kinematics import KinematicsFilter
from edge_runtime.camera import ClipSource, ClipSpec
from edge_runtime.errors import UserError
from edge_runtime.evaluate_pose.stream import STATURE_M, plain_pose
from edge_runtime.types import F64, Q_INDEX
from engines.pose.engine import open_nets
from engines.pose.head import Geometry, PoseHead

WALKS: Final = "schreiber2019_walk"
"""Folder of the measured walks (Schreiber & Moissenet 2019), trials at preferred speed are called C4."""
_PREFERRED: Final = "C4"

POINTS: Final = 21
_STRIDE_S: Final = (0.7, 1.8)
_SWING_DEG: Final = 45.0


def compare(clip: ClipSpec, data_dir: Path, engine: str) -> dict[str, Any]:
    """Knee flexion (deg) of the leg near the camera in `clip`, with the head and without, and of the measured walks
    under `data_dir`: means over strides at `percent` of the time from one swing's peak to the next.

    UserError: the clip or the walks cannot be read, or hold no stride.
    """
    times, ways, near = _followed(clip, engine)
    measured = _measured(data_dir)
    columns = {name: _strides(times, knee) for name, knee in ways.items()}
    for name, strides in columns.items():
        if not len(strides):
            raise UserError(f"{clip.path}: no stride of the near leg ({name}); choose frames with two swings of it")
    return {
        "clip": str(clip.path),
        "engine": engine,
        "near_side": near,
        "percent": np.linspace(0.0, 100.0, POINTS).round(1).tolist(),
        "clip_strides": len(columns["head"]),
        "measured_strides": len(measured),
        "knee_deg": {name: strides.mean(axis=0).tolist() for name, strides in columns.items()}
        | {"measured": measured.mean(axis=0).tolist(), "measured_sd": measured.std(axis=0).tolist()},
    }


def _followed(clip: ClipSpec, engine: str) -> tuple[F64, dict[str, F64], str]:
    """Times (s), the near knee (deg) by way, and which side it is."""
    source = ClipSource(clip)
    tracker = open_nets(engine).tracker()
    head = PoseHead(Geometry())
    filters = {"head": KinematicsFilter(STATURE_M, head=head), "without_head": KinematicsFilter(STATURE_M)}
    period_ns = round(1e9 / source.fps)
    rows: list[tuple[float, list[F64], float]] = []
    for k in range(len(source)):
        frame = source.frame_at(k, period_ns, period_ns)
        pose = plain_pose(tracker.step(frame.rgb, frame.t_capture_ns))
        found = [one.step(pose) for one in filters.values()]
        if all(one.valid for one in found):
            rows.append((frame.t_capture_ns * 1e-9, [one.q for one in found], head.facing_rad))
    if len(rows) < 2:
        raise UserError(f"{clip.path}: nobody is found in it; choose other frames or a crop")
    near = "r" if float(np.median([row[2] for row in rows])) >= 0.0 else "l"
    column = Q_INDEX[f"knee_angle_{near}"]
    times = np.array([row[0] for row in rows])
    knees = np.degrees(np.array([[q[column] for q in row[1]] for row in rows]))
    return times, dict(zip(filters, knees.T, strict=True)), near


def _measured(data_dir: Path) -> F64:
    """Strides [n, POINTS] of both knees of the measured walks at preferred speed."""
    paths = sorted(path for path in (data_dir / WALKS).glob("*.npz") if _PREFERRED in path.stem)
    strides = []
    for path in paths:
        with np.load(path, allow_pickle=False) as file:
            names = [str(name) for name in file["q_names"]]
            for side in ("r", "l"):
                strides += list(_strides(file["t"], file["q"][:, names.index(f"knee_angle_{side}")]))
    if not strides:
        raise UserError(
            f"{data_dir}: holds no walk with a stride in {WALKS}; give the folder of the measured gait data"
        )
    return np.array(strides)


def _strides(t_s: F64, knee_deg: F64) -> F64:
    """Every stride [n, POINTS] between two peaks of swing that follow each other."""
    inner = knee_deg[1:-1]
    tops = 1 + np.flatnonzero((inner >= knee_deg[:-2]) & (inner > knee_deg[2:]) & (inner > _SWING_DEG))
    found = []
    for a, b in itertools.pairwise(tops):
        if _STRIDE_S[0] <= t_s[b] - t_s[a] <= _STRIDE_S[1]:
            found.append(np.interp(np.linspace(t_s[a], t_s[b], POINTS), t_s, knee_deg))
    return np.array(found).reshape(-1, POINTS)
