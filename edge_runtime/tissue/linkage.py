"""The exoskeleton of one leg as a linkage on two cuffs: poses of the cuffs, their Jacobians and the device's inertia.

Planar, in the thigh bone's frame: x forward, z up, origin on the knee axis; angles about y, flexion positive, and
[x, z] turns by [cos a x + sin a z, -sin a x + cos a z]. The device has four coordinates: x, z of its hinge from where
it was fitted, phi of its thigh link, theta of its hinge. The knee angle is given from outside.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from edge_runtime.tissue.energy import CUFF, MODES, POSE, evaluate

THIGH: Final = 0
SHANK: Final = 1
DOFS: Final = 4
ARMS: Final = 3
_LEAST_STIFFNESS: Final = 0.1  # what a posture far from those known may take it down to

INTERFACE = np.dtype(
    [
        ("cuffs", CUFF, (2,)),  # thigh, shank
        ("stiffness", np.float64),  # of both cuffs, in multiples of what their energies hold
        ("stiffness_low", np.float64),  # the interval it is known to lie in, same unit
        ("stiffness_high", np.float64),
        ("stiffness_bias", np.float64),  # an inverse takes the tissue so many times stiffer: the safe side
        ("kelvin_time_s", np.float64),  # viscous force = this x stiffness matrix x rate of the pose
        ("arm_share", np.float64, (ARMS,)),  # stiffness of each Prony arm over the lasting one; 0: unused
        ("arm_time_s", np.float64, (ARMS,)),
        ("misalignment_m", np.float64, (2,)),  # x, z of the device's hinge from the knee axis as fitted
        ("link_mass_kg", np.float64, (2,)),
        ("link_com_m", np.float64, (2, 2)),  # x, z of each link's centre of mass from the device's hinge
        ("link_inertia_kgm2", np.float64, (2,)),  # about its centre of mass
        ("rotor_inertia_kgm2", np.float64),  # reflected to the hinge
        ("viscous_nms_per_rad", np.float64),  # of the hinge
        ("coulomb_nm", np.float64),
        ("gravity_mps2", np.float64, (2,)),  # on the device, x, z in the thigh's frame; zeros where it is balanced
    ]
)
"""One leg: everything that does not change while it runs."""

CUFF_STATE = np.dtype(
    [
        ("at", POSE),
        ("stiffness", np.float64),  # in multiples of what the energy holds, posture included
        ("jacobian", np.float64, (3, DOFS)),  # of the pose by the device's coordinates
        ("knee_column", np.float64, (3,)),  # of the pose by the knee angle
        ("rate", np.float64, (3,)),  # of the pose
        ("rate_before", np.float64, (3,)),  # at the step before
        ("rate_from", np.float64, (3,)),  # what this step's change of the rate counts from
        ("expected", np.float64, (3,)),  # rate at the step's end if the device kept its velocity
        ("elastic", np.float64, (3,)),  # lasting force of the step before, which the arms compare with
        ("arms", np.float64, (ARMS, 3)),
        ("mode", np.float64, (MODES,)),
        ("mode_before", np.float64, (MODES,)),
        ("mode_rate", np.float64, (MODES,)),
        ("mode_rate_before", np.float64, (MODES,)),
        ("mode_gain", np.float64, (MODES,)),  # acceleration of a mode per force on it, within the step
        ("mode_acceleration", np.float64, (MODES,)),
        ("force", np.float64, (3,)),  # of the tissue on the cuff, reversed: N, N, Nm
        ("known", np.float64, (3,)),  # force at the step's end if the device kept its velocity
        ("implicit", np.float64, (3, 3)),  # and what a change of the pose's rate adds
    ]
)
STATE = np.dtype(
    [
        ("last_dt_s", np.float64),  # 0: no step yet
        ("coordinates", np.float64, (DOFS,)),
        ("coordinates_before", np.float64, (DOFS,)),  # at the step before
        ("velocity", np.float64, (DOFS,)),
        ("velocity_before", np.float64, (DOFS,)),
        ("velocity_from", np.float64, (DOFS,)),  # what this step's change of velocity counts from
        ("knee_radps", np.float64),
        ("knee_radps_before", np.float64),
        ("knee_radps2", np.float64),
        ("knee_nm", np.float64),  # moment about the knee of the cuff's force on the shank
        ("doubt", np.float64),  # estimated error of the cuff forces, share
        ("cuffs", CUFF_STATE, (2,)),
        ("mass", np.float64, (DOFS, DOFS)),
        ("bias", np.float64, (DOFS,)),  # centrifugal force and weight of the links
        ("matrix", np.float64, (DOFS, DOFS)),
        ("right", np.float64, (DOFS,)),
    ]
)
"""One leg: what a step carries on to the next, and its work space. All zeros is the device at rest as fitted."""


@njit(cache=True, nogil=True)
def _thigh_cuff(p: Any, s: Any) -> None:
    """The thigh's cuff: the link turns by phi about the hinge; the bone stands still."""
    c = s.cuffs[THIGH]
    x, z = p.cuffs[THIGH].centre_m[0], p.cuffs[THIGH].centre_m[1]
    cos, sin = np.cos(s.coordinates[2]), np.sin(s.coordinates[2])
    along_x, along_z = x - p.misalignment_m[0], z - p.misalignment_m[1]
    a, b = cos * along_x + sin * along_z, -sin * along_x + cos * along_z
    c.at.pose[0] = p.misalignment_m[0] + s.coordinates[0] + a - x
    c.at.pose[1] = p.misalignment_m[1] + s.coordinates[1] + b - z
    c.at.pose[2] = s.coordinates[2]
    c.jacobian[0, 0], c.jacobian[0, 2] = 1.0, b
    c.jacobian[1, 1], c.jacobian[1, 2] = 1.0, -a
    c.jacobian[2, 2] = 1.0


@njit(cache=True, nogil=True)
def _shank_cuff(p: Any, s: Any, knee_rad: float) -> None:
    """The shank's cuff, in the frame of a bone that has turned by the knee angle."""
    c = s.cuffs[SHANK]
    x, z = p.cuffs[SHANK].centre_m[0], p.cuffs[SHANK].centre_m[1]
    turn = s.coordinates[2] + s.coordinates[3]
    cos, sin = np.cos(turn), np.sin(turn)
    knee_cos, knee_sin = np.cos(knee_rad), np.sin(knee_rad)
    along_x, along_z = x - p.misalignment_m[0], z - p.misalignment_m[1]
    a, b = cos * along_x + sin * along_z, -sin * along_x + cos * along_z
    at_x, at_z = p.misalignment_m[0] + s.coordinates[0] + a, p.misalignment_m[1] + s.coordinates[1] + b
    bone_x, bone_z = knee_cos * at_x - knee_sin * at_z, knee_sin * at_x + knee_cos * at_z
    c.at.pose[0], c.at.pose[1], c.at.pose[2] = bone_x - x, bone_z - z, turn - knee_rad
    c.jacobian[0, 0], c.jacobian[0, 1] = knee_cos, -knee_sin
    c.jacobian[1, 0], c.jacobian[1, 1] = knee_sin, knee_cos
    for dof in (2, 3):
        c.jacobian[0, dof] = knee_cos * b + knee_sin * a
        c.jacobian[1, dof] = knee_sin * b - knee_cos * a
        c.jacobian[2, dof] = 1.0
    c.knee_column[0], c.knee_column[1], c.knee_column[2] = -bone_z, bone_x, -1.0


@njit(cache=True, nogil=True)
def place(p: Any, s: Any, knee_rad: float) -> None:
    """Poses, Jacobians, energies and their derivatives of both cuffs for the coordinates in `s` and a knee angle."""
    _thigh_cuff(p, s)
    _shank_cuff(p, s, knee_rad)
    s.doubt = 0.0
    for i in range(2):
        cuff = p.cuffs[i]
        c = s.cuffs[i]
        c.stiffness = p.stiffness * max(1.0 + cuff.posture_per_rad * knee_rad, _LEAST_STIFFNESS)
        evaluate(cuff, c.at, c.stiffness)
        s.doubt = max(s.doubt, cuff.error + cuff.growth * c.at.outside)


@njit(cache=True, nogil=True)
def weigh(p: Any, s: Any) -> None:
    """Mass matrix of the device, and its centrifugal force less its weight, for the coordinates and velocity in `s`."""
    s.mass[:, :] = 0.0
    s.bias[:] = 0.0
    for link in range(2):
        turn = s.coordinates[2] + link * s.coordinates[3]
        turn_radps = s.velocity[2] + link * s.velocity[3]
        cos, sin = np.cos(turn), np.sin(turn)
        a = cos * p.link_com_m[link, 0] + sin * p.link_com_m[link, 1]
        b = -sin * p.link_com_m[link, 0] + cos * p.link_com_m[link, 1]
        m = p.link_mass_kg[link]
        inertia = m * (a * a + b * b) + p.link_inertia_kgm2[link]
        force_x = -m * (a * turn_radps * turn_radps + p.gravity_mps2[0])
        force_z = -m * (b * turn_radps * turn_radps + p.gravity_mps2[1])
        s.mass[0, 0] += m
        s.mass[1, 1] += m
        s.bias[0] += force_x
        s.bias[1] += force_z
        for i in range(2, 3 + link):
            s.mass[0, i] += m * b
            s.mass[i, 0] += m * b
            s.mass[1, i] -= m * a
            s.mass[i, 1] -= m * a
            s.bias[i] += b * force_x - a * force_z
            for j in range(2, 3 + link):
                s.mass[i, j] += inertia
    s.mass[3, 3] += p.rotor_inertia_kgm2
