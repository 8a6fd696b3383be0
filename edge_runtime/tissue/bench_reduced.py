"""Part of `bench tissue`: the reduced model against the full one on motion, fits and moduli not identified on."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import Any, Final

import numpy as np

from calibration.reduced_tissue import ReducedTissue
from edge_runtime.progress import progress
from edge_runtime.tissue.forward import simulate
from edge_runtime.tissue.geometry import Phantom, phantom_for
from edge_runtime.tissue.held_out import Case, compare
from edge_runtime.tissue.identify import Plan, about, identify
from edge_runtime.tissue.linkage import STATE
from edge_runtime.tissue.pack import packed
from edge_runtime.tissue.pose_store import PoseStore
from edge_runtime.tissue.prony import Arms, arms_from_relaxation
from edge_runtime.tissue.relaxing import RelaxingRig

REFERENCE_ARMS: Final = Arms((0.30, 0.20, 0.10), (0.02, 0.3, 2.0))
"""A made-up tissue whose loss tangent over 0.25 to 4 Hz is 0.05 to 0.11; the reduced model is told its relaxation."""
_RELAXATION_S: Final = np.geomspace(0.005, 20.0, 40)
_FREQUENCIES_HZ: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
_SWING_NM: Final = 8.0
_REFERENCE_STEPS: Final = 32  # per cycle; the loop's area is then 0.6 % too small
_CYCLES: Final = 1.25


def legs() -> list[Phantom]:
    """Two legs: an average one as built; a short heavy one, its bones off centre, its cuffs pressed on."""
    plain = phantom_for(1.75, 72.0)
    heavy = phantom_for(1.60, 80.0)
    shift = {name: replace(getattr(heavy, name), bone_offset_m=(0.004, 0.003)) for name in ("thigh", "shank")}
    press = {name: replace(getattr(heavy, name), prestrain=0.04) for name in ("thigh_cuff", "shank_cuff")}
    return [plain, replace(heavy, **shift, **press, material=replace(heavy.material, young_pa=40e3))]


def cases(leg: int) -> dict[str, list[Case]]:
    """By the key they count under. Torques are small enough that no element is crushed."""
    driven = [(60e3, 20.0, 0.9), (10e3, 2.5, 0.8), (25e3, 8.0, 1.0), (150e3, 20.0, 0.9), (300e3, 20.0, 1.1)]
    off = [(0.02, 0.0), (0.0, -0.02), (-0.014, 0.014), (0.0, 0.02), (0.014, 0.014)]
    if leg:
        driven, off = [(40e3, 10.0, 0.9), (120e3, 20.0, 1.0)], [(-0.02, 0.0), (0.014, -0.014)]
    out: dict[str, list[Case]] = {"locked": [], "driven": [], "driven_20mm": []}
    for (young_pa, torque_nm, strides_hz), misaligned in zip(driven, off, strict=True):
        out["driven"].append(Case(young_pa, (0.0, 0.0), torque_nm, strides_hz))
        out["driven_20mm"].append(Case(young_pa, misaligned, torque_nm, strides_hz))
    for knee_rad, (young_pa, torque_nm, strides_hz), misaligned in zip(
        (0.0, 0.6, 1.2, 1.8, 0.3), driven, ((0.0, 0.0), *off), strict=False
    ):
        out["locked"].append(Case(young_pa, misaligned, torque_nm, strides_hz, knee_rad, 0.8))
    return out


def measure() -> dict[str, Any]:
    """Identify both legs, run all cases; `reduced_rmse_pct` has the worst of each kind, `reduced_cases` every one."""
    rows: list[dict[str, Any]] = []
    identified, seconds = [], []
    for number, leg in enumerate(legs()):
        began = time.perf_counter()
        identified.append(_identify(leg))
        seconds.append(time.perf_counter() - began)
        todo = [(key, case) for key, of_kind in cases(number).items() for case in of_kind]
        for i in progress(range(len(todo)), len(todo), f"leg {number + 1}: held out"):
            rows.append(_row(number, leg, identified[-1], *todo[i]))
            print(f"bench tissue: {rows[-1]}", file=sys.stderr)
    kinds = ("locked", "driven", "driven_20mm")
    return {
        "reduced_rmse_pct": {kind: max(row["rmse_pct"] for row in rows if row["kind"] == kind) for kind in kinds},
        "reduced_cases": rows,
        "reduced_identify_s": seconds,
        "dissipation": dissipation(legs()[0], identified[0]),
    }


def dissipation(phantom: Phantom, tissue: ReducedTissue) -> dict[str, Any]:
    """Energy lost per cycle at a locked knee's hinge: Prony arms, and Kelvin-Voigt, against relaxing elements."""
    relaxation = 1.0 + np.exp(-_RELAXATION_S[:, None] / np.array(REFERENCE_ARMS.time_s)) @ REFERENCE_ARMS.share
    arms = arms_from_relaxation(_RELAXATION_S, relaxation)
    prony = replace(tissue, kelvin_time_s=0.0, arm_share=arms.share, arm_time_s=arms.time_s)
    truth = []
    for i in progress(range(len(_FREQUENCIES_HZ)), len(_FREQUENCIES_HZ), "dissipation"):
        truth.append(_reference_loss_j(phantom, tissue, _FREQUENCIES_HZ[i]))
    ours = [_reduced_loss_j(prony, frequency_hz) for frequency_hz in _FREQUENCIES_HZ]
    middle = _FREQUENCIES_HZ.index(1.0)
    kelvin = replace(tissue, kelvin_time_s=0.01)
    scale = truth[middle] / _reduced_loss_j(kelvin, 1.0)
    kelvin = replace(tissue, kelvin_time_s=0.01 * scale)
    voigt = [_reduced_loss_j(kelvin, frequency_hz) for frequency_hz in _FREQUENCIES_HZ]
    error = [100.0 * (a / b - 1.0) for a, b in zip(ours, truth, strict=True)]
    return {
        "frequency_hz": list(_FREQUENCIES_HZ),
        "reference_j": truth,
        "error_pct": error,
        "worst_pct": max(map(abs, error)),
        "kelvin_voigt_error_pct": [100.0 * (a / b - 1.0) for a, b in zip(voigt, truth, strict=True)],
    }


def _identify(leg: Phantom) -> ReducedTissue:
    plan = Plan(leg)
    with PoseStore(None, about(plan)) as store:
        return identify(plan, store, progress, "bench tissue")


def _row(number: int, leg: Phantom, tissue: ReducedTissue, kind: str, case: Case) -> dict[str, Any]:
    found = compare(leg, tissue, case)
    return {
        "leg": number + 1,
        "kind": kind,
        "young_kpa": case.young_pa / 1e3,
        "misalignment_mm": [1e3 * v for v in case.misalignment_m],
        "torque_nm": case.torque_nm,
        "knee_deg": None if case.locked_rad is None else float(np.degrees(case.locked_rad)),
        "rmse_pct": found.rmse_pct,
        "knee_rms_nm": float(np.sqrt(np.mean(found.full_nm**2))),
        "min_det_f": found.min_det_f,
        "doubt": found.doubt,
    }


def _torque(frequency_hz: float, steps: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Sine from rest over `_CYCLES`, `steps` to the cycle, at the ends of the steps."""
    return _SWING_NM * np.sin(2.0 * np.pi * np.arange(1, round(_CYCLES * steps) + 1) / steps)


def _area_j(torque_nm: Any, hinge_rad: Any, steps: int) -> float:
    """Work over the last whole cycle, Nm x rad, by the trapezoidal rule."""
    torque, hinge = torque_nm[-steps - 1 :], hinge_rad[-steps - 1 :]
    return float(np.sum(0.5 * (torque[1:] + torque[:-1]) * np.diff(hinge)))


def _reference_loss_j(phantom: Phantom, tissue: ReducedTissue, frequency_hz: float) -> float:
    rig = RelaxingRig(phantom, REFERENCE_ARMS, packed(tissue))
    torque = _torque(frequency_hz, _REFERENCE_STEPS)
    hinge = [rig.step(float(value), 1.0 / frequency_hz / _REFERENCE_STEPS) for value in torque]
    return _area_j(torque, np.array(hinge), _REFERENCE_STEPS)


def _reduced_loss_j(tissue: ReducedTissue, frequency_hz: float) -> float:
    """The same of the reduced model in steps of 1 ms, its inertia taken away: the reference has none."""
    p, s = packed(tissue), np.zeros(1, STATE)
    for name in ("link_mass_kg", "link_inertia_kgm2", "rotor_inertia_kgm2"):
        p[name] *= 1e-6
    p["cuffs"]["mass"], p["cuffs"]["mode_square"] = 0.0, 0.0
    steps = round(1e3 / frequency_hz)
    torque = _torque(frequency_hz, steps)
    still, out = np.zeros(len(torque)), np.empty((len(torque), 6))
    simulate(p[0], s[0], torque, still, still, 1e-3, out)
    return _area_j(torque, out[:, 4], steps)
