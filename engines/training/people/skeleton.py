"""Moves a body by OpenSim coordinates: where zero is, which bone turns how, skinning."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numba import njit

from engines.training.people.bodies import F32, F64, I32, Body

DOWN: Final = np.array([0.0, -1.0, 0.0])

LEG_Q: Final = ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle")
PELVIS_Q: Final = ("pelvis_tilt", "pelvis_list", "pelvis_rotation")
TRUTH: Final = (*PELVIS_Q, *(f"{name}_{side}" for side in ("r", "l") for name in LEG_Q))
"""Angles that are exact in every frame; degrees in files, rad here."""

_SPINE: Final = ("spine05", "spine04", "spine03", "spine02", "spine01")
_SIDES: Final = (("R", "r", 1.0), ("L", "l", -1.0))


@dataclass(frozen=True)
class UpperBody:
    """What the coordinates do not say, rad: `trunk` [3] lean back, list, turn relative to the pelvis; `arms` [2, 3]
    flexion, abduction, elbow flexion (right, left); `toes` [2] bending up; `head` [2] nod, turn."""

    trunk: F64
    arms: F64
    toes: F64
    head: F64


def about(axis: int, angle: float) -> F64:
    """Rotation [3, 3] about x, y or z (0, 1, 2)."""
    c, s = math.cos(angle), math.sin(angle)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    turn = np.eye(3)
    turn[i, i], turn[j, j], turn[i, j], turn[j, i] = c, c, -s, s
    return turn


def aligning(direction: F64, target: F64) -> F64:
    """Smallest rotation [3, 3] that turns `direction` [3] into unit `target` [3]."""
    unit = direction / np.linalg.norm(direction)
    v, c = np.cross(unit, target), float(unit @ target)
    skew = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return np.asarray(np.eye(3) + skew + skew @ skew / (1.0 + c))


def named(q: F64) -> dict[str, float]:
    """Coordinates [13] by name."""
    return dict(zip(TRUTH, q.tolist(), strict=True))


class Skeleton:
    """Places the bones of a body.

    Anny stands with knees bent by about 10° between the joint centres. OpenSim's zero is a straight leg: hip, knee
    and ankle centre on one vertical line with the pelvis as at rest, the sole flat. So each thigh and shank is first
    turned (by the smallest rotation) until its joint centres hang straight down, and the coordinates count from there.
    """

    def __init__(self, body: Body) -> None:
        self._body = body
        self._index = {name: i for i, name in enumerate(body.bones)}
        self._zero: dict[str, F64] = {}
        for up, _, _ in _SIDES:
            hip, knee, ankle = (body.head(f"{name}.{up}") for name in ("upperleg01", "lowerleg01", "foot"))
            self._zero[f"upperleg01.{up}"] = aligning(knee - hip, DOWN)
            self._zero[f"lowerleg01.{up}"] = aligning(ankle - knee, DOWN)
            shoulder, elbow, wrist = (body.head(f"{name}.{up}") for name in ("upperarm01", "lowerarm01", "wrist"))
            self._zero[f"upperarm01.{up}"] = aligning(elbow - shoulder, DOWN)
            self._zero[f"lowerarm01.{up}"] = aligning(wrist - elbow, DOWN)

    def place(self, q: dict[str, float], rest: UpperBody) -> tuple[F64, F64]:
        """Turns [B, 3, 3] and head positions [B, 3] of all bones; pelvis origin (`root`) stays where it is at rest."""
        frames = self._frames(q, rest)
        body = self._body
        turns, heads = np.empty((len(body.bones), 3, 3)), np.empty((len(body.bones), 3))
        for i, name in enumerate(body.bones):
            parent = body.parents[i]
            if parent < 0:
                turns[i], heads[i] = frames["root"], body.heads[i]
                continue
            heads[i] = heads[parent] + turns[parent] @ (body.heads[i] - body.heads[parent])
            turns[i] = frames.get(name, turns[parent])
        return turns, heads

    def _frames(self, q: dict[str, float], rest: UpperBody) -> dict[str, F64]:
        """World turn from rest of every bone that does not simply follow its parent."""
        pelvis = about(2, q["pelvis_tilt"]) @ about(0, q["pelvis_list"]) @ about(1, q["pelvis_rotation"])
        frames = {"root": pelvis}
        for k, name in enumerate(_SPINE):
            lean, side, turn = rest.trunk * ((k + 1) / len(_SPINE))
            frames[name] = pelvis @ about(2, lean) @ about(0, side) @ about(1, turn)
        trunk = frames[_SPINE[-1]]
        frames["neck01"] = trunk @ about(2, rest.head[0]) @ about(1, rest.head[1])
        for k, (up, side, sign) in enumerate(_SIDES):
            thigh = (
                pelvis
                @ about(2, q[f"hip_flexion_{side}"])
                @ about(0, sign * q[f"hip_adduction_{side}"])
                @ about(1, sign * q[f"hip_rotation_{side}"])
            )
            shank = thigh @ about(2, -q[f"knee_angle_{side}"])
            frames[f"upperleg01.{up}"] = thigh @ self._zero[f"upperleg01.{up}"]
            frames[f"lowerleg01.{up}"] = shank @ self._zero[f"lowerleg01.{up}"]
            foot = shank @ about(2, q[f"ankle_angle_{side}"])
            frames[f"foot.{up}"] = foot
            for toe in range(1, 6):
                frames[f"toe{toe}-1.{up}"] = foot @ about(2, rest.toes[k])
            flexion, abduction, elbow = rest.arms[k]
            arm = trunk @ about(2, flexion) @ about(0, -sign * abduction)
            frames[f"upperarm01.{up}"] = arm @ self._zero[f"upperarm01.{up}"]
            frames[f"lowerarm01.{up}"] = arm @ about(2, elbow) @ self._zero[f"lowerarm01.{up}"]
        return frames


@njit(cache=True, nogil=True)
def skin(vertices: F64, weights: F32, bones: I32, rest_heads: F64, turns: F64, heads: F64, out: F64) -> None:
    """Linear blend skinning: `out` [V, 3] from rest `vertices` [V, 3] by bones moved to `heads` and `turns`."""
    shift = np.empty_like(heads)
    for b in range(len(heads)):
        for i in range(3):
            turned = 0.0
            for j in range(3):
                turned += turns[b, i, j] * rest_heads[b, j]
            shift[b, i] = heads[b, i] - turned
    for v in range(len(vertices)):
        x, y, z = vertices[v]
        px = py = pz = 0.0
        for k in range(weights.shape[1]):
            w = weights[v, k]
            if w == 0.0:
                continue
            b = bones[v, k]
            turn = turns[b]
            px += w * (turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] * z + shift[b, 0])
            py += w * (turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] * z + shift[b, 1])
            pz += w * (turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] * z + shift[b, 2])
        out[v, 0], out[v, 1], out[v, 2] = px, py, pz
