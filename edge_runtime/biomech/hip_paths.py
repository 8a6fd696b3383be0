"""Hip muscles of the Myo models as in the OpenSim model they were made from: attachments corrected, lost wraps back."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import mujoco
import numpy as np

from edge_runtime.types import F64, SIDES

Point = tuple[float, float, float]
ATTACHMENTS_M: Final[dict[str, tuple[Point, Point]]] = {
    "glmed1": ((-0.0490, 0.0260, 0.1150), (-0.0140, -0.0180, 0.0590)),
    "glmed2": ((-0.0850, 0.0550, 0.0820), (-0.0220, -0.0100, 0.0560)),
    "glmed3": ((-0.1000, 0.0160, 0.0640), (-0.0309, -0.0047, 0.0518)),
    "glmin1": ((-0.0300, 0.0000, 0.1180), (0.0050, -0.0150, 0.0560)),
    "glmin2": ((-0.0616, 0.0100, 0.1010), (0.0040, -0.0090, 0.0520)),
    "glmin3": ((-0.0789, -0.0155, 0.0798), (-0.0040, -0.0010, 0.0510)),
    "tfl": ((-0.0200, 0.0110, 0.1290), (0.0294, -0.0995, 0.0597)),
}
"""On the pelvis and on the right femur, in unscaled axes: the left side mirrors z. From the scaled model of Uhlrich et
al. 2022 (Apache-2.0) over its scale factors. MyoLegs has the points of the model before it, with abduction arms 10 to
20 % shorter; the attachments of all other leg muscles are the same in both."""


class Wrap(NamedTuple):
    """A cylinder on the pelvis between a path's second and third point: centre m and turns rad about the body's x, y, z
    in turn (right side), radius m, and a point outside it on the side where the muscle passes."""

    centre_m: Point
    turn_rad: Point
    radius_m: float
    side_m: Point


WRAPS: Final = {
    "psoas": Wrap((-0.0740, -0.0600, 0.0656), (-0.25, -0.27, 0.10), 0.050, (0.0, -0.055, 0.0)),
    "glmax1": Wrap((-0.0770, -0.0990, 0.0610), (-0.60, 0.45, 0.0), 0.040, (-0.045, 0.0, 0.0)),
}
"""Of Rajagopal et al. 2016 (IEEE Trans Biomed Eng 63:2068), unscaled; `side_m` in the cylinder's axes. MyoLegs has lost
them: at 20 degrees of hip extension the psoas then has 13 mm of flexion arm in place of 29."""
_HALF_LENGTH_M: Final = 0.1
_BEFORE: Final = 2  # points of the path before the cylinder
_MIRROR: Final = np.array([1.0, 1.0, -1.0])


def add_wraps(spec: Any) -> None:
    """Route the muscles of `WRAPS` over their cylinders, in a model not compiled yet."""
    for name, wrap in WRAPS.items():
        for side in SIDES:
            _route(spec, name, side, wrap)


def _route(spec: Any, name: str, side: str, wrap: Wrap) -> None:
    """A path with the cylinder in place of the muscle's own."""
    turn = _rotation(wrap.turn_rad)
    centre, beside = np.array(wrap.centre_m), np.array(wrap.centre_m) + turn @ np.array(wrap.side_m)
    if side == "l":  # a mirrored rotation: both axes mirrored
        turn, centre, beside = np.outer(_MIRROR, _MIRROR) * turn, _MIRROR * centre, _MIRROR * beside
    quaternion = np.zeros(4)
    mujoco.mju_mat2Quat(quaternion, np.ascontiguousarray(turn).ravel())
    pelvis = spec.body("pelvis")
    cylinder = pelvis.add_geom(
        name=f"{name}_wrap_{side}", type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=[wrap.radius_m, _HALF_LENGTH_M, 0.0],
        pos=centre, quat=quaternion, contype=0, conaffinity=0, mass=0.0, group=3,
    )  # fmt: skip
    pelvis.add_site(name=f"{name}_beside_{side}", pos=beside)
    muscle = spec.actuator(f"{name}_{side}")
    own, path = spec.tendon(muscle.target), spec.add_tendon(name=f"{name}_{side}_routed")
    for number, point in enumerate(own.path):
        if number == _BEFORE:
            path.wrap_geom(cylinder.name, f"{name}_beside_{side}")
        path.wrap_site(point.target.name)
    spec.delete(own)
    muscle.target = path.name


def _rotation(turn_rad: Point) -> F64:
    """[3, 3] turns about the moving x, then y, then z axis, as OpenSim's body-fixed rotations."""
    whole = np.eye(3)
    for axis, angle in enumerate(turn_rad):
        one, (i, k) = np.eye(3), ((axis + 1) % 3, (axis + 2) % 3)
        one[i, i] = one[k, k] = np.cos(angle)
        one[k, i], one[i, k] = np.sin(angle), -np.sin(angle)
        whole = whole @ one
    return whole


def move_attachments(model: Any) -> None:
    """Move them in a compiled, unscaled Myo model in place; ranges of length keep their share of the neutral length."""
    before = model.tendon_length0.copy()
    for name, points in ATTACHMENTS_M.items():
        for side in SIDES:
            first = model.tendon_adr[model.actuator(f"{name}_{side}").trnid[0]]
            for site, point in zip(model.wrap_objid[first : first + 2], points, strict=True):
                model.site_pos[site] = np.array(point) * (1.0 if side == "r" else _MIRROR)
    mujoco.mj_setConst(model, mujoco.MjData(model))
    ratio = model.tendon_length0 / before
    model.actuator_lengthrange *= ratio[model.actuator_trnid[:, 0], None]
    model.tendon_range *= ratio[:, None]
    model.tendon_lengthspring *= ratio[:, None]
