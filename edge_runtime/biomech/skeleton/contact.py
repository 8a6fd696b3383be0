"""Tibiofemoral contact of a compiled model: two-point balance, normalized net moments, co-contraction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numba import njit

from edge_runtime.biomech.knee_contact import LATERAL_M, MEDIAL_M, two_point_balance
from edge_runtime.biomech.model import PLATEAU_CENTRE_M
from edge_runtime.biomech.skeleton.format import Skeleton
from edge_runtime.biomech.skeleton.loads import Legs
from edge_runtime.biomech.skeleton.tree import new_motion, place
from edge_runtime.types import F64, SIDES

GENERIC_LEG_M: Final = 0.8043
"""Hip-knee-ankle length of unscaled MyoLegs, where the plateau's measures were taken."""
_INNER: Final = (-1.0, 1.0)  # z to the wearer's right: the right knee's inner side is at -z


@dataclass(frozen=True, slots=True)
class Plateau:
    """Contact points on the tibia, m from the knee's joint centre: inwards, outwards, and how far below it."""

    medial_m: float
    lateral_m: float
    below_m: float


class Knees(NamedTuple):
    """Knee loads of one frame, sides in `SIDES` order."""

    force_n: F64  # [2, 3] contact force on the tibia in tibia axes
    moment_nm: F64  # [2, 3] contact moment about the joint centre, tibia axes
    medial_n: F64  # [2] compression
    lateral_n: F64  # [2]
    lift_n: F64  # [2] tension along the tibia that contact cannot give
    tilt_nm: F64  # [2] frontal moment beyond what pushing contact points can balance: left to ligaments
    kam: F64  # [2] external knee adduction moment over mass and height, Nm/(kg m)
    kem: F64  # [2] internal knee extension moment over mass and height, Nm/(kg m)
    cocontraction: F64  # [2] 0 one muscle group alone .. 1 both give the same moment


def new_knees() -> Knees:
    """Buffers."""
    return Knees(np.zeros((2, 3)), np.zeros((2, 3)), *(np.zeros(len(SIDES)) for _ in range(7)))


def leg_length(skeleton: Skeleton, legs: Legs) -> float:
    """Hip to knee to ankle, m, mean of both legs with every coordinate at its default."""
    tree, motion = skeleton.tree, new_motion(skeleton.tree)
    rest = np.zeros_like(tree.neutral)
    place(tree, skeleton.functions, tree.neutral, rest, rest, motion)
    total = 0.0
    for joint in legs.knee:
        ankle = int(np.flatnonzero(tree.parent == joint + 1)[0])
        hip = int(tree.parent[joint]) - 1
        centres = motion.centre[[hip, joint, ankle]]
        total += float(np.linalg.norm(np.diff(centres, axis=0), axis=1).sum())
    return total / len(legs.knee)


def scaled_plateau(skeleton: Skeleton, legs: Legs) -> Plateau:
    """MyoLegs' contact points in proportion to the length of the leg; measured ones are better where they are known.

    They lie about the tibia's origin; Rajagopal's joint centre is 4 mm below it and 1.5 mm inwards.
    """
    scale = leg_length(skeleton, legs) / GENERIC_LEG_M
    centre = skeleton.tree.child_position[legs.knee]  # [2, 3] of the joint, in tibia axes
    inwards, up = float(np.mean(centre[:, 2] * _INNER)), float(np.mean(centre[:, 1]))
    return Plateau(MEDIAL_M * scale - inwards, LATERAL_M * scale + inwards, up - PLATEAU_CENTRE_M[1] * scale)


@njit(cache=True, nogil=True)
def balance(wrench: F64, medial_m: float, lateral_m: float, below_m: float, out: Knees) -> None:
    """Split the contact `wrench` [2, 6] on each tibia between two points of its plateau."""
    for side in range(wrench.shape[0]):
        inner = _INNER[side]
        for i in range(3):
            out.force_n[side, i], out.moment_nm[side, i] = wrench[side, i], wrench[side, 3 + i]
        axial = -wrench[side, 1]
        frontal = wrench[side, 3] + below_m * wrench[side, 2]  # about the plateau: moment - (0, -below, 0) × force
        medial, lateral = two_point_balance(axial, frontal, inner * medial_m, -inner * lateral_m)
        out.medial_n[side], out.lateral_n[side] = medial, lateral
        out.lift_n[side] = max(-axial, 0.0)
        out.tilt_nm[side] = frontal - inner * (medial * medial_m - lateral * lateral_m)


@njit(cache=True, nogil=True)
def net_moments(legs: Legs, wrench: F64, tau: F64, exo_nm: F64, mass_height: float, out: Knees) -> None:
    """Normalized adduction and extension moments from the net `wrench` [2, 6] and generalized forces `tau` [C]."""
    for side in range(wrench.shape[0]):
        out.kam[side] = _INNER[side] * wrench[side, 3] / mass_height
        flexion = legs.sign[side] * tau[legs.flexion[side]] + exo_nm[side]
        out.kem[side] = -flexion / mass_height


@njit(cache=True, nogil=True)
def cocontraction(legs: Legs, arm: F64, tension: F64, out: Knees) -> None:
    """Twice the weaker of flexors' and extensors' moments over their sum, from `arm` [n, C] and `tension` [n].

    After Falconer & Winter 1985 (Electromyogr. Clin. Neurophysiol. 25:135), moments in place of EMG.
    """
    for side in range(legs.flexion.size):
        bend, stretch = 0.0, 0.0
        for i in range(tension.size):
            moment = legs.sign[side] * arm[i, legs.flexion[side]] * tension[i]
            if moment > 0.0:
                bend += moment
            else:
                stretch -= moment
        total = bend + stretch
        out.cocontraction[side] = 2.0 * min(bend, stretch) / total if total > 0.0 else 0.0
