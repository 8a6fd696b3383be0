"""Reduced tissue of a profile, packed for the compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.reduced_tissue import CuffTissue, ReducedTissue
from edge_runtime.tissue.energy import fill_energy
from edge_runtime.tissue.linkage import INTERFACE, SHANK, THIGH

Record = npt.NDArray[Any]
"""INTERFACE record array [1]."""

_PLAIN = (
    "stiffness", "stiffness_low", "stiffness_high", "stiffness_bias", "kelvin_time_s", "arm_share", "arm_time_s",
    "misalignment_m", "link_mass_kg", "link_com_m", "link_inertia_kgm2", "rotor_inertia_kgm2", "viscous_nms_per_rad",
    "coulomb_nm",
)  # fmt: skip


def packed(tissue: ReducedTissue) -> Record:
    """INTERFACE record array [1] of one leg, without gravity."""
    out = np.zeros(1, INTERFACE)
    for name in _PLAIN:
        out[name] = getattr(tissue, name)
    for index, cuff in ((THIGH, tissue.thigh), (SHANK, tissue.shank)):
        _fill(out[0]["cuffs"][index], cuff)
        _fill_modes(out[0]["cuffs"][index], cuff, tissue)
    return out


def _fill(record: Any, cuff: CuffTissue) -> None:
    terms = {(int(a), int(b), int(d)): energy for a, b, d, energy in cuff.terms}
    fill_energy(record, terms, np.array(cuff.reach))
    for name in ("loss", "error", "growth", "posture_per_rad", "centre_m", "mass", "swing", "centrifugal", "gyration"):
        record[name] = getattr(cuff, name)


def _fill_modes(record: Any, cuff: CuffTissue, tissue: ReducedTissue) -> None:
    """Modes; each with the Kelvin-Voigt time that loses as much at its own frequency as the arms do."""
    rows = np.array(cuff.modes)
    record["mode_square"], record["mode_swing"], record["mode_centrifugal"] = rows[:, :3].T
    record["mode_mass"] = rows[:, 3:]
    share, time_s = np.array(tissue.arm_share), np.array(tissue.arm_time_s)
    square = tissue.stiffness * rows[:, :1]
    record["mode_time_s"] = tissue.kelvin_time_s + (share * time_s / (1.0 + square * time_s**2)).sum(axis=1)
