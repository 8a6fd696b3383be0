"""Bodies of synthetic people: shapes drawn from the Anny model (Apache-2.0; MakeHuman mesh data, CC0)."""

from __future__ import annotations

import functools
import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]

_AXES: Final = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]])
"""From Anny's axes (x to the left, y backward, z up) to x forward, y up, z to the right."""

_LOCAL_SD: Final = 0.25
_LOCAL: Final = (
    "upperlegs-height-incr", "lowerlegs-height-incr", "measure-thigh-circ-incr", "measure-calf-circ-incr",
    "measure-knee-circ-incr", "hip-scale-horiz-incr", "hip-scale-depth-incr", "buttocks-volume-incr",
    "torso-scale-vert-incr", "torso-scale-depth-incr", "torso-scale-horiz-incr", "l-foot-scale-incr",
    "stomach-tone-incr", "measure-shoulder-dist-incr", "measure-upperarm-length-incr",
)  # fmt: skip
"""Local changes of shape beside Anny's six global ones: what alters where legs and hips seem to be."""


@dataclass(frozen=True)
class Body:
    """One person at rest, standing on y = 0, facing +x; m.

    `vertices` [V, 3], `normals` [V, 3], `faces` [F, 3], `bones` names [B] with `parents` [B] and `heads` [B, 3];
    `weights` [V, K] of the bones `weight_bones` [V, K]. `stature_m` is the height at rest. `shape` is what was drawn.
    """

    vertices: F64
    normals: F64
    faces: I32
    bones: tuple[str, ...]
    parents: tuple[int, ...]
    heads: F64
    weights: F32
    weight_bones: I32
    stature_m: float
    shape: dict[str, float]

    def head(self, bone: str) -> F64:
        """Head [3] of `bone`, its joint centre."""
        return np.asarray(self.heads[self.bones.index(bone)])


def draw_shape(random: np.random.Generator) -> dict[str, float]:
    """Global (0..1) and local (-1..1) shape of an adult; ages are Anny's scale, 0.67 a young adult, 1 old."""
    shape = {
        "gender": float(random.choice((random.uniform(0.0, 0.25), random.uniform(0.75, 1.0)))),
        "age": random.uniform(0.6, 0.95),
        "muscle": random.uniform(0.2, 0.85),
        "weight": float(np.clip(random.normal(0.5, 0.2), 0.1, 0.95)),
        "height": float(np.clip(random.normal(0.5, 0.17), 0.15, 0.85)),
        "proportions": random.uniform(0.3, 0.9),
    }
    return shape | {name: float(np.clip(random.normal(0.0, _LOCAL_SD), -0.6, 0.6)) for name in _LOCAL}


def make_body(shape: dict[str, float]) -> Body:
    """The body of `shape` (keys of `draw_shape`). Takes about 0.1 s; the first one loads the model."""
    import torch

    model = _model()
    local = set(model.local_change_labels)
    kwargs = {name: torch.tensor([value]) for name, value in shape.items() if name in model.phenotype_labels}
    changes = {name: torch.tensor([value]) for name, value in shape.items() if name in local}
    if "l-foot-scale-incr" in changes:
        changes["r-foot-scale-incr"] = changes["l-foot-scale-incr"]
    still = torch.eye(4)[None, None].repeat(1, model.bone_count, 1, 1)
    with torch.no_grad():
        out = model(pose_parameters=still, phenotype_kwargs=kwargs, local_changes_kwargs=changes)
    vertices = out["rest_vertices"][0].double().numpy() @ _AXES.T
    heads = out["rest_bone_heads"][0].double().numpy() @ _AXES.T
    faces = np.ascontiguousarray(model.faces.numpy(), dtype=np.int32)
    floor = vertices[:, 1].min()
    vertices[:, 1] -= floor
    heads[:, 1] -= floor
    return Body(
        vertices=vertices,
        normals=vertex_normals(vertices, faces),
        faces=faces,
        bones=tuple(model.bone_labels),
        parents=tuple(int(parent) for parent in model.bone_parents),
        heads=heads,
        weights=model.vertex_bone_weights.numpy().astype(np.float32),
        weight_bones=model.vertex_bone_indices.numpy().astype(np.int32),
        stature_m=float(vertices[:, 1].max()),
        shape=shape,
    )


def vertex_normals(vertices: F64, faces: I32) -> F64:
    """Unit normals [V, 3], faces weighted by their area."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    of_face = np.cross(b - a, c - a)
    total = np.zeros_like(vertices)
    for i in range(3):
        np.add.at(total, faces[:, i], of_face)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.asarray(total / np.maximum(length, 1e-12))


@functools.cache
def _model() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Anny recommends a GPU library for its own skinning, which is not used here
        import anny

        return anny.Anny(local_changes="default")
