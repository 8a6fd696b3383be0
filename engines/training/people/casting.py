"""Draws takes: who, which motion, from where. Training and evaluation never share a person, a gait or a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.training.people.bodies import F64, draw_shape, make_body
from engines.training.people.gaits import HELD_OUT, Gait
from engines.training.people.motion import EXERCISES, Motion, exercise, measured
from engines.training.people.take import HARD_LOOK, Take

_TRAINING, _HELD_OUT, _HARD = 1, 2, 4  # first word of the seed: streams of drawn bodies and scenes that never meet

RATES_HZ: Final = (30.0, 30.0, 50.0, 60.0, 60.0, 60.0, 100.0)
FILM_RATES_HZ: Final = (25.0, 30.0, 30.0, 50.0)
"""Of filmed takes: pictures cost, and neighbours in time tell little new; sketches know the faster cameras."""
_EXERCISE_SHARE: Final = 0.18
_RUN_SHARE: Final = 0.35  # of the measured gaits
_TRAINING_RUN_SHARE: Final = 0.45  # fast legs are the harder part
_AS_MEASURED_SHARE: Final = 0.35
_RUNS: Final = "RBDS"
_ASIDE_SHARE: Final = 0.35
_AHEAD_M: Final = 1.2

VIEWS: Final = {"side": (75.0, 105.0), "60": (55.0, 65.0), "30": (25.0, 35.0)}
"""Views that are evaluated: degrees off frontal, on either side of the person."""

_TRAINING_VIEWS: Final = ((75.0, 105.0), (15.0, 75.0), (0.0, 15.0), (105.0, 165.0))
_TRAINING_SHARES: Final = (0.42, 0.46, 0.04, 0.08)

_HARD_VIEWS: Final = ((20.0, 70.0), (75.0, 105.0))
_HARD_VIEW_SHARES: Final = (0.62, 0.38)
_HARD_MOTION_SHARES: Final = (0.08, 0.5)
_HARD_AHEAD_M: Final = (-1.4, 1.0)
_HARD_ASIDE_SHARE: Final = 0.45


@dataclass(frozen=True)
class Cast:
    """The gaits to draw from."""

    walks: list[Gait]
    runs: list[Gait]


def training_cast(gaits: list[Gait]) -> Cast:
    """Gaits of the people that training may see."""
    return _cast([gait for gait in gaits if gait.subject not in HELD_OUT])


def held_out_cast(gaits: list[Gait]) -> Cast:
    """Gaits of `HELD_OUT` people."""
    return _cast([gait for gait in gaits if gait.subject in HELD_OUT])


def _cast(gaits: list[Gait]) -> Cast:
    runs = [gait for gait in gaits if gait.subject.startswith(_RUNS)]
    return Cast([gait for gait in gaits if gait not in runs], runs)


def training_take(cast: Cast, seed: int, number: int, frames: int) -> Take:
    """Take `number` of stream `seed`: `frames` frames at a drawn rate from a drawn view."""
    random = np.random.default_rng((_TRAINING, seed, number))
    motion, yaw_deg = draw_training(cast, frames, random, FILM_RATES_HZ)
    return Take(make_body(draw_shape(random)), motion, yaw_deg, random, draw_ahead(random))


def hard_take(cast: Cast, seed: int, number: int, frames: int) -> Take:
    """As `training_take`, but mostly with what the network found hard: things before the legs all the time, loud
    clothes, runs, views between frontal and side, cameras past which the person walks close by."""
    random = np.random.default_rng((_HARD, seed, number))
    t_s = np.arange(frames) / random.choice(FILM_RATES_HZ)
    motion = _motion(cast, t_s, random, 0.0 if random.random() < _AS_MEASURED_SHARE else 1.0, _HARD_MOTION_SHARES)
    yaw_deg = _yaw_deg(_HARD_VIEWS[random.choice(len(_HARD_VIEWS), p=_HARD_VIEW_SHARES)], random)
    ahead_m = float(random.uniform(*_HARD_AHEAD_M)) if random.random() < _HARD_ASIDE_SHARE else 0.0
    return Take(make_body(draw_shape(random)), motion, yaw_deg, random, ahead_m, HARD_LOOK)


def draw_ahead(random: np.random.Generator) -> float:
    """How far ahead (m) of the person's mean place a camera looks, for training: people enter and leave the picture."""
    return float(random.uniform(-_AHEAD_M, _AHEAD_M)) if random.random() < _ASIDE_SHARE else 0.0


def draw_training(
    cast: Cast, frames: int, random: np.random.Generator, rates_hz: tuple[float, ...] = RATES_HZ
) -> tuple[Motion, float]:
    """Motion of `frames` frames at one of `rates_hz` and degrees off frontal of the camera, for training."""
    t_s = np.arange(frames) / random.choice(rates_hz)
    strength = 0.0 if random.random() < _AS_MEASURED_SHARE else 1.0
    motion = _motion(cast, t_s, random, strength, (_EXERCISE_SHARE, _TRAINING_RUN_SHARE))
    return motion, draw_view(random)


def draw_view(random: np.random.Generator) -> float:
    """Degrees off frontal of a camera, for training."""
    return _yaw_deg(_TRAINING_VIEWS[random.choice(len(_TRAINING_VIEWS), p=_TRAINING_SHARES)], random)


def held_out_take(cast: Cast, seed: int, number: int, frames: int, rate_hz: float, view: str) -> Take:
    """Take `number` of stream `seed` for evaluation: measured gait as it was, from one of `VIEWS`."""
    random = np.random.default_rng((_HELD_OUT, seed, number))
    motion = _motion(cast, np.arange(frames) / rate_hz, random, 0.0, (0.0, _RUN_SHARE))
    yaw_deg = _yaw_deg(VIEWS[view], random)
    return Take(make_body(draw_shape(random)), motion, yaw_deg, random)


def _motion(cast: Cast, t_s: F64, random: np.random.Generator, strength: float, shares: tuple[float, float]) -> Motion:
    """`shares` of exercises among all, of runs among measured gaits."""
    if random.random() < shares[0]:
        return exercise(EXERCISES[random.integers(len(EXERCISES))], t_s, random)
    pool = cast.runs if random.random() < shares[1] else cast.walks
    return measured(pool[random.integers(len(pool))], t_s, random, strength)


def _yaw_deg(view: tuple[float, float], random: np.random.Generator) -> float:
    return float(random.uniform(*view) * random.choice((-1.0, 1.0)))
