"""How far the cuffs go at work: from their stiffness at rest, over torques, knee angles and misalignments."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_runtime.tissue.energy import fill_energy
from edge_runtime.tissue.forward import simulate
from edge_runtime.tissue.geometry import SEGMENTS, Device, Phantom
from edge_runtime.tissue.linkage import INTERFACE, STATE, place
from edge_runtime.types import F64

_REST_STEPS: Final = 40
_REST_STEP_S: Final = 1.0  # each such step is a Newton step towards rest
_KNEE_STEPS: Final = 5
_AROUND: Final = 8
_MARGIN: Final = 1.3
"""The ellipsoid's half axes over the largest displacement of each kind, which do not come all at once."""
_LEAST: Final = np.array([0.003, 0.003, 0.05])
"""Half axes that even the stiffest tissue is identified over: m, m, rad."""


@dataclass(frozen=True, slots=True)
class Work:
    """What the device is to do: torque either way, Nm; knee from straight to `knee_rad`; hinge off the knee's axis by
    up to `misalignment_m` more than fitted, any direction."""

    torque_nm: float = 20.0
    knee_rad: float = 1.9
    misalignment_m: float = 0.02


def device_fields(phantom: Phantom) -> dict[str, Any]:
    """The device of a phantom in the terms of `linkage.INTERFACE`."""
    device: Device = phantom.device
    x, z = device.misalignment_m
    half = device.frame_mass_kg / 2.0
    return {
        "misalignment_m": (x, z),
        "link_mass_kg": (half, half),
        "link_com_m": ((-x, phantom.thigh_cuff.centre_m - z), (-x, -phantom.shank_cuff.centre_m - z)),
        "link_inertia_kgm2": (device.frame_inertia_kgm2, device.frame_inertia_kgm2),
        "rotor_inertia_kgm2": device.rotor_inertia_kgm2,
    }


def working_poses(phantom: Phantom, stiffness: F64, work: Work) -> F64:
    """Poses [2, n, 3] of both cuffs at rest under all combinations; `stiffness` [2, 3, 3] of the cuffs at rest."""
    p = springs_of(phantom, stiffness)
    fitted = np.array(phantom.device.misalignment_m)
    around = np.arange(_AROUND) * 2.0 * np.pi / _AROUND
    off = [np.zeros(2), *(work.misalignment_m * np.array([np.cos(a), np.sin(a)]) for a in around)]
    poses = []
    for shift, torque_nm, knee_rad in product(
        off, (-work.torque_nm, 0.0, work.torque_nm), np.linspace(0.0, work.knee_rad, _KNEE_STEPS)
    ):
        p["misalignment_m"] = fitted + shift
        poses.append(_at_rest(p, torque_nm, float(knee_rad)))
    return np.stack(poses, axis=1)


def working_reach(poses: F64) -> F64:
    """Half axes [2, 3] of the ellipsoids to identify the cuffs over, from their working poses [2, n, 3]."""
    return np.maximum(_MARGIN * np.abs(poses).max(axis=1), _LEAST)


def springs_of(phantom: Phantom, stiffness: F64) -> npt.NDArray[Any]:
    """INTERFACE [1] of cuffs that are plain springs."""
    p = np.zeros(1, INTERFACE)
    p["stiffness"] = 1.0
    for name, value in device_fields(phantom).items():
        p[name] = value
    for index, name in enumerate(SEGMENTS):
        k = 0.5 * (stiffness[index] + stiffness[index].T)
        terms = {}
        for i in range(3):
            for j in range(i, 3):
                powers = np.eye(3, dtype=int)[i] + np.eye(3, dtype=int)[j]
                terms[(int(powers[0]), int(powers[1]), int(powers[2]))] = float(k[i, j]) * (0.5 if i == j else 1.0)
        fill_energy(p[0]["cuffs"][index], terms, np.ones(3))
        p[0]["cuffs"][index]["centre_m"] = 0.0, (1.0 - 2.0 * index) * phantom.cuff(name).centre_m
    return p


def _at_rest(p: npt.NDArray[Any], torque_nm: float, knee_rad: float) -> F64:
    s = np.zeros(1, STATE)
    s["coordinates"] = 0.0, 0.0, 0.0, knee_rad
    still, out = np.zeros(_REST_STEPS), np.empty((_REST_STEPS, 6))
    simulate(p[0], s[0], still + torque_nm, still + knee_rad, still, _REST_STEP_S, out)
    place(p[0], s[0], knee_rad)
    poses: F64 = s[0]["cuffs"]["at"]["pose"].copy()
    return poses
