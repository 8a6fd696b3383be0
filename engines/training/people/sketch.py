"""Takes without pictures: exact landmarks of many more bodies, motions and cameras, with errors like the network's.

The errors are learnt from filmed takes (`extract`, `errors`): what follows from posture and view, and stretches of what
is left over, from a similar side.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from engines.errors import EngineError
from engines.pose.head.features import POINTS
from engines.training.people.bodies import F64, Body, draw_shape, make_body
from engines.training.people.camera import place_camera
from engines.training.people.casting import Cast, draw_ahead, draw_training, draw_view, training_cast
from engines.training.people.errors import ErrorModel, errors_of
from engines.training.people.extract import seen_exactly
from engines.training.people.gaits import load_gaits
from engines.training.people.markers import Markers
from engines.training.people.motion import Motion
from engines.training.people.skeleton import Skeleton, named
from engines.training.pose_head_data import split

FRAMES: Final = 64
_STREAM: Final = 3  # first word of the seed, apart from filmed takes
_BODIES: Final = 200
_VIEWS: Final = 3  # cameras on one motion: moving a body costs more than another view of it

DrawErrors = Callable[[F64, F64, float, F64, np.random.Generator], tuple[F64, F64, F64]]
"""As `ErrorModel.draw`."""


def main(arguments: list[str] | None = None) -> int:
    """Fill a folder with sketches; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m engines.training.people.sketch", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the measured gait data")
    parser.add_argument("--takes", type=Path, required=True, metavar="DIR", help="filmed takes (people.extract)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write the sketches")
    parser.add_argument("--count", type=int, default=3000, help="how many (3000)")
    parser.add_argument("--seed", type=int, default=0, help="stream of drawn sketches (0)")
    options = parser.parse_args(arguments)
    try:
        cast = training_cast(load_gaits(options.data))
        random = np.random.default_rng((_STREAM, options.seed))
        known = [errors for path in split(options.takes)[0] if (errors := errors_of(path)) is not None]
        model = ErrorModel(known, random)
        before, after = (np.array2string(100.0 * rms, precision=1) for rms in model.explained)
        print(f"errors, % of height and cm: {before}, on takes left out {after} unexplained", file=sys.stderr)
        options.out.mkdir(parents=True, exist_ok=True)
        bodies = [make_body(draw_shape(random)) for _ in range(min(_BODIES, options.count))]
        made = (one for _ in range(0, options.count, _VIEWS) for one in sketches(cast, bodies, model.draw, random))
        for number, one in enumerate(made):
            np.savez(options.out / f"sketch_{options.seed}_{number:05d}.npz", **one)
            if number % 100 == 99:
                print(f"{number + 1} of {options.count} sketches", file=sys.stderr)
    except (EngineError, OSError) as error:
        print(f"sketch: {error}", file=sys.stderr)
        return 1
    return 0


def sketches(cast: Cast, bodies: list[Body], draw: DrawErrors, random: np.random.Generator) -> Iterator[dict[str, Any]]:
    """One motion of one body from three sides, each with arrays named as in `extract.follow`."""
    motion, yaw_deg = draw_training(cast, FRAMES, random)
    body = bodies[random.integers(len(bodies))]
    markers, joints = _moved(body, motion)
    head = body.head
    pairs = (("upperleg01", "lowerleg01"), ("lowerleg01", "foot"), ("foot", "toe2-1"))
    lengths = [np.mean([np.linalg.norm(head(f"{a}.{s}") - head(f"{b}.{s}")) for s in "RL"]) for a, b in pairs]
    for _ in range(_VIEWS):
        middle_m = joints[:, 0].mean(axis=0) + np.array([draw_ahead(random), 0.0, 0.0])
        camera = place_camera(yaw_deg, middle_m, body.stature_m, random)
        exact = seen_exactly(camera, markers)
        xy, world, sure = draw(exact["marks_px"], exact["marks_m"], yaw_deg, motion.t_s, random)
        yield {
            "t_s": motion.t_s,
            "valid": np.ones(len(motion.t_s), np.bool_),
            "xy_px": _spread(xy),
            "world_m": _spread(world),
            "visibility": _spread(sure[0]),
            "sharpness": _spread(sure[1]),
            "q": motion.q.astype(np.float32),
            "size": np.array(camera.size),
            "focal_px": camera.focal_px,
            "yaw_deg": yaw_deg,
            "lengths_m": np.array(lengths),
            "stature_m": body.stature_m,
            "name": motion.name,
            "subject": motion.subject,
        }
        yaw_deg = draw_view(random)


def _moved(body: Body, motion: Motion) -> tuple[F64, F64]:
    """Markers [N, 19, 3] and all bone heads [N, B, 3] of a body in motion, lowest marker of each frame on y = 0."""
    skeleton, marks = Skeleton(body), Markers(body)
    markers, heads = [], []
    for i in range(len(motion.t_s)):
        turns, placed = skeleton.place(named(motion.q[i]), motion.upper[i])
        here = marks.at(turns, placed)
        shift = np.array([0.0, -here[:, 1].min(), 0.0])
        if motion.path_m is not None:
            shift[[0, 2]] = motion.path_m[i, [0, 2]]
        markers.append(here + shift)
        heads.append(placed + shift)
    return np.array(markers), np.array(heads)


def _spread(values: F64) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Values [N, 19, ...] of `POINTS` in the places of all 33 landmarks; the others are NaN."""
    full = np.full((len(values), 33, *values.shape[2:]), np.nan, np.float32)
    full[:, list(POINTS)] = values
    return full


if __name__ == "__main__":
    sys.exit(main())
