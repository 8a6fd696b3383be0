"""Motion that the reduced model was not identified from: full and reduced model side by side.

Torque and knee angle are smooth made-up curves of the shape of gait, not measured ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from calibration.reduced_tissue import ReducedTissue
from edge_runtime.tissue.forward import simulate
from edge_runtime.tissue.geometry import Phantom
from edge_runtime.tissue.linkage import STATE
from edge_runtime.tissue.pack import Record, packed
from edge_runtime.tissue.simulate import FullModel
from edge_runtime.tissue.working import device_fields
from edge_runtime.types import F64

FULL_STEP_S: Final = 5e-4
"""Of the full model, whose error falls with the step: 3 % of the knee torque at 300 kPa with the hinge off by 20 mm."""
REDUCED_STEP_S: Final = 1e-3
"""Of the reduced model: the torque loop's cycle."""
_RISE_S: Final = 0.3
_REST_STEPS: Final = 40
_REST_STEP_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Case:
    """One run: modulus, hinge off the knee (x, z), torque amplitude, and a locked knee or gait at so many strides/s."""

    young_pa: float
    misalignment_m: tuple[float, float]
    torque_nm: float
    strides_hz: float
    locked_rad: float | None = None
    seconds: float = 1.3


class Compared(NamedTuple):
    """Knee torque of both models at the same instants [n], Nm; `min_det_f` of the full; doubt of the reduced."""

    full_nm: F64
    reduced_nm: F64
    min_det_f: float
    doubt: float

    @property
    def rmse_pct(self) -> float:
        """RMS difference over RMS torque of the full model, %."""
        return float(100.0 * np.sqrt(np.mean((self.reduced_nm - self.full_nm) ** 2) / np.mean(self.full_nm**2)))


def compare(phantom: Phantom, tissue: ReducedTissue, case: Case) -> Compared:
    """Run `case` on the finite elements of `phantom` and on the reduced model, identified as `phantom` itself is."""
    device = replace(phantom.device, misalignment_m=case.misalignment_m)
    leg = replace(phantom, material=replace(phantom.material, young_pa=case.young_pa), device=device)
    full, det = _full(leg, case)
    p = packed(tissue)
    p["stiffness"] = case.young_pa / tissue.young_pa
    for name, value in device_fields(leg).items():
        p[name] = value
    reduced, doubt = _reduced(p, case)
    every = round(REDUCED_STEP_S / FULL_STEP_S)
    return Compared(full[every - 1 :: every], reduced, det, doubt)


def torque_nm(case: Case, time_s: F64) -> F64:
    """Hinge torque: a burst in early stance, a small opposite one before swing, one in late swing."""
    at = time_s * case.strides_hz
    shape = _bump(at, 0.15, 0.06) - 0.35 * _bump(at, 0.55, 0.05) + 0.25 * _bump(at, 0.9, 0.04)
    out: F64 = case.torque_nm * _rise(time_s) * shape
    return out


def knee_rad(case: Case, time_s: F64) -> F64:
    """Knee flexion: loading response and swing, from a straight start; constant where locked."""
    if case.locked_rad is not None:
        return np.full(len(time_s), case.locked_rad)
    at = time_s * case.strides_hz
    out: F64 = np.radians(3.0 + 16.0 * _bump(at, 0.14, 0.07) + 57.0 * _bump(at, 0.72, 0.095)) * _rise(time_s)
    return out


def _bump(at: F64, centre: float, width: float) -> F64:
    out: F64 = np.exp(-0.5 * (((at - centre + 0.5) % 1.0 - 0.5) / width) ** 2)
    return out


def _rise(time_s: F64) -> F64:
    share = np.minimum(1.0, time_s / _RISE_S)
    out: F64 = share**2 * (3.0 - 2.0 * share)
    return out


def _inputs(case: Case, step_s: float) -> tuple[F64, F64]:
    """Torque at the end of each step [n], knee angle at both ends of each [n + 1]."""
    time_s: F64 = np.arange(round(case.seconds / step_s) + 1) * np.float64(step_s)
    return torque_nm(case, time_s[1:]), knee_rad(case, time_s)


def _full(leg: Phantom, case: Case) -> tuple[F64, float]:
    """Knee torque after each step [n], smallest volume ratio seen."""
    motor, knee = _inputs(case, FULL_STEP_S)
    model = FullModel(leg, timestep_s=FULL_STEP_S)
    model.reset(float(knee[0]), float(motor[0]))
    out, det = np.empty(len(motor)), 1.0
    for i in range(len(motor)):
        before = model.step(float(motor[i]), float(knee[i + 1]))
        out[i - 1] = before.knee_torque_nm
        if i % 40 == 0:
            det = min(det, model.min_det_f())
    out[-1] = model.step(float(motor[-1]), float(knee[-1])).knee_torque_nm
    return out, det


def _reduced(p: Record, case: Case) -> tuple[F64, float]:
    """Knee torque after each step [n], largest doubt."""
    motor, knee = _inputs(case, REDUCED_STEP_S)
    s = np.zeros(1, STATE)
    s["coordinates"] = 0.0, 0.0, 0.0, knee[0]
    still = np.zeros(_REST_STEPS)
    simulate(p[0], s[0], still + motor[0], still + knee[0], still, _REST_STEP_S, np.empty((_REST_STEPS, 6)))
    s["velocity"], s["cuffs"]["rate"] = 0.0, 0.0
    rate = np.gradient(knee, REDUCED_STEP_S)
    s["last_dt_s"] = 0.0
    out = np.empty((len(motor), 6))
    simulate(p[0], s[0], motor, knee[1:], rate[1:], REDUCED_STEP_S, out)
    return out[:, 0], float(out[:, 5].max())
