"""Extracted takes for training the pose head: read, spoiled as life spoils them, mirrored, turned into features."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.errors import EngineError
from engines.pose.head.features import (
    COORDINATES,
    FEATURES,
    LEGS,
    MIRROR_SIGN,
    MIRRORED,
    OTHER_LEG,
    POINTS,
    Geometry,
    frame_features,
    mirror,
)

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

VALIDATION: Final = ("2014030", "RBDS020")
"""People whose takes choose among epochs and scale the deviation; never in the gradient."""
_EVERY: Final = 16  # takes of exercises and of any gait, one in so many, that also validate


@dataclass(frozen=True)
class Sequence:
    """One take at the frames where somebody was found: `t_s` [N], `xy_px` [N, 19, 2], `world_m` [N, 19, 3],
    `sure` [2, N, 19] visibility and sharpness, `truth` [N, 13] rad with the pelvis' turn relative to the camera."""

    t_s: F64
    xy_px: F64
    world_m: F64
    sure: F64
    truth: F64
    size_px: tuple[int, int]
    focal_px: float
    lengths: tuple[float, float, float]
    subject: str


def split(folder: Path) -> tuple[list[Path], list[Path]]:
    """Files of `folder` (`people.extract`) for training, and those kept aside."""
    training: list[Path] = []
    aside: list[Path] = []
    for i, path in enumerate(sorted(folder.glob("*.npz"))):
        with np.load(path, allow_pickle=False) as file:
            subject = str(file["subject"])
        (aside if subject in VALIDATION or i % _EVERY == 0 else training).append(path)
    return training, aside


def load_takes(folder: Path) -> tuple[list[Sequence], list[Sequence]]:
    """Training and validation takes of `folder` (`people.extract`). EngineError where there are none."""
    training, validation = ([one for path in part if (one := read_take(path)) is not None] for part in split(folder))
    if not training or not validation:
        raise EngineError(f"{folder}: too few takes; run `python -m engines.training.people.extract` first")
    return training, validation


def load_sketches(folder: Path) -> list[Sequence]:
    """Sketches of `folder` (`people.sketch`), those of validation people left out. EngineError where there are none."""
    found = [one for path in sorted(folder.glob("*.npz")) if (one := read_take(path)) is not None]
    if not found:
        raise EngineError(f"{folder}: no sketches; run `python -m engines.training.people.sketch` first")
    return [one for one in found if one.subject not in VALIDATION]


def read_take(path: Path) -> Sequence | None:
    """One take, or None where the wearer was found in fewer than eight frames."""
    with np.load(path, allow_pickle=False) as file:
        seen = file["valid"]
        if np.count_nonzero(seen) < 8:
            return None
        points = list(POINTS)
        truth = file["q"][seen].astype(np.float64)
        truth[:, 2] += np.radians(float(file["yaw_deg"]))
        lengths = file["lengths_m"] / float(file["stature_m"])
        return Sequence(
            t_s=file["t_s"][seen],
            xy_px=file["xy_px"][seen][:, points].astype(np.float64),
            world_m=file["world_m"][seen][:, points].astype(np.float64),
            sure=np.stack([file["visibility"][seen][:, points], file["sharpness"][seen][:, points]]).astype(np.float64),
            truth=truth,
            size_px=(int(file["size"][0]), int(file["size"][1])),
            focal_px=float(file["focal_px"]),
            lengths=(float(lengths[0]), float(lengths[1]), float(lengths[2])),
            subject=str(file["subject"]),
        )


def mirrored(one: Sequence) -> Sequence:
    """The take as a mirror shows it."""
    xy, world = mirror(one.xy_px, one.world_m, one.size_px[0])
    truth = one.truth[:, list(OTHER_LEG)] * MIRROR_SIGN
    return replace(one, xy_px=xy, world_m=world, sure=one.sure[:, :, list(MIRRORED)], truth=truth)


def spoiled(one: Sequence, random: np.random.Generator) -> Sequence:
    """The take with what happens to it on the way: mirror, lower rate, lost frames, legs taken for each other,
    landmarks that sit wrong or are missing."""
    if random.random() < 0.5:
        one = mirrored(one)
    kept = np.ones(len(one.t_s), np.bool_)
    if random.random() < 0.25:
        kept[random.integers(2) :: 2] = False
    if random.random() < 0.15:
        kept &= random.random(len(kept)) > 0.08
    one = replace(
        one,
        t_s=one.t_s[kept],
        xy_px=one.xy_px[kept].copy(),
        world_m=one.world_m[kept].copy(),
        sure=one.sure[:, kept].copy(),
        truth=one.truth[kept],
    )
    _misplace(one, random)
    _exchange(one, random)
    _lose(one, random)
    return one


def _misplace(one: Sequence, random: np.random.Generator) -> None:
    """Constant and fresh errors of the landmarks, small against the body."""
    tall_px = np.ptp(one.xy_px[..., 1], axis=1).mean()
    constant, fresh = random.normal(0.0, 0.005, (2, len(POINTS))), random.normal(0.0, 0.0015, one.xy_px.shape)
    one.xy_px[:] += tall_px * (constant.T + fresh)
    one.world_m[:] += random.normal(0.0, 0.007, (len(POINTS), 3))


def _exchange(one: Sequence, random: np.random.Generator) -> None:
    """Legs taken for each other for one to four frames, as the network does where they cross."""
    legs = list(LEGS)
    other = [MIRRORED[i] for i in legs]
    for _ in range(random.poisson(0.25)):
        begin = int(random.integers(len(one.t_s)))
        part = slice(begin, begin + int(random.integers(1, 5)))
        for array in (one.xy_px, one.world_m):
            array[part, legs] = array[part, other]
        one.sure[:, part, legs] = one.sure[:, part, other]


def _lose(one: Sequence, random: np.random.Generator) -> None:
    """Landmarks that are missing for a while: single ones, or a whole leg's."""
    for _ in range(random.poisson(0.25)):
        begin = int(random.integers(len(one.t_s)))
        part = slice(begin, begin + int(random.integers(1, 16)))
        side = random.integers(2)
        which = [int(random.integers(len(POINTS)))] if random.random() < 0.5 else [i for i in LEGS if i % 2 != side][1:]
        one.xy_px[part, which] = np.nan


def features_of(one: Sequence, told: tuple[bool, bool]) -> F32:
    """Features [N, FEATURES]; `told`: whether the focal length and the wearer's lengths are known."""
    geometry = Geometry(one.focal_px if told[0] else None, one.lengths if told[1] else None)
    dt_s = np.diff(one.t_s, prepend=one.t_s[0] - 1.0 / 60.0)
    return frame_features(one.xy_px, one.world_m, one.sure[0], one.sure[1], dt_s, one.size_px, geometry)


def batch(takes: list[Sequence], frames: int, random: np.random.Generator) -> tuple[F32, F32, F32]:
    """Spoiled takes as features [B, frames, FEATURES], truth [B, frames, 13], mask [B, frames]."""
    x = np.zeros((len(takes), frames, FEATURES), np.float32)
    y = np.zeros((len(takes), frames, len(COORDINATES)), np.float32)
    mask = np.zeros((len(takes), frames), np.float32)
    for i, take in enumerate(takes):
        one = spoiled(take, random)
        n = len(one.t_s)
        x[i, :n] = features_of(one, (bool(random.random() < 0.5), bool(random.random() < 0.5)))
        y[i, :n], mask[i, :n] = one.truth, 1.0
    return x, y, mask


def plain_batch(takes: list[Sequence], frames: int, told: tuple[bool, bool]) -> tuple[F32, F32, F32]:
    """As `batch`, but as filmed."""
    x = np.zeros((len(takes), frames, FEATURES), np.float32)
    y = np.zeros((len(takes), frames, len(COORDINATES)), np.float32)
    mask = np.zeros((len(takes), frames), np.float32)
    for i, one in enumerate(takes):
        n = len(one.t_s)
        x[i, :n], y[i, :n], mask[i, :n] = features_of(one, told), one.truth, 1.0
    return x, y, mask
