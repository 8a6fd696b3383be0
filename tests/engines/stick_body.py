"""A body of sticks: Anny's bones where the pose code looks for them, bent knees at rest as Anny has them, no model."""

from __future__ import annotations

import numpy as np

from engines.training.people.bodies import Body

SPINE = ("spine05", "spine04", "spine03", "spine02", "spine01")


def stick_body() -> Body:
    """1.7 m tall; every bone has four vertices of its own around its head."""
    at: dict[str, tuple[str | None, tuple[float, float, float]]] = {"root": (None, (0.0, 0.95, 0.0))}
    for i, name in enumerate(SPINE):
        at[name] = ("root" if i == 0 else SPINE[i - 1], (0.0, 1.0 + 0.09 * i, 0.0))
    at["neck01"], at["head"] = ("spine01", (0.0, 1.45, 0.0)), ("neck01", (0.02, 1.52, 0.0))
    for side, sign in (("R", 1.0), ("L", -1.0)):
        at[f"upperleg01.{side}"] = ("root", (0.0, 0.92, 0.1 * sign))
        at[f"lowerleg01.{side}"] = (f"upperleg01.{side}", (0.035, 0.5, 0.13 * sign))  # the knee is ahead: bent at rest
        at[f"foot.{side}"] = (f"lowerleg01.{side}", (0.0, 0.08, 0.16 * sign))
        for toe in range(1, 6):
            at[f"toe{toe}-1.{side}"] = (f"foot.{side}", (0.15, 0.02, (0.12 + 0.02 * toe) * sign))
        at[f"toe2-3.{side}"] = (f"toe2-1.{side}", (0.2, 0.02, 0.16 * sign))
        at[f"upperarm01.{side}"] = ("spine01", (0.0, 1.4, 0.18 * sign))
        at[f"lowerarm01.{side}"] = (f"upperarm01.{side}", (0.0, 1.2, 0.35 * sign))
        at[f"wrist.{side}"] = (f"lowerarm01.{side}", (0.1, 1.05, 0.45 * sign))
    names = tuple(at)
    heads = np.array([place for _, place in at.values()])
    parents = tuple(-1 if parent is None else names.index(parent) for parent, _ in at.values())
    offsets = 0.02 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    vertices = (heads[:, None] + offsets).reshape(-1, 3)
    faces = np.concatenate([4 * i + np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]]) for i in range(len(names))])
    owner = np.repeat(np.arange(len(names), dtype=np.int32), 4)[:, None]
    return Body(
        vertices=vertices,
        normals=np.tile(offsets / np.linalg.norm(offsets[0]), (len(names), 1)),
        faces=faces.astype(np.int32),
        bones=names,
        parents=parents,
        heads=heads,
        weights=np.ones((len(vertices), 1), np.float32),
        weight_bones=owner,
        stature_m=1.7,
        shape={},
    )
