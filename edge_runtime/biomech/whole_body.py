"""Eight rigid segments of one person: what their motion asks of the ground, compiled and without allocation."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from edge_runtime.biomech.model import GRAVITY_MPS2, LegModel
from edge_runtime.types import COORDINATES, F64, Q_INDEX, SIDES

TRUNK_COORDINATES: Final = ("lumbar_extension", "lumbar_bending", "lumbar_rotation")
"""OpenSim's joint between pelvis and trunk: about the pelvis' z, then x, then y (rad); zero where not known."""
BODY_COORDINATES: Final = (*COORDINATES, *TRUNK_COORDINATES)
"""Order of the motion [19] that `required_wrench` takes."""

SEGMENTS: Final = ("pelvis", "trunk", "thigh_r", "shank_r", "foot_r", "thigh_l", "shank_l", "foot_l")
_PARENTS: Final = (-1, 0, 0, 2, 3, 0, 5, 6)
_FEET: Final = (4, 7)
_PELVIS_TURNS: Final = ((0, (0.0, 0.0, 1.0)), (1, (1.0, 0.0, 0.0)), (2, (0.0, 1.0, 0.0)))
_TRUNK_TURNS: Final = ((16, (0.0, 0.0, 1.0)), (17, (1.0, 0.0, 0.0)), (18, (0.0, 1.0, 0.0)))
_NONE: Final = -1

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class BodySegments:
    """Segments in `SEGMENTS` order, parents first; SI, axes x forward, y up, z right.

    `offset_m` [8, 3] joint in the parent's frame; `axis` [8, 3, 3] the joint's hinges in turn and `driver` [8, 3] their
    coordinates (-1: none); `mass_kg` [8], `com_m` [8, 3] and `inertia` [8, 3, 3] about it, in the segment's frame.
    """

    offset_m: F64
    axis: F64
    driver: I64
    mass_kg: F64
    com_m: F64
    inertia: F64

    @property
    def total_kg(self) -> float:
        """Mass of the whole body."""
        return float(self.mass_kg.sum())


def body_segments(leg: LegModel) -> BodySegments:
    """The segments of a scaled leg model, so that both share masses and lengths.

    Feet are rigid, knees are hinges that do not slide, and arms move with the trunk.
    """
    import mujoco

    data = mujoco.MjData(leg.model)
    mujoco.mj_forward(leg.model, data)
    groups = _groups(leg.model)
    size = len(SEGMENTS)
    axis, driver = np.zeros((size, 3, 3)), np.full((size, 3), _NONE)
    origin = np.zeros((size, 3))
    mass, com, inertia = np.zeros(size), np.zeros((size, 3)), np.zeros((size, 3, 3))
    for i, name in enumerate(SEGMENTS):
        first = _first_body(name)
        origin[i] = data.xpos[leg.model.body(first).id]
        for k, (coordinate, direction) in enumerate(_turns(leg.model, name)):
            driver[i, k], axis[i, k] = coordinate, direction
        mass[i], com[i], inertia[i] = _lump(leg.model, data, groups[i])
        com[i] -= origin[i]
    offset = np.stack([origin[i] - origin[max(p, 0)] for i, p in enumerate(_PARENTS)])
    return BodySegments(offset, axis, driver, mass, com, inertia)


def _first_body(segment: str) -> str:
    """MuJoCo body whose frame is the segment's; the frames are parallel in the neutral pose."""
    base, _, side = segment.partition("_")
    names = {"pelvis": "pelvis", "trunk": "lumbar5", "thigh": "femur", "shank": "tibia", "foot": "talus"}
    return names[base] + (f"_{side}" if side else "")


def _groups(model: Any) -> list[list[int]]:
    """MuJoCo bodies of each segment: a body that starts none belongs to its parent's."""
    first = {model.body(_first_body(name)).id: i for i, name in enumerate(SEGMENTS)}
    owner = [0] * model.nbody
    groups: list[list[int]] = [[] for _ in SEGMENTS]
    for b in range(1, model.nbody):
        owner[b] = first.get(b, owner[int(model.body_parentid[b])])
        groups[owner[b]].append(b)
    return groups


def _turns(model: Any, segment: str) -> list[tuple[int, tuple[float, ...]]]:
    """Coordinate and direction of each hinge between the segment and its parent, from the parent on."""
    if segment in ("pelvis", "trunk"):
        return list(_PELVIS_TURNS if segment == "pelvis" else _TRUNK_TURNS)
    base, side = segment.split("_")
    joints = {"thigh": ("hip_flexion", "hip_adduction", "hip_rotation"), "shank": ("knee_angle",)}
    names = [f"{joint}_{side}" for joint in joints.get(base, ("ankle_angle",))]
    return [(Q_INDEX[name], tuple(model.jnt_axis[model.joint(name).id])) for name in names]


def _lump(model: Any, data: Any, bodies: list[int]) -> tuple[float, F64, F64]:
    """Mass, centre of mass (world) and inertia about it of MuJoCo `bodies` in the neutral pose."""
    mass: F64 = model.body_mass[bodies]
    com = (mass[:, None] * data.xipos[bodies]).sum(axis=0) / mass.sum()
    inertia = np.zeros((3, 3))
    for b in bodies:
        turn, away = data.ximat[b].reshape(3, 3), data.xipos[b] - com
        inertia += turn @ np.diag(model.body_inertia[b]) @ turn.T
        inertia += model.body_mass[b] * (away @ away * np.eye(3) - np.outer(away, away))
    return float(mass.sum()), com, inertia


@njit(cache=True, nogil=True)
def _cross_add(out: F64, a: F64, b: F64, factor: float) -> None:
    """out += factor · a × b."""
    out[0] += factor * (a[1] * b[2] - a[2] * b[1])
    out[1] += factor * (a[2] * b[0] - a[0] * b[2])
    out[2] += factor * (a[0] * b[1] - a[1] * b[0])


@njit(cache=True, nogil=True)
def _turn(turn: F64, spin: F64, twist: F64, axis: F64, motion: tuple[float, float, float], work: F64) -> None:
    """One hinge: rotate `turn` [3, 3] about its own `axis`, and add to rate `spin` and acceleration `twist` [3]."""
    angle, rate, acc = motion
    world, old = work[0], work[1:4]
    for i in range(3):
        world[i] = turn[i, 0] * axis[0] + turn[i, 1] * axis[1] + turn[i, 2] * axis[2]
    _cross_add(twist, spin, world, rate)
    for i in range(3):
        spin[i] += rate * world[i]
        twist[i] += acc * world[i]
    s, c = np.sin(angle), np.cos(angle)
    x, y, z = axis[0], axis[1], axis[2]
    old[:] = turn
    for i in range(3):  # Rodrigues, column by column
        a, b, d = old[i, 0], old[i, 1], old[i, 2]
        along = (1.0 - c) * (a * x + b * y + d * z)
        turn[i, 0] = a * c + along * x + s * (b * z - d * y)
        turn[i, 1] = b * c + along * y + s * (d * x - a * z)
        turn[i, 2] = d * c + along * z + s * (a * y - b * x)


@njit(cache=True, nogil=True)
def _carry(out: F64, base: F64, spin: F64, twist: F64, arm: F64, work: F64) -> None:
    """Acceleration `out` [3] of a point `arm` away from one that accelerates at `base`, on a turning segment."""
    swing = work[0]
    swing[:] = 0.0
    _cross_add(swing, spin, arm, 1.0)
    out[:] = base
    _cross_add(out, twist, arm, 1.0)
    _cross_add(out, spin, swing, 1.0)


@njit(cache=True, nogil=True)
def _matvec(out: F64, a: F64, v: F64) -> None:
    for i in range(3):
        out[i] = a[i, 0] * v[0] + a[i, 1] * v[1] + a[i, 2] * v[2]


@njit(cache=True, nogil=True)
def _place(tables: tuple[F64, F64, I64, I64], motion: F64, state: tuple[F64, F64, F64, F64, F64], work: F64) -> None:
    """Turn, rate, rotational and linear acceleration and origin of every segment, from the pelvis outwards."""
    offset, axis, driver, parents = tables
    turn, spin, twist, acc, origin = state
    q, qd, qdd = motion
    for i in range(offset.shape[0]):
        p = parents[i]
        if p < 0:
            turn[i] = 0.0
            for k in range(3):
                turn[i, k, k] = 1.0
                origin[i, k], acc[i, k] = q[3 + k], qdd[3 + k]
            spin[i], twist[i] = 0.0, 0.0
        else:
            arm = work[5]
            _matvec(arm, turn[p], offset[i])
            _carry(acc[i], acc[p], spin[p], twist[p], arm, work)
            for k in range(3):
                origin[i, k] = origin[p, k] + arm[k]
            turn[i], spin[i], twist[i] = turn[p], spin[p], twist[p]
        for k in range(3):
            j = driver[i, k]
            if j >= 0:
                _turn(turn[i], spin[i], twist[i], axis[i, k], (q[j], qd[j], qdd[j]), work)


@njit(cache=True, nogil=True)
def _sum_up(
    inertial: tuple[F64, F64, F64], state: tuple[F64, F64, F64, F64, F64], centre: F64, wrench: F64, work: F64
) -> None:
    """Centre of mass, and the wrench [6] about it that carries all segments against gravity."""
    mass, com, inertia = inertial
    turn, spin, twist, acc, origin = state
    arm, point, spun, turned = work[5], work[6], work[7], work[8]
    centre[:], wrench[:] = 0.0, 0.0
    total = 0.0
    for i in range(mass.shape[0]):
        _matvec(arm, turn[i], com[i])
        total += mass[i]
        for k in range(3):
            centre[k] += mass[i] * (origin[i, k] + arm[k])
    centre /= total
    for i in range(mass.shape[0]):
        _matvec(arm, turn[i], com[i])
        _carry(point, acc[i], spin[i], twist[i], arm, work)
        point[1] += GRAVITY_MPS2
        for k in range(3):
            point[k] *= mass[i]
            wrench[k] += point[k]
            arm[k] += origin[i, k] - centre[k]
        _cross_add(wrench[3:], arm, point, 1.0)
        _rotate_inertia(turn[i], inertia[i], spin[i], spun, work)
        _cross_add(wrench[3:], spin[i], spun, 1.0)
        _rotate_inertia(turn[i], inertia[i], twist[i], turned, work)
        for k in range(3):
            wrench[3 + k] += turned[k]


@njit(cache=True, nogil=True)
def _rotate_inertia(turn: F64, inertia: F64, v: F64, out: F64, work: F64) -> None:
    """out = turn · inertia · turn' · v."""
    own, moved = work[9], work[10]
    for i in range(3):
        own[i] = turn[0, i] * v[0] + turn[1, i] * v[1] + turn[2, i] * v[2]
    _matvec(moved, inertia, own)
    _matvec(out, turn, moved)


class WholeBody:
    """What the motion of one person asks of the ground; the arrays are reused by every `step`.

    After `step`: `centre_m` [3] of mass, `wrench` [6]: force m (a - g) (N) and moment about the centre of mass (Nm, the
    rate of angular momentum); `ankles_m` [2, 3] and pitch of the feet `pitch_rad` [2], sides r and l.
    """

    def __init__(self, body: BodySegments) -> None:
        self.body = body
        size = len(SEGMENTS)
        self.centre_m, self.wrench, self.ankles_m = np.zeros(3), np.zeros(6), np.zeros((len(SIDES), 3))
        self.pitch_rad = np.zeros(len(SIDES))
        self._tables = (body.offset_m, body.axis, body.driver, np.array(_PARENTS))
        self._inertial = (body.mass_kg, body.com_m, body.inertia)
        vectors = tuple(np.zeros((size, 3)) for _ in range(4))
        self._state = (np.zeros((size, 3, 3)), *vectors)
        self._work = np.zeros((11, 3))
        self.step(np.zeros((3, len(BODY_COORDINATES))))  # compiles here, not at the first frame

    def step(self, motion: F64) -> None:
        """Take `motion` [3, 19]: coordinates with first and second derivative (rad, m, s)."""
        _place(self._tables, motion, self._state, self._work)
        _sum_up(self._inertial, self._state, self.centre_m, self.wrench, self._work)
        for i, foot in enumerate(_FEET):
            self.ankles_m[i] = self._state[4][foot]
            self.pitch_rad[i] = atan2(self._state[0][foot, 1, 0], self._state[0][foot, 0, 0])
