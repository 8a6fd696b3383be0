"""Leg model shared by the biomechanics tests, and the measured treadmill trial in the model's coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.signal import butter, filtfilt

from edge_runtime.biomech.model import DOFS, LegModel, load_unscaled
from edge_runtime.biomech.skeleton.opensim_module import import_opensim
from edge_runtime.errors import UserError
from edge_runtime.types import F64, SIDES
from tests.conftest import unavailable

MASS_KG = 86.04  # of the trial's scaled model
STATURE_M = 1.925
"""Not in the data set: the stature at which MyoLegs' hip-knee-ankle length (0.804 m unscaled) meets that of
the trial's scaled model (0.917 m, mean of both legs)."""


@pytest.fixture(scope="session")
def unscaled() -> Any:
    return load_unscaled()


@pytest.fixture(scope="session")
def leg() -> LegModel:
    return LegModel(STATURE_M, MASS_KG)


@pytest.fixture(scope="session")
def opensim() -> Any:
    """The optional package; it is in no aarch64 registry, so boards do without."""
    try:
        return import_opensim()
    except UserError as error:
        unavailable(str(error))


@dataclass(frozen=True)
class Trial:
    """60 s of treadmill walking: `q`, `qd`, `qdd` [n, 20], GRF and CoP [n, 2, 3], OpenSim's moments [n]."""

    q: F64
    qd: F64
    qdd: F64
    force_n: F64
    cop_m: F64
    opensim_nm: dict[str, F64]


def read_sto(path: Path) -> dict[str, F64]:
    lines = path.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip() == "endheader") + 1
    table = np.array([[float(x) for x in line.split()] for line in lines[start + 1 :] if line.strip()])
    return {name: table[:, i] for i, name in enumerate(lines[start].split())}


def _low_passed(ik: dict[str, F64]) -> F64:
    """Coordinates below 6 Hz without phase shift; toes and subtalar joints neutral, as the runtime has."""
    q = np.zeros((len(ik["time"]), len(DOFS)))
    for i, name in enumerate(DOFS):
        if not name.startswith(("subtalar", "mtp")):
            q[:, i] = ik[name] if name in ("pelvis_tx", "pelvis_ty", "pelvis_tz") else np.radians(ik[name])
    b, a = butter(4, 6.0 / 25.0)
    low: F64 = filtfilt(b, a, q, axis=0)
    return low


@pytest.fixture(scope="session")
def trial(shared_data: Path) -> Trial:
    folder = shared_data / "treadmill_walk_60s"
    ik, moments = read_sto(folder / "results_ik.sto"), read_sto(folder / "results_id.sto")
    grf = read_sto(folder / "walking_baseline1_forces.mot")
    t, q = ik["time"], _low_passed(ik)
    spline = CubicSpline(t, q)

    def feet(part: str) -> F64:
        names = [[f"{foot}ground_force_{part}{axis}" for axis in "xyz"] for foot in ("", "1_")]
        return np.stack([np.stack([np.interp(t, grf["time"], grf[n]) for n in side], axis=1) for side in names], axis=1)

    opensim = {f"{name}_{side}": moments[f"{name}_{side}_moment"] for side in SIDES for name in
               ("hip_flexion", "hip_adduction", "knee_angle", "ankle_angle")}  # fmt: skip
    return Trial(q, spline(t, 1), spline(t, 2), feet("v"), feet("p"), opensim)
