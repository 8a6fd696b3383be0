"""Films held-out people: trial folders with `video.mp4` and `truth.npz` for `exo-edge evaluate pose`.

Bodies, scenes and gaits are ones that no training sees (`casting.held_out_take`); the same seed gives the same trials.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from engines.errors import EngineError
from engines.training.people.casting import VIEWS, held_out_cast, held_out_take
from engines.training.people.gaits import load_gaits
from engines.training.people.skeleton import TRUTH
from engines.training.people.take import Take

_CODEC: Final = "mp4v"


def main(arguments: list[str] | None = None) -> int:
    """Write the trials; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m engines.training.people.render", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the measured gait data")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write the trial folders")
    parser.add_argument("--seed", type=int, default=0, help="stream of drawn people and scenes (0)")
    parser.add_argument("--trials", type=int, default=8, help="trials of each view (8)")
    parser.add_argument("--views", nargs="+", choices=tuple(VIEWS), default=tuple(VIEWS), help="which (all)")
    parser.add_argument("--seconds", type=float, default=2.5, help="length of a trial (2.5)")
    parser.add_argument("--rate", type=float, default=60.0, help="frames per second (60)")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    try:
        cast = held_out_cast(load_gaits(options.data))
        frames = round(options.seconds * options.rate)
        for k, view in enumerate(options.views):
            for i in range(options.trials):
                number = list(VIEWS).index(view) * 100_000 + i
                take = held_out_take(cast, options.seed, number, frames, options.rate, view)
                folder = options.out / f"{view}_{options.seed}_{i:03d}_{take.motion.name}"
                write_trial(take, folder, options.rate)
                done = k * options.trials + i + 1
                print(f"{done}/{len(options.views) * options.trials} {folder.name}", file=sys.stderr)
    except (EngineError, OSError) as error:
        print(f"render: {error}", file=sys.stderr)
        return 1
    return 0


def write_trial(take: Take, folder: Path, rate_hz: float) -> None:
    """`video.mp4` and `truth.npz` of `take` in `folder`: `t` s, `q` degrees [N, 13], `q_names`, `near_side`, `camera`
    (intrinsics [3, 3]), `yaw_deg`, `stature_m`, `lengths_m` (thigh, shank, foot), `subject` of the gait; `hips_m`
    [N, 3] middle of the hip centres over the floor y = 0, `camera_position_m` [3] there, `camera_axes` [3, 3]."""
    folder.mkdir(parents=True, exist_ok=True)
    video = cv2.VideoWriter(str(folder / "video.mp4"), cv2.VideoWriter.fourcc(*_CODEC), rate_hz, take.camera.size)
    if not video.isOpened():
        raise EngineError(f"{folder / 'video.mp4'}: this OpenCV cannot write {_CODEC} video")
    q, hips = [], []
    for shot in take.shots():
        video.write(cv2.cvtColor(shot.rgb, cv2.COLOR_RGB2BGR))
        q.append(shot.q)
        hips.append(shot.pelvis_m)
    video.release()
    np.savez(
        folder / "truth.npz",
        t=take.motion.t_s,
        q=np.degrees(np.array(q)),
        q_names=np.array(TRUTH),
        near_side="r" if take.yaw_deg > 0.0 else "l",
        camera=take.camera.matrix,
        hips_m=np.array(hips),
        camera_position_m=take.camera.position_m,
        camera_axes=take.camera.axes,
        yaw_deg=take.yaw_deg,
        stature_m=take.body.stature_m,
        lengths_m=take.lengths_m(),
        subject=take.motion.subject,
    )


if __name__ == "__main__":
    sys.exit(main())
