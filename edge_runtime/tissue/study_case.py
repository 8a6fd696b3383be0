"""One case of a parameter study on the full model: at rest with and without torque, and a slow swing of the torque."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

import numpy as np

from edge_runtime.errors import UserError
from edge_runtime.tissue.geometry import SEGMENTS
from edge_runtime.tissue.long_step import LongStepModel
from edge_runtime.tissue.pressure import FLAG_DISCOMFORT_PA, Pressure, PressureMap
from edge_runtime.tissue.study_plan import Case
from edge_runtime.tissue.svk import MIN_DET_F

_SWING_HZ: Final = 1.0
_STEPS: Final = 120  # to the swing; its loop of torque and angle closes on the second round


@dataclass(frozen=True, slots=True)
class Result:
    """Of one case; NaN where it found no rest, and then `note` says why.

    `transmission`: rise of the knee's torque over the hinge's. `angle_error_deg`: how far the hinge gives way under the
    torque; `unloaded_deg`: bend without torque, from misalignment. Pressures of the worse cuff under torque.
    `loss_j`: lost in one swing of the torque to both sides at 1 Hz, of `given_j` that it put in.
    """

    transmission: float
    angle_error_deg: float
    unloaded_deg: float
    stiffness_nm_per_rad: float
    p95_kpa: float
    highest_kpa: float
    uncomfortable_tiles: int
    loss_j: float
    given_j: float
    min_det_f: float
    note: str


def solve(case: Case) -> Result:
    """Seconds on one core."""
    model = LongStepModel(case.phantom())
    knee_rad = math.radians(case.knee_deg)
    try:
        still = _rest(model, knee_rad, 0.0)
        pushed = _rest(model, knee_rad, case.torque_nm)
    except UserError as error:
        return Result(*(math.nan,) * 6, 0, *(math.nan,) * 3, str(error))
    loads = [_pressure(model, name) for name in SEGMENTS]
    det = model.full.min_det_f()
    loss_j, given_j = _swing(model, knee_rad, case.torque_nm)
    bend = pushed[0] - still[0]
    return Result(
        transmission=(pushed[1] - still[1]) / case.torque_nm,
        angle_error_deg=math.degrees(bend),
        unloaded_deg=math.degrees(still[0] - knee_rad),
        stiffness_nm_per_rad=case.torque_nm / bend,
        p95_kpa=max(load.p95_pa for load in loads) / 1e3,
        highest_kpa=max(load.highest_pa for load in loads) / 1e3,
        uncomfortable_tiles=sum(int(np.count_nonzero(load.patch_pa > FLAG_DISCOMFORT_PA)) for load in loads),
        loss_j=loss_j,
        given_j=given_j,
        min_det_f=det,
        note="crushed: elements below half their volume, do not trust" if det < MIN_DET_F else "",
    )


def row(case: Case, result: Result) -> dict[str, Any]:
    """One line of the table."""
    head = {"cuff": case.cuff.name, "tissue": case.tissue.name, "knee_deg": case.knee_deg}
    x, z = case.misalignment_mm
    return head | {"misalignment_x_mm": x, "misalignment_z_mm": z, "torque_nm": case.torque_nm} | asdict(result)


COLUMNS: Final = (
    "cuff", "tissue", "knee_deg", "misalignment_x_mm", "misalignment_z_mm", "torque_nm",
    *(f.name for f in fields(Result)),
)  # fmt: skip


def _rest(model: LongStepModel, knee_rad: float, torque_nm: float) -> tuple[float, float]:
    """Hinge angle and knee torque at rest."""
    reading = model.rest(knee_rad, torque_nm)
    return reading.hinge_rad, reading.knee_torque_nm


def _pressure(model: LongStepModel, name: Any) -> Pressure:
    cuff_map = PressureMap(model.phantom, name, model.full.built.mesh(name), model.full.tets(name))
    return cuff_map.at(model.points_m(name))


def _swing(model: LongStepModel, knee_rad: float, torque_nm: float) -> tuple[float, float]:
    """Energy lost, and put in, J, in the second of two swings that begin at rest under `torque_nm`."""
    torques = np.array([torque_nm * math.cos(2.0 * math.pi * k / _STEPS) for k in range(2 * _STEPS + 1)])
    step_s = 1.0 / (_SWING_HZ * _STEPS)
    hinge = np.array([model.step(step_s, float(torque), knee_rad, 0.0).hinge_rad for torque in torques])
    work = 0.5 * (torques[1:] + torques[:-1]) * np.diff(hinge)
    last = work[_STEPS:]
    return float(last.sum()), float(last[last > 0.0].sum())
