"""What one side-view image says about the legs: walking direction, scale, sagittal angles."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, exp, hypot, pi
from typing import Final

from edge_runtime.types import F64, SIDES, Pose

# BlazePose landmark numbers, right and left (Bazarevsky et al. 2020).
NOSE: Final = 0
EARS: Final = (8, 7)
SHOULDERS: Final = (12, 11)
HIPS: Final = (24, 23)
KNEES: Final = (26, 25)
ANKLES: Final = (28, 27)
HEELS: Final = (30, 29)
TOES: Final = (32, 31)

TRUNK_SHARE: Final = 0.288
THIGH_SHARE: Final = 0.245
SHANK_SHARE: Final = 0.246
"""Segment lengths over stature: hip to shoulder 0.818 - 0.530, hip to knee, knee to ankle (Drillis & Contini
1966, in Winter 2009, Biomechanics and Motor Control of Human Movement, fig. 4.1)."""

FACING_TIME_S: Final = 0.25
FACING_FLIP: Final = 0.5
SCALE_TIME_S: Final = 1.0
GROUND_RISE_TIME_S: Final = 2.0


def wrap(angle: float) -> float:
    """Angle in -pi .. pi."""
    return (angle + pi) % (2.0 * pi) - pi


@dataclass(frozen=True, slots=True)
class LegView:
    """One leg in the image plane: segment angles (rad, counter-clockwise for a wearer who walks to the
    right) of thigh and shank from straight down and of the heel-toe line from straight ahead; `sight` 0..1
    least visibility of hip, knee and ankle, `foot_sight` of ankle, heel and toe."""

    thigh: float
    shank: float
    foot: float
    sight: float
    foot_sight: float


def leg_views(pose: Pose, facing: int) -> tuple[LegView, LegView]:
    """Both legs in `SIDES` order; `facing` +1 walks to the right of the image, -1 to the left."""
    xy, sight = pose.xy_px, pose.visibility

    def angle(start: int, end: int, ahead: bool) -> float:
        x, y = facing * float(xy[end, 0] - xy[start, 0]), -float(xy[end, 1] - xy[start, 1])
        return atan2(y, x) if ahead else atan2(x, -y)

    def leg(i: int) -> LegView:
        chain = [float(sight[j]) for j in (HIPS[i], KNEES[i], ANKLES[i], HEELS[i], TOES[i])]
        return LegView(
            angle(HIPS[i], KNEES[i], ahead=False),
            angle(KNEES[i], ANKLES[i], ahead=False),
            angle(HEELS[i], TOES[i], ahead=True),
            min(chain[:3]),
            min(chain[2:]),
        )

    return leg(0), leg(1)


def trunk_lean(pose: Pose, facing: int) -> float:
    """Forward lean (rad) of the line from mid-hip to mid-shoulder."""
    xy = pose.xy_px
    dx = float(xy[SHOULDERS[0], 0] + xy[SHOULDERS[1], 0] - xy[HIPS[0], 0] - xy[HIPS[1], 0])
    dy = float(xy[SHOULDERS[0], 1] + xy[SHOULDERS[1], 1] - xy[HIPS[0], 1] - xy[HIPS[1], 1])
    return atan2(facing * dx, -dy)


def hip_centre_px(pose: Pose) -> tuple[float, float]:
    """Middle of both hip landmarks in image pixels."""
    x, y = 0.5 * (pose.xy_px[HIPS[0]] + pose.xy_px[HIPS[1]])
    return float(x), float(y)


def _direction_evidence(pose: Pose, moved_px: float) -> float:
    """-1 (left) .. 1 (right): mean of where both feet and the nose point, and where the hips went."""
    xy = pose.xy_px
    body = _body_px(xy)
    foot = sum(float(xy[TOES[i], 0] - xy[HEELS[i], 0]) for i in range(len(SIDES))) / (0.1 * body)
    nose = float(xy[NOSE, 0] - 0.5 * (xy[EARS[0], 0] + xy[EARS[1], 0])) / (0.03 * body)
    travel = moved_px / (0.005 * body)
    return sum(max(-1.0, min(1.0, e)) for e in (foot, nose, travel)) / 3.0


def _body_px(xy: F64) -> float:
    """Image length (px) of trunk, thigh and shank, the mean of both sides; at least 1."""
    total = 0.0
    for i in range(len(SIDES)):
        for start, end in ((SHOULDERS[i], HIPS[i]), (HIPS[i], KNEES[i]), (KNEES[i], ANKLES[i])):
            total += hypot(float(xy[end, 0] - xy[start, 0]), float(xy[end, 1] - xy[start, 1]))
    return max(0.5 * total, 1.0)


def crossing(pose: Pose) -> float:
    """How much one leg hides the other, 0..1: 1 with both knees at one place, 0 from a fifth of a thigh
    on."""
    xy = pose.xy_px
    apart = hypot(float(xy[KNEES[0], 0] - xy[KNEES[1], 0]), float(xy[KNEES[0], 1] - xy[KNEES[1], 1]))
    thigh = _body_px(xy) * THIGH_SHARE / (TRUNK_SHARE + THIGH_SHARE + SHANK_SHARE)
    return max(0.0, 1.0 - apart / (0.2 * thigh))


class Scene:
    """Slow facts of the scene, learned while frames come: `facing`, `metres_per_px`, ground line, distance
    walked.

    The scale takes the wearer's trunk, thigh and shank as their share of `height_m`, the direction needs
    clear evidence to turn (hysteresis), and the ground is the lowest foot with slow forgetting upward.
    """

    def __init__(self, height_m: float) -> None:
        self._body_m = (TRUNK_SHARE + THIGH_SHARE + SHANK_SHARE) * height_m
        self.reset()

    def reset(self) -> None:
        """Forget the scene, as after a cut."""
        self.facing, self._evidence, self._fresh = 0, 0.0, True
        self.metres_per_px, self._ground_px, self._hip_px, self.walked_m = 0.0, 0.0, 0.0, 0.0

    def look(self, pose: Pose, dt_s: float) -> None:
        """Take in one valid pose, `dt_s` after the last one."""
        hip_x, _ = hip_centre_px(pose)
        scale = self._body_m / _body_px(pose.xy_px)
        lowest = float(max(pose.xy_px[j, 1] for j in (*HEELS, *TOES)))
        if self._fresh:
            self._fresh, self._hip_px, self._ground_px, self.metres_per_px = False, hip_x, lowest, scale
        moved = hip_x - self._hip_px
        self._turn(_direction_evidence(pose, moved), dt_s)
        self.metres_per_px += (1.0 - exp(-dt_s / SCALE_TIME_S)) * (scale - self.metres_per_px)
        rise = (1.0 - exp(-dt_s / GROUND_RISE_TIME_S)) * (lowest - self._ground_px)
        self._ground_px = max(lowest, self._ground_px + rise)
        self._hip_px = hip_x
        self.walked_m += self.facing * moved * self.metres_per_px

    def _turn(self, evidence: float, dt_s: float) -> None:
        if self.facing == 0:
            self.facing, self._evidence = (1 if evidence >= 0.0 else -1), evidence
        self._evidence += (1.0 - exp(-dt_s / FACING_TIME_S)) * (evidence - self._evidence)
        if self.facing * self._evidence < -FACING_FLIP:
            self.facing = -self.facing

    def height_m(self, y_px: float) -> float:
        """Height (m) of an image row above the ground line."""
        return (self._ground_px - y_px) * self.metres_per_px
