"""Where the pose network's landmarks sit on a body: points fixed to bones, in the order of the pose head's `POINTS`."""

from __future__ import annotations

from typing import Final

import numpy as np

from engines.training.people.bodies import F64, Body

_ON_JOINTS: Final = (
    ("upperarm01", 3),
    ("lowerarm01", 5),
    ("wrist", 7),
    ("upperleg01", 9),
    ("lowerleg01", 11),
    ("foot", 13),
)
"""Bones whose heads are landmarks, and the place of the left one; the right one follows it."""


class Markers:
    """Nose, ears, joints, heels and toes [19, 3] of one body.

    They are near what the network marks, not the same: it has its own idea of a hip or a heel, which is part of its
    error and measured with it.
    """

    def __init__(self, body: Body) -> None:
        self._bones = np.zeros(19, np.int64)
        self._rest = np.zeros((19, 3))
        self._heads = body.heads
        head = body.vertices[self._part(body, "head")]
        face = head[head[:, 1] < head[:, 1].max() - 0.35 * np.ptp(head[:, 1])]
        self._put(body, 0, "head", face[face[:, 0].argmax()])
        for k, sign in enumerate((-1.0, 1.0)):
            self._put(body, 1 + k, "head", head[(sign * head[:, 2]).argmax()])
        for bone, place in _ON_JOINTS:
            for k, side in enumerate("LR"):
                self._put(body, place + k, f"{bone}.{side}", body.head(f"{bone}.{side}"))
        for k, side in enumerate("LR"):
            foot = body.vertices[self._part(body, f"foot.{side}")]
            low = foot[foot[:, 1] < body.head(f"foot.{side}")[1]]
            self._put(body, 15 + k, f"foot.{side}", low[low[:, 0].argmin()])
            toes = body.vertices[self._part(body, f"toe2-3.{side}")]
            self._put(body, 17 + k, f"toe2-1.{side}", toes[toes[:, 0].argmax()])

    @staticmethod
    def _part(body: Body, bone: str) -> F64:
        """Which vertices [n] belong to `bone` more than to any other."""
        owner = body.weight_bones[np.arange(len(body.weights)), body.weights.argmax(axis=1)]
        return np.asarray(np.flatnonzero(owner == body.bones.index(bone)))

    def _put(self, body: Body, place: int, bone: str, at: F64) -> None:
        self._bones[place] = body.bones.index(bone)
        self._rest[place] = at - body.head(bone)

    def at(self, turns: F64, heads: F64) -> F64:
        """The markers [19, 3] of bones with `turns` [B, 3, 3] and `heads` [B, 3]."""
        return heads[self._bones] + np.einsum("nij,nj->ni", turns[self._bones], self._rest)
