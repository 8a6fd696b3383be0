"""Everything but the person: floor, wall with things on it, light, what stands in front of the legs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from engines.training.people.bodies import F64
from engines.training.people.camera import Camera
from engines.training.people.raster import U8

F32 = npt.NDArray[np.float32]

_OCTAVES: Final = (4, 12, 40, 120)
_ROOM_M: Final = 12.0


def background(camera: Camera, random: np.random.Generator) -> U8:
    """An image [H, W, 3] of a floor up to a wall, both of drawn colour and grain, with shapes on the wall."""
    width, height = camera.size
    x, y = np.meshgrid(np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64))
    rays = camera.rays(x, y)
    down = np.minimum(rays[..., 1], -1e-3)
    reach = -camera.position_m[1] / down
    level = np.hypot(rays[..., 0], rays[..., 2]) * reach
    back_m = np.hypot(*camera.position_m[[0, 2]]) + random.uniform(1.0, 5.0)
    is_floor = (rays[..., 1] < -1e-3) & (level < back_m)
    wall = _wall(width, height, random)
    floor = _floor(camera.position_m[[0, 2]] + (rays * reach[..., None])[..., [0, 2]], random)
    image = np.where(is_floor[..., None], floor, wall)
    return np.asarray(np.clip(255.0 * image, 0.0, 255.0), dtype=np.uint8)


def _grain(width: int, height: int, random: np.random.Generator) -> F32:
    """Uneven field [H, W] around 0 of several finenesses."""
    total = np.zeros((height, width), np.float32)
    for cells in _OCTAVES:
        coarse = random.normal(0.0, 1.0, (cells, cells)).astype(np.float32)
        total += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) * random.uniform(0.0, 0.05)
    return total


def _wall(width: int, height: int, random: np.random.Generator) -> F64:
    colour = random.uniform(0.1, 0.9) + random.normal(0.0, 0.06, 3)
    wall = np.broadcast_to(colour, (height, width, 3)).astype(np.float32).copy()
    for _ in range(int(random.integers(0, 10))):
        tone = tuple(float(v) for v in np.clip(random.uniform(0.0, 1.0) + random.normal(0.0, 0.1, 3), 0.0, 1.0))
        at = [int(v) for v in random.uniform(-0.1, 1.0, 2) * (width, height)]
        by = [int(v) for v in random.uniform(0.02, 0.4, 2) * (width, height)]
        kind = random.integers(3)
        if kind == 0:
            cv2.rectangle(wall, at, (at[0] + by[0], at[1] + by[1]), tone, -1)
        elif kind == 1:
            cv2.line(wall, at, (at[0] + by[0], at[1] + 4 * by[1]), tone, int(random.integers(1, 14)))
        else:
            cv2.ellipse(wall, at, (by[0] // 2, by[1] // 2), float(random.uniform(0, 180)), 0.0, 360.0, tone, -1)
    wall += _grain(width, height, random)[..., None]
    return np.asarray(cv2.GaussianBlur(wall, (0, 0), random.uniform(0.5, 3.0)), dtype=np.float64)


def _floor(place_m: F64, random: np.random.Generator) -> F64:
    """Colour [H, W, 3] of floor points [H, W, 2]: boards, tiles or plain, with grain."""
    tone, contrast = random.uniform(0.15, 0.85), random.normal(0.0, 0.1)
    first, second = tone + random.normal(0.0, 0.04, (2, 3)) + np.array([[0.0], [contrast]])
    turn, period = random.uniform(0.0, np.pi), random.uniform(0.1, 0.7)
    axis = np.array([np.cos(turn), np.sin(turn)])
    place = np.clip(place_m, -_ROOM_M, _ROOM_M)
    along, across = place @ axis, place @ np.array([-axis[1], axis[0]])
    kind = random.integers(3)
    share = np.zeros(along.shape)
    if kind == 0:
        share = ((along / period) % 1.0 < 0.5).astype(np.float64)
    elif kind == 1:
        share = np.logical_xor((along / period) % 1.0 < 0.5, (across / period) % 1.0 < 0.5).astype(np.float64)
    share = share * random.uniform(0.2, 1.0)
    grain = 0.03 * np.sin(along * random.uniform(5, 40)) * np.sin(across * random.uniform(5, 40))
    return np.asarray(first + share[..., None] * (second - first) + grain[..., None])


def draw_light(random: np.random.Generator) -> F64:
    """Light [3, 3] as `raster.shade` takes it: direction from above, strength and tint, ambience."""
    turn, height = random.uniform(0.0, 2 * np.pi), random.uniform(0.35, 1.4)
    direction = np.array([np.cos(turn) * np.cos(height), np.sin(height), np.sin(turn) * np.cos(height)])
    direct = random.uniform(0.1, 0.9) * (1.0 + random.normal(0.0, 0.05, 3))
    ambient = random.uniform(0.35, 0.8) * (1.0 + random.normal(0.0, 0.05, 3))
    return np.stack([direction, direct, ambient])


@dataclass(frozen=True)
class Clutter:
    """What may stand in front: `counts` of things to draw from, `tall`, `rail` and `moving` shares of pillars among
    them, of rails among the rest, and of those that pass by; sides of a box between `box` of the picture, the middles
    between the two points `places`."""

    counts: tuple[int, ...] = (0, 0, 0, 0, 0, 1, 1, 2)
    tall: float = 0.4
    rail: float = 0.5
    moving: float = 0.4
    box: tuple[float, float] = (0.03, 0.15)
    places: tuple[tuple[float, float], tuple[float, float]] = ((0.3, 0.45), (0.7, 0.95))


USUAL: Final = Clutter()
CROWDED: Final = Clutter((0, 1, 1, 1, 1, 2, 2, 3), 0.3, 0.35, 0.15, (0.08, 0.3), ((0.35, 0.5), (0.65, 0.95)))
"""Boxes, tables, bars and rails that mostly stay before the legs."""

_Shape = tuple[F64, F64, F64, tuple[int, int, int]]


class Occluder:
    """Something between camera and person: a pillar, a bar, a box, standing or passing by; or nothing."""

    def __init__(self, camera: Camera, random: np.random.Generator, clutter: Clutter = USUAL) -> None:
        self._shapes = [_shape(camera.size, random, clutter) for _ in range(int(random.choice(clutter.counts)))]

    def draw(self, image: U8, t_s: float) -> None:
        """Put it over `image` at `t_s`."""
        for at, half, velocity, colour in self._shapes:
            low, high = at + velocity * t_s - half, at + velocity * t_s + half
            cv2.rectangle(image, low.astype(int).tolist(), high.astype(int).tolist(), colour, -1)


def _shape(size: tuple[int, int], random: np.random.Generator, clutter: Clutter) -> _Shape:
    """Middle and half sides (px), velocity (px/s), colour."""
    width, height = size
    tall = random.random() < clutter.tall
    extent = np.array([random.uniform(0.01, 0.05), 1.2] if tall else random.uniform(*clutter.box, 2))
    if not tall and random.random() < clutter.rail:
        extent = np.array([1.5, random.uniform(0.01, 0.03)])
    at = random.uniform(*clutter.places) * (width, height)
    moves = random.random() < clutter.moving
    velocity = random.normal(0.0, 0.35, 2) * (width, 0.2 * height) * moves
    red, green, blue = (int(v) for v in random.integers(0, 255, 3))
    return at, 0.5 * extent * (width, height), velocity, (red, green, blue)
