"""One take: a body, clothes, a motion and a camera, drawn frame by frame with the exact truth beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.training.people import raster
from engines.training.people.bodies import F64, I32, Body
from engines.training.people.camera import Camera, place_camera
from engines.training.people.film import Film, draw_film, expose
from engines.training.people.markers import Markers
from engines.training.people.motion import Motion
from engines.training.people.raster import U8
from engines.training.people.scenery import CROWDED, USUAL, Clutter, Occluder, background, draw_light
from engines.training.people.skeleton import Skeleton, named, skin
from engines.training.people.wardrobe import LOUD_PATTERNS, PATTERNS, Dress, dress

JOINTS: Final = ("upperleg01.R", "lowerleg01.R", "foot.R", "upperleg01.L", "lowerleg01.L", "foot.L")
"""Hip, knee and ankle centres, right and left."""

_HIP_HEIGHT_M: Final = 0.9
"""Hip height of an average person at rest; measured paths are scaled to the body's."""

_LIT_PX: Final = 192
_LIT_M: Final = 2.6
"""Size of the light's depth map, pixels and metres."""

_LOWEST_SHARE: Final = 2e-4  # of the vertices, that may sink into the floor: tips of cloth and toes


@dataclass(frozen=True)
class Shot:
    """One frame: `rgb` [H, W, 3] at `t_s`; `q` [13] rad in `TRUTH` order; `pelvis_m` [3] middle of the hip centres and
    `joints_m` [6, 3] (`JOINTS`) in the world: x where the person faces, y up, floor at 0, z to the right."""

    t_s: float
    rgb: U8
    q: F64
    pelvis_m: F64
    joints_m: F64


@dataclass(frozen=True)
class Look:
    """What clothes (`wardrobe`) and things in front (`scenery`) are drawn from."""

    patterns: tuple[int, ...] = PATTERNS
    clutter: Clutter = USUAL


USUAL_LOOK: Final = Look()
HARD_LOOK: Final = Look(LOUD_PATTERNS, CROWDED)


class Take:
    """All that stays the same from frame to frame. `yaw_deg` of the camera off frontal, see `place_camera`; it looks at
    a point `ahead_m` in front of the person's mean place. `look`: what clothes and things in front are drawn from."""

    def __init__(
        self,
        body: Body,
        motion: Motion,
        yaw_deg: float,
        random: np.random.Generator,
        ahead_m: float = 0.0,
        look: Look = USUAL_LOOK,
    ) -> None:
        self.body, self.motion, self.yaw_deg = body, motion, yaw_deg
        self._random = random
        self._dress: Dress = dress(body, random, look.patterns)
        self._skeleton = Skeleton(body)
        self._poses = [self._skeleton.place(named(q), up) for q, up in zip(motion.q, motion.upper, strict=True)]
        self._shift = self._ground()
        middle_m = self._shift.mean(axis=0) + np.array([ahead_m, 0.0, 0.0])
        self.camera: Camera = place_camera(yaw_deg, middle_m, body.stature_m, random)
        self.film: Film = draw_film(random)
        self._light = draw_light(random)
        self._scene = background(self.camera, random)
        self._shadow = random.uniform(0.0, 0.6)
        self._occluder = Occluder(self.camera, random, look.clutter)

    def shots(self) -> Iterator[Shot]:
        """The frames in order of time."""
        frame_s = float(np.median(np.diff(self.motion.t_s)))
        for i, t_s in enumerate(self.motion.t_s):
            joints = self._joints(i)
            rgb = self._exposed(i, frame_s)
            yield Shot(float(t_s), rgb, self.motion.q[i], joints[[0, 3]].mean(axis=0), joints)

    def lengths_m(self) -> F64:
        """Thigh, shank and foot [3], means of both sides (the foot from ankle centre to the toes' joint)."""
        head = self.body.head
        pairs = (("upperleg01", "lowerleg01"), ("lowerleg01", "foot"), ("foot", "toe2-1"))
        return np.array(
            [np.mean([np.linalg.norm(head(f"{a}.{s}") - head(f"{b}.{s}")) for s in "RL"]) for a, b in pairs]
        )

    def markers_m(self) -> F64:
        """Places [N, 19, 3] of the pose network's landmarks in the world, frame by frame (`markers.Markers`)."""
        markers = Markers(self.body)
        return np.array([markers.at(*self._placed(i, 0.0)) for i in range(len(self.motion.t_s))])

    def _exposed(self, i: int, frame_s: float) -> U8:
        film = self.film
        if film.shots == 1:
            return expose(film, self._picture(i, 0.0, frame_s), self._random)
        ages = np.linspace(0.0, film.exposure, film.shots)
        mean = np.mean([self._picture(i, age, frame_s).astype(np.float32) for age in ages], axis=0)
        return expose(film, mean.astype(np.uint8), self._random)

    def _picture(self, i: int, age: float, frame_s: float) -> U8:
        """A clean image of frame `i`, `age` frames before it."""
        turns, heads = self._placed(i, age)
        body, dressed = self.body, self._dress
        points, normals = np.empty_like(body.vertices), np.empty_like(body.vertices)
        skin(dressed.vertices, body.weights, body.weight_bones, body.heads, turns, heads, points)
        still = np.zeros_like(body.heads)
        skin(body.normals, body.weights, body.weight_bones, still, turns, still, normals)
        image = self._scene.copy()
        self._cast_shadow(image, points)
        seen, view, owner = self._owned(image, points)
        raster.shade(
            view, owner, seen, body.faces, normals, body.vertices, dressed.material, dressed.colours, dressed.pattern,
            self._light, *self._seen_by_light(points)
        )  # fmt: skip
        self._occluder.draw(image, float(self.motion.t_s[i]) - age * frame_s)
        return image

    def _cast_shadow(self, image: U8, points: F64) -> None:
        direction = self._light[0]
        flat = points - points[:, 1:2] / direction[1] * direction
        _, view, owner = self._owned(image, flat)
        view[owner >= 0] = (view[owner >= 0] * (1.0 - self._shadow)).astype(np.uint8)

    def _owned(self, image: U8, points: F64) -> tuple[F64, U8, I32]:
        """Vertices [V, 3] as the camera sees them, the part of `image` that they may touch, the face of each pixel of
        it; pixels count from that part's corner."""
        seen = self.camera.project(points)
        height, width = image.shape[:2]
        ahead = seen[seen[:, 2] > 0.05, :2]
        low = np.clip(ahead.min(axis=0, initial=np.inf), 0, (width, height)).astype(int)
        high = np.clip(ahead.max(axis=0, initial=-np.inf) + 1, low, (width, height)).astype(int)
        seen[:, :2] -= low
        view = image[low[1] : high[1], low[0] : high[0]]
        depth, owner = np.full(view.shape[:2], np.inf, np.float32), np.full(view.shape[:2], -1, np.int32)
        raster.cover(seen, self.body.faces, depth, owner)
        return seen, view, owner

    def _seen_by_light(self, points: F64) -> tuple[F64, raster.F32]:
        """Vertices [V, 3] in px and m from the light, and its depth map."""
        direction = self._light[0]
        across = np.cross(direction, [0.0, 0.0, 1.0])
        across /= np.linalg.norm(across)
        axes = np.stack([across, np.cross(across, direction), -direction])
        seen = (points - points.mean(axis=0)) @ axes.T
        seen[:, :2] = (seen[:, :2] / _LIT_M + 0.5) * _LIT_PX
        seen[:, 2] += 10.0
        depth = np.full((_LIT_PX, _LIT_PX), np.inf, np.float32)
        raster.cover(seen, self.body.faces, depth, np.empty((_LIT_PX, _LIT_PX), np.int32))
        return seen, depth

    def _placed(self, i: int, age: float) -> tuple[F64, F64]:
        """Turns and heads of all bones in the world at frame `i` less `age` frames."""
        if age == 0.0:
            turns, heads = self._poses[i]
            return turns, heads + self._shift[i]
        motion = self.motion
        before = max(0, i - 1)
        q = motion.q[i] + age * (motion.q[before] - motion.q[i])
        shift = self._shift[i] + age * (self._shift[before] - self._shift[i])
        turns, heads = self._skeleton.place(named(q), motion.upper[i])
        return turns, heads + shift

    def _joints(self, i: int) -> F64:
        _, heads = self._placed(i, 0.0)
        return heads[[self.body.bones.index(name) for name in JOINTS]]

    def _ground(self) -> F64:
        """Shift [N, 3] of the body in each frame, so that the feet stand on y = 0 and do not slide where they stay."""
        motion, body = self.motion, self.body
        lowest, ankles = np.empty(len(motion.t_s)), np.empty((len(motion.t_s), 2))
        soles = body.vertices[:, 1] < 0.12 * body.stature_m
        rest, out = self._dress.vertices[soles], np.empty((int(soles.sum()), 3))
        weights, bones = body.weights[soles], body.weight_bones[soles]
        for i in range(len(motion.t_s)):
            turns, heads = self._poses[i]
            skin(rest, weights, bones, body.heads, turns, heads, out)
            lowest[i] = np.quantile(out[:, 1], _LOWEST_SHARE * len(body.vertices) / len(out))
            feet = [heads[body.bones.index(name)] for name in ("foot.R", "foot.L")]
            ankles[i] = np.mean(feet, axis=0)[[0, 2]]
        if motion.path_m is None:
            return np.stack([-ankles[:, 0], -lowest, -ankles[:, 1]], axis=1)
        path = motion.path_m * (body.head("upperleg01.R")[1] / _HIP_HEIGHT_M)
        up = path[:, 1] - (path[:, 1] + lowest).min() if motion.flies else -lowest
        return np.stack([path[:, 0], up, path[:, 2]], axis=1)
