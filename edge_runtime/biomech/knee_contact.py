"""Tibiofemoral contact: axial compression from dynamics and muscles, split by a two-point balance."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from edge_runtime.biomech.inverse_dynamics import KNEE_DOFS
from edge_runtime.biomech.model import PLATEAU_CENTRE_M, LegModel
from edge_runtime.types import F64, SIDES, KneeLoad

MEDIAL_M: Final = 0.0206
LATERAL_M: Final = 0.0185
"""Distance of the compartments' contact points from the tibia's axis, unscaled: lowest points of the medial
and lateral femoral condyle in MyoLegs' femur mesh (39 mm apart); `tests/biomech/test_knee_contact.py`
measures them."""

_PLATEAU_M: Final = np.array(PLATEAU_CENTRE_M)
_MEDIAL_SIGN: Final = {"r": -1.0, "l": 1.0}  # z to the wearer's right: the right knee's inner side is at -z


@njit(cache=True, nogil=True)
def two_point_balance(axial_n: float, frontal_nm: float, medial_z_m: float, lateral_z_m: float) -> tuple[float, float]:
    """Medial and lateral compression (N) of a plateau pushed down by `axial_n` with the contact moment
    `frontal_nm` about the tibia's forward axis; contact points at the given z (m, right positive).

    Contact only pushes: where the balance asks a compartment to pull, it is zero, the other takes all, and
    the rest of the moment is left to the collateral ligaments. A negative `axial_n` gives an unloaded knee.
    """
    total = max(axial_n, 0.0)
    medial = (frontal_nm - total * lateral_z_m) / (medial_z_m - lateral_z_m)
    medial = min(max(medial, 0.0), total)
    return medial, total - medial


def knee_wrench(leg: LegModel, side: int, generalized: F64) -> tuple[F64, F64]:
    """Force and moment about the plateau's centre, in tibia axes [3] (N, Nm), that act on the tibia across
    the knee of leg `side` and do the work of `generalized` [36] on the six joints between femur and tibia."""
    data, bodies = leg.data, leg.legs[side]
    axes = data.xaxis[bodies.knee]
    force = np.linalg.solve(axes[:3], generalized[bodies.knee[:3]])
    moment = np.linalg.solve(axes[3:], generalized[bodies.knee[3:]])
    tibia = data.xmat[bodies.tibia].reshape(3, 3)
    force, moment = force @ tibia, moment @ tibia
    centre = leg.model.jnt_pos[leg.model.dof_jntid[bodies.knee[0]]]
    return force, moment - np.cross(_PLATEAU_M * leg.length_scale - centre, force)


def knee_load(leg: LegModel, full: F64, pull: F64) -> KneeLoad:
    """Contact at both knees from `full_forces` [36] and what the muscles' tensions do on the same coordinates [36].

    Across each knee, dynamics = contact + muscles. The patellar tendon is part of the quadriceps' path from
    patella to tibia, so its pull counts; the patella itself hangs on the femur. Forces along the tibia's
    long axis; shear, ligaments and reserve moments carry nothing.
    """
    contact = full - pull
    split = np.zeros((len(SIDES), 2))
    for side, name in enumerate(SIDES):
        force, moment = knee_wrench(leg, side, contact)
        inner = _MEDIAL_SIGN[name] * leg.length_scale
        split[side] = two_point_balance(-float(force[1]), float(moment[0]), inner * MEDIAL_M, -inner * LATERAL_M)
    moments = leg.reduce(full)[list(KNEE_DOFS)]
    return KneeLoad(moments, split[:, 0].copy(), split[:, 1].copy(), split.sum(axis=1))
