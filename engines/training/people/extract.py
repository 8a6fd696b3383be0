"""Films training takes and runs the real pose pipeline on them: what the temporal head learns from.

One `.npz` per take, arrays over its frames; only what the pipeline says and the truth is kept, never an image.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from engines.errors import EngineError
from engines.pose import PoseTracker
from engines.pose.engine import open_nets
from engines.pose.slot import ENGINES
from engines.training.people.bodies import F64
from engines.training.people.camera import Camera
from engines.training.people.casting import hard_take, training_cast, training_take
from engines.training.people.gaits import load_gaits
from engines.training.people.take import Take

FRAMES: Final = 32  # at `casting.FILM_RATES_HZ` about a stride
KINDS: Final = {"usual": training_take, "hard": hard_take}


def main(arguments: list[str] | None = None) -> int:
    """Fill a folder with takes; goes on where an earlier run stopped. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m engines.training.people.extract", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the measured gait data")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write the takes")
    parser.add_argument("--takes", type=int, default=800, help="how many (800)")
    parser.add_argument("--seed", type=int, default=0, help="stream of drawn takes (0)")
    parser.add_argument("--engine", choices=tuple(ENGINES), default="full", help="landmark network (full)")
    parser.add_argument("--kind", choices=tuple(KINDS), default="usual", help="how they are cast (usual)")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    try:
        cast = training_cast(load_gaits(options.data))
        options.out.mkdir(parents=True, exist_ok=True)
        nets = open_nets(options.engine)
        for number in range(options.takes):
            path = options.out / f"{options.engine}_{options.seed}_{number:05d}.npz"
            if path.exists():
                continue
            began_s = time.monotonic()
            arrays = follow(nets.tracker(), KINDS[options.kind](cast, options.seed, number, FRAMES))
            np.savez(path, **arrays)
            print(f"{path.name}: {arrays['name']}, {time.monotonic() - began_s:.1f} s", file=sys.stderr)
    except (EngineError, OSError) as error:
        print(f"extract: {error}", file=sys.stderr)
        return 1
    return 0


def follow(tracker: PoseTracker, take: Take) -> dict[str, Any]:
    """What `tracker` says of each frame of `take`, and the truth: arrays by name, NaN where the tracker saw nobody."""
    seen, shots = [], []
    for shot in take.shots():
        seen.append(tracker.step(shot.rgb, round(shot.t_s * 1e9) + 1))
        shots.append(shot)
    width, height = take.camera.size
    markers = take.markers_m()
    return {
        **seen_exactly(take.camera, markers),
        "t_s": np.array([shot.t_s for shot in shots]),
        "valid": np.array([pose.valid for pose in seen]),
        "xy_px": np.array([pose.xy_px for pose in seen], np.float32),
        "visibility": np.array([pose.visibility for pose in seen], np.float32),
        "sharpness": np.array([pose.sharpness for pose in seen], np.float32),
        "world_m": np.array([pose.world_m for pose in seen], np.float32),
        "q": np.array([shot.q for shot in shots], np.float32),
        "joints_px": np.array([take.camera.project(shot.joints_m)[:, :2] for shot in shots], np.float32),
        "pelvis_m": np.array(
            [take.camera.axes @ (shot.pelvis_m - take.camera.position_m) for shot in shots], np.float32
        ),
        "size": np.array([width, height]),
        "focal_px": take.camera.focal_px,
        "axes": take.camera.axes,
        "yaw_deg": take.yaw_deg,
        "lengths_m": take.lengths_m(),
        "stature_m": take.body.stature_m,
        "name": take.motion.name,
        "subject": take.motion.subject,
    }


def seen_exactly(camera: Camera, markers_m: F64) -> dict[str, Any]:
    """What a network without error would say of markers [N, 19, 3]: `marks_px` [N, 19, 2] and `marks_m` [N, 19, 3] from
    the middle of the hips, x right of the image, y down, z away."""
    hips = markers_m[:, [9, 10]].mean(axis=1, keepdims=True)
    pixels = np.array([camera.project(row)[:, :2] for row in markers_m], np.float32)
    return {"marks_px": pixels, "marks_m": ((markers_m - hips) @ camera.axes.T).astype(np.float32)}


if __name__ == "__main__":
    sys.exit(main())
