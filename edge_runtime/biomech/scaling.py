"""Scaling of the MuJoCo leg model to one person, segment by segment, as OpenSim's ScaleTool does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import mujoco
import numpy as np

from edge_runtime.types import F64

Factors = tuple[float, float, float]
"""Along x forward, y up, z to the right."""
_ONE: Final = (1.0, 1.0, 1.0)
_SEGMENTS: Final = {
    "pelvis": "pelvis", "sacrum": "pelvis", "femur": "thigh", "patella": "thigh", "tibia": "shank", "talus": "foot",
    "calcn": "foot", "toes": "foot",
}  # fmt: skip
"""Segment of a body; everything else is trunk."""


@dataclass(frozen=True, slots=True)
class Inertial:
    """Of a body: `mass_kg`, `com_m` [3] in its frame, `inertia` [3, 3] kg m² about the centre of mass, in its axes."""

    mass_kg: float
    com_m: F64
    inertia: F64


@dataclass(frozen=True, slots=True)
class Segments:
    """What makes unscaled MyoLegs this person: length factors per segment, and masses.

    `thigh`, `shank`, `foot` right and left; `knee_axis_m` centre of the knee joint from the tibia's origin, right and
    left (None: it scales with the shank); 8 mm of it are worth 5 Nm in walking. `mass_kg` is
    shared out in MyoLegs' proportions, except where `inertial` says what a body (`femur_r`, `tibia_l` ...) has, as a
    scaled `.osim` does.
    """

    mass_kg: float
    pelvis: Factors = _ONE
    trunk: Factors = _ONE
    thigh: tuple[Factors, Factors] = (_ONE, _ONE)
    shank: tuple[Factors, Factors] = (_ONE, _ONE)
    foot: tuple[Factors, Factors] = (_ONE, _ONE)
    knee_axis_m: tuple[Factors, Factors] | None = None
    inertial: Mapping[str, Inertial] = field(default_factory=dict)

    def of(self, body: str) -> F64:
        """Factors [3] of a MuJoCo body by its name."""
        base, _, side = body.rpartition("_") if body.endswith(("_r", "_l")) else (body, "", "")
        segment = getattr(self, _SEGMENTS.get(base, "trunk"))
        return np.array(segment["rl".index(side)] if isinstance(segment[0], tuple) else segment)


def relative(segments: Segments, factor: float) -> Segments:
    """The same person's segments where the model was `factor` times larger before."""

    def times(segment: Factors) -> Factors:
        x, y, z = (factor * value for value in segment)
        return x, y, z

    def both(pair: tuple[Factors, Factors]) -> tuple[Factors, Factors]:
        return times(pair[0]), times(pair[1])

    return replace(
        segments, pelvis=times(segments.pelvis), trunk=times(segments.trunk), thigh=both(segments.thigh),
        shank=both(segments.shank), foot=both(segments.foot),
    )  # fmt: skip


def scale_segments(model: Any, segments: Segments) -> None:
    """Scale a compiled model in place: frames, joints, muscle paths, couplings, masses, and muscle length ranges.

    A child's frame moves with its parent's factors; wrapping radii take the mean factor; a knee translation takes the
    thigh's factor along its axis; optimal and slack lengths follow the path's length in the neutral pose.
    """
    before = model.tendon_length0.copy()
    factors = np.stack([segments.of(model.body(b).name) for b in range(model.nbody)])
    model.body_pos *= factors[model.body_parentid]
    model.jnt_pos *= factors[model.jnt_bodyid]
    model.site_pos *= factors[model.site_bodyid]
    model.geom_pos *= factors[model.geom_bodyid]
    model.geom_size *= factors[model.geom_bodyid].mean(axis=1)[:, None]
    for joint in range(model.njnt):
        name = model.joint(joint).name
        if segments.knee_axis_m and name.startswith("knee_") and "beta" not in name:
            model.jnt_pos[joint] = segments.knee_axis_m["rl".index(name[-1])]
    _scale_slides(model, factors)
    _scale_masses(model, segments, factors)
    mujoco.mj_setConst(model, mujoco.MjData(model))
    ratio = (model.tendon_length0 / before)[model.actuator_trnid[:, 0]]
    model.actuator_lengthrange *= ratio[:, None]
    model.tendon_range *= (model.tendon_length0 / before)[:, None]
    model.tendon_lengthspring *= (model.tendon_length0 / before)[:, None]


def _scale_slides(model: Any, factors: F64) -> None:
    """Couplings of sliding joints, by the factor of the parent's segment along the joint's axis."""
    slides = model.jnt_type == mujoco.mjtJoint.mjJNT_SLIDE
    parent = model.body_parentid[model.jnt_bodyid]
    along = np.linalg.norm(model.jnt_axis * factors[parent], axis=1)
    model.jnt_range[slides] *= along[slides, None]
    for i in np.flatnonzero(model.eq_type == mujoco.mjtEq.mjEQ_JOINT):
        if slides[model.eq_obj1id[i]]:
            model.eq_data[i, :5] *= along[model.eq_obj1id[i]]


def _scale_masses(model: Any, segments: Segments, factors: F64) -> None:
    own = {b: segments.inertial[name] for b in range(model.nbody) if (name := model.body(b).name) in segments.inertial}
    free = np.array([b not in own for b in range(model.nbody)])
    left = segments.mass_kg - sum(body.mass_kg for body in own.values())
    share = left / float(model.body_mass[free].sum())
    for b in range(model.nbody):
        if b in own:
            mass, com, inertia = own[b].mass_kg, own[b].com_m, own[b].inertia
        else:
            mass, com = share * model.body_mass[b], factors[b] * model.body_ipos[b]
            inertia = share * stretched(_inertia(model, b), factors[b])
        _set_inertial(model, b, mass, com, inertia)


def _inertia(model: Any, body: int) -> F64:
    axes = np.zeros(9)
    mujoco.mju_quat2Mat(axes, model.body_iquat[body])
    turn = axes.reshape(3, 3)
    return np.asarray(turn @ np.diag(model.body_inertia[body]) @ turn.T)


def stretched(inertia: F64, factors: F64) -> F64:
    """Inertia [3, 3] of a body of the same mass whose every point moved by `factors` [3] along the axes."""
    second = 0.5 * np.trace(inertia) * np.eye(3) - inertia  # ∫ x xᵀ dm
    second = second * np.outer(factors, factors)
    return np.asarray(np.trace(second) * np.eye(3) - second)


def _set_inertial(model: Any, body: int, mass: float, com: F64, inertia: F64) -> None:
    moments, axes = np.linalg.eigh(inertia)
    axes[:, 2] *= np.linalg.det(axes)  # a rotation, not a mirror
    quaternion = np.zeros(4)
    mujoco.mju_mat2Quat(quaternion, np.ascontiguousarray(axes).ravel())
    model.body_mass[body], model.body_ipos[body] = mass, com
    model.body_inertia[body], model.body_iquat[body] = moments, quaternion
