"""Takes without pictures: exact landmarks of many more bodies, motions and cameras, with errors like the network's.

The errors are those that the landmark network made in filmed takes (`extract`), whole stretches of them, from a similar
side. They teach the head bodies and motions; only filmed takes teach it how errors depend on what is seen.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from engines.errors import EngineError
from engines.pose.head.features import MIRRORED, POINTS
from engines.training.people.bodies import F64, Body, draw_shape, make_body
from engines.training.people.camera import place_camera
from engines.training.people.casting import Cast, draw_training, training_cast
from engines.training.people.extract import FRAMES, seen_exactly
from engines.training.people.gaits import load_gaits
from engines.training.people.markers import Markers
from engines.training.people.motion import Motion
from engines.training.people.skeleton import Skeleton, named

_STREAM: Final = 3  # first word of the seed, apart from filmed takes
_BODIES: Final = 200
_SIMILAR_DEG: Final = 20.0
_LARGEST: Final = 0.08
"""Longer errors, over the height of the person in the image, are exchanged or hidden legs: not carried over."""


@dataclass(frozen=True)
class Errors:
    """Of one filmed take at the frames where somebody was found: `xy` [N, 19, 2] over the person's height in the image,
    `world_m` [N, 19, 3], `sure` [2, N, 19]; `t_s` [N]."""

    yaw_deg: float
    t_s: F64
    xy: F64
    world_m: F64
    sure: F64


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
        bank = [errors_of(path) for path in sorted(options.takes.glob("*.npz"))]
        known = [one for one in bank if one is not None]
        if not known:
            raise EngineError(f"{options.takes}: no filmed take; run `python -m engines.training.people.extract` first")
        options.out.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng((_STREAM, options.seed))
        bodies = [make_body(draw_shape(random)) for _ in range(min(_BODIES, options.count))]
        for number in range(options.count):
            np.savez(options.out / f"sketch_{options.seed}_{number:05d}.npz", **sketch(cast, bodies, known, random))
            if number % 100 == 99:
                print(f"{number + 1} of {options.count} sketches", file=sys.stderr)
    except (EngineError, OSError) as error:
        print(f"sketch: {error}", file=sys.stderr)
        return 1
    return 0


def errors_of(path: Path) -> Errors | None:
    """The errors in one filmed take, None where the wearer was hardly found."""
    with np.load(path, allow_pickle=False) as file:
        seen, points = file["valid"], list(POINTS)
        if np.count_nonzero(seen) < FRAMES // 2:
            return None
        exact = file["marks_px"][seen]
        tall = np.ptp(exact[..., 1], axis=1).mean()
        xy = (file["xy_px"][seen][:, points] - exact) / tall
        world = file["world_m"][seen][:, points] - file["marks_m"][seen]
        far = np.linalg.norm(xy, axis=-1, keepdims=True) > _LARGEST
        usual = np.median(xy, axis=0)
        sure = np.stack([file["visibility"][seen][:, points], file["sharpness"][seen][:, points]])
        world = np.where(far, np.median(world, axis=0), world)
        usual = np.where(np.linalg.norm(usual, axis=-1, keepdims=True) > _LARGEST, 0.0, usual)
        return Errors(float(file["yaw_deg"]), file["t_s"][seen], np.where(far, usual, xy), world, sure)


def sketch(cast: Cast, bodies: list[Body], bank: list[Errors], random: np.random.Generator) -> dict[str, Any]:
    """One sketch, arrays named as in `extract.follow`."""
    motion, yaw_deg = draw_training(cast, FRAMES, random)
    body = bodies[random.integers(len(bodies))]
    markers, joints = _moved(body, motion)
    camera = place_camera(yaw_deg, joints[:, 0].mean(axis=0), body.stature_m, random)
    exact = seen_exactly(camera, markers)
    found = _borrowed(bank, yaw_deg, motion.t_s - motion.t_s[0], random)
    tall = np.ptp(exact["marks_px"][..., 1], axis=1).mean()
    head = body.head
    pairs = (("upperleg01", "lowerleg01"), ("lowerleg01", "foot"), ("foot", "toe2-1"))
    lengths = [np.mean([np.linalg.norm(head(f"{a}.{s}") - head(f"{b}.{s}")) for s in "RL"]) for a, b in pairs]
    return {
        "t_s": motion.t_s,
        "valid": np.ones(len(motion.t_s), np.bool_),
        "xy_px": _spread(exact["marks_px"] + tall * found.xy),
        "world_m": _spread(exact["marks_m"] + found.world_m),
        "visibility": _spread(found.sure[0]),
        "sharpness": _spread(found.sure[1]),
        "q": motion.q.astype(np.float32),
        "size": np.array(camera.size),
        "focal_px": camera.focal_px,
        "yaw_deg": yaw_deg,
        "lengths_m": np.array(lengths),
        "stature_m": body.stature_m,
        "name": motion.name,
        "subject": motion.subject,
    }


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


def _borrowed(bank: list[Errors], yaw_deg: float, t_s: F64, random: np.random.Generator) -> Errors:
    """Errors at `t_s` of a filmed take from a similar side, mirrored if it was the other one; begun anywhere, and run
    back and forth where it is too short."""
    away = np.array([abs(abs(one.yaw_deg) - abs(yaw_deg)) for one in bank])
    near = np.flatnonzero(away <= max(_SIMILAR_DEG, float(np.sort(away)[min(4, len(away) - 1)])))
    one = bank[near[random.integers(len(near))]]
    long_s = one.t_s[-1] - one.t_s[0]
    phase = (random.uniform(0.0, long_s) + t_s) % (2.0 * long_s)
    at = np.searchsorted(one.t_s - one.t_s[0], np.minimum(phase, 2.0 * long_s - phase))
    at = np.minimum(at, len(one.t_s) - 1)
    xy, world, sure = one.xy[at], one.world_m[at], one.sure[:, at]
    if one.yaw_deg * yaw_deg < 0.0:
        flip = list(MIRRORED)
        xy, world, sure = xy[:, flip] * (-1.0, 1.0), world[:, flip] * (-1.0, 1.0, 1.0), sure[:, :, flip]
    return Errors(yaw_deg, t_s, xy, world, sure)


def _spread(values: F64) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Values [N, 19, ...] of `POINTS` in the places of all 33 landmarks; the others are NaN."""
    full = np.full((len(values), 33, *values.shape[2:]), np.nan, np.float32)
    full[:, list(POINTS)] = values
    return full


if __name__ == "__main__":
    sys.exit(main())
