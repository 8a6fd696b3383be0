"""Both pipelines on the demo clip: differences in px, landmark by landmark and frame by frame."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge_runtime.camera import ClipSource, ClipSpec
from edge_runtime.errors import UserError
from edge_runtime.stats import host_block, jsonable, quantiles
from edge_runtime.types import F64
from engines.backends.ort_cpu import OrtCpuRunner
from engines.beside import Inline
from engines.fetch import asset_path, onnx_path
from engines.pose import PoseTracker
from engines.pose.slot import pose_engine

LEGS: Final = slice(23, 33)
SETTLE: Final = 10
"""Frames after the first that both have: their regions come from detections some frames apart."""


def compare(python: Path) -> dict[str, Any]:
    """Ours against MediaPipe in the interpreter `python`; UserError where it cannot be run."""
    source = ClipSource(ClipSpec.demo(asset_path("demo_clip")))
    ours = _ours(source)
    theirs = _theirs(python, source)
    result: dict[str, Any] = {"frames": len(source)}
    for name, reference in theirs.items():
        both = np.flatnonzero(np.isfinite(ours).all(axis=(1, 2)) & np.isfinite(reference).all(axis=(1, 2)))[SETTLE:]
        off_px = np.hypot(*np.moveaxis(ours[both] - reference[both], -1, 0))
        result[name] = {
            "frames": len(both),
            "all_px": quantiles(off_px.ravel()),
            "legs_px": quantiles(off_px[:, LEGS].ravel()),
        }
    found = jsonable(result | host_block())
    assert isinstance(found, dict)
    return found


def _ours(source: ClipSource) -> F64:
    detector, landmarks = OrtCpuRunner(onnx_path("pose_detection")), OrtCpuRunner(pose_engine("full").onnx)
    pose = PoseTracker(detector, landmarks, None, Inline)
    frames = (source.frame_at(k, round(1e9 / source.fps), 0) for k in range(len(source)))
    return np.array([pose.step(frame.rgb, frame.t_capture_ns).xy_px for frame in frames])


def _theirs(python: Path, source: ClipSource) -> dict[str, F64]:
    script = Path(__file__).with_name("reference.py")
    with tempfile.TemporaryDirectory(prefix="exo-edge-") as folder:
        given, out = Path(folder) / "frames.npz", Path(folder) / "out.npz"
        np.savez(given, rgb=source.frames, fs=source.fps)
        try:
            done = subprocess.run(
                [str(python), str(script), str(given), str(out)], capture_output=True, text=True, check=False
            )
        except OSError as error:
            raise UserError(f"--python {python}: cannot be run ({error.strerror})") from None
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or ["it said nothing"]
            raise UserError(
                f"--python {python}: MediaPipe did not run there ({said[-1]}); pip install mediapipe==0.10.21"
            )
        with np.load(out) as found:
            return {name: found[name] for name in ("raw", "smooth")}
