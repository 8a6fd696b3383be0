"""Accuracy of knee contact forces on trials with measured ones, and whether their intervals hold what was measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from edge_runtime.biomech.alignment import aligned
from edge_runtime.biomech.model import GRAVITY_MPS2
from edge_runtime.biomech.outcome import Outcome
from edge_runtime.biomech.skeleton.evaluate import Models, Plan, Solved, away_from_ends, knee_lag_ms
from edge_runtime.biomech.skeleton.person import Options
from edge_runtime.biomech.skeleton.sample import Progress
from edge_runtime.biomech.trials import Trial, find_trials, read_trial
from edge_runtime.errors import UserError
from edge_runtime.stats import quantiles
from edge_runtime.types import F64, SIDES

PARTS: Final = ("medial", "lateral", "total")
Z_90: Final = 1.6449  # half-width of the central 90 % of a normal distribution
MOMENT_SD_NM: Final = 5.0
"""Standard deviation of a knee moment in sagittal and frontal plane: what MyoLegs' lengths and axes are worth against
OpenSim's inverse dynamics (docs/musculoskeletal.md)."""
EXTENSOR_ARM_M: Final = 0.045
"""Moment arm of the quadriceps near extension in the models (Rajagopal et al. 2016): turns that moment into force."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One part of all knees of a trial: ours, its standard deviation and what was measured [M] N, over body weight."""

    ours_n: F64
    sd_n: F64
    measured_n: F64
    weight_n: float


def evaluate_kcf(plan: Plan, progress: Progress) -> dict[str, Any]:
    """Keys of `exo-edge evaluate kcf`. Raises UserError where no trial has measured knee forces, or one is broken."""
    models = Models(plan, progress)
    all_parts, per_trial, took = [], [], []
    for path in find_trials(plan.data):
        in_step = aligned(read_trial(path, plan.references))
        trial = in_step.trial
        if not trial.references.knee_n:
            continue
        solved = models.solve(trial, plan.options)
        parts = compare(
            trial, solved, [solved.outcome, *(models.solve(trial, o).outcome for o in others(plan.options))]
        )
        all_parts.append(parts)
        took.append(solved.outcome.frame_us * 1e-3)
        per_trial.append({
            "trial": trial.name, "model": solved.model, "scaling": solved.scaling,
            "force_lag_ms": in_step.lag_ms, "knee_lag_ms": knee_lag_ms(trial, solved.outcome), **summary([parts]),
        })  # fmt: skip
    if not per_trial:
        raise UserError(f"{plan.data}: no trial with measured knee forces; give kcf_medial_r, kcf_lateral_r ... in N")
    whole = summary(all_parts)
    return {
        "trials": len(per_trial), "overall": {part: whole[part] for part in PARTS},
        "coverage_90": whole["coverage_90"], "ms_per_frame": quantiles(np.concatenate(took)), "per_trial": per_trial,
    }  # fmt: skip


def others(options: Options) -> tuple[Options, Options]:
    """The solve's other plausible choices: exponent 3 for 2 and 2 for 3 or 4, passive force on for off."""
    return (
        replace(options, power=3 if options.power == 2 else 2),
        replace(options, passive="off" if options.passive == "on" else "on"),
    )


def compare(trial: Trial, solved: Solved, outcomes: list[Outcome]) -> dict[str, Compared]:
    """Every part, both knees in a row, where measured and the foot seen; `outcomes` begin with the one judged."""
    inner, weight = away_from_ends(trial), solved.mass_kg * GRAVITY_MPS2
    compared = {}
    for part in PARTS:
        rows: list[tuple[F64, F64, F64]] = []
        for side, name in enumerate(SIDES):
            key = name if part == "total" else f"{part}_{name}"
            if key in trial.references.knee_n:
                measured = trial.references.knee_n[key]
                counts = inner & trial.seen[:, side] & np.isfinite(measured)
                sd = deviation(part, [o.knee_n[key] for o in outcomes], solved.outcome.spacing_m)
                rows.append((solved.outcome.knee_n[key][counts], sd[counts], measured[counts]))
        rows = rows or [(np.zeros(0), np.zeros(0), np.zeros(0))]
        ours, spread, truth = (np.concatenate(column) for column in zip(*rows, strict=True))
        compared[part] = Compared(ours, spread, truth, weight)
    return compared


def deviation(part: str, solutions: list[F64], spacing_m: float) -> F64:
    """Standard deviation [N] N of one part: spread of the `solutions` about the first, and the moments' uncertainty.

    A sagittal moment shifts the total by moment over arm, each compartment by half of it; a frontal one shifts load
    from one compartment to the other by moment over `spacing_m`.
    """
    spread = np.sum([(other - solutions[0]) ** 2 for other in solutions[1:]], axis=0)
    sagittal = MOMENT_SD_NM / EXTENSOR_ARM_M
    if part == "total":
        return np.asarray(np.sqrt(spread + sagittal**2))
    return np.asarray(np.sqrt(spread + (0.5 * sagittal) ** 2 + (MOMENT_SD_NM / spacing_m) ** 2))


def summary(trials: list[dict[str, Compared]]) -> dict[str, Any]:
    """Of each part `rmse_n`, `rmse_bw`, `nrmse_pct` (of the measured range), `r2`, `peak_error_bw` (mean over trials),
    null where nothing was measured; `coverage_90` of all parts."""
    found: dict[str, Any] = {
        part: _scores([trial[part] for trial in trials if len(trial[part].ours_n)]) for part in PARTS
    }
    inside = [np.abs(c.ours_n - c.measured_n) <= Z_90 * c.sd_n for trial in trials for c in trial.values()]
    covered = np.concatenate(inside)
    return found | {"coverage_90": float(covered.mean()) if len(covered) else None}


def _scores(compared: list[Compared]) -> dict[str, float | None]:
    if not compared:
        return dict.fromkeys(("rmse_n", "rmse_bw", "nrmse_pct", "r2", "peak_error_bw"))
    ours, truth = (np.concatenate([getattr(c, name) for c in compared]) for name in ("ours_n", "measured_n"))
    error, weight = ours - truth, np.concatenate([np.full(len(c.ours_n), c.weight_n) for c in compared])
    rmse, span, variance = float(np.sqrt(np.mean(error**2))), float(np.ptp(truth)), float(truth.var())
    peaks = [(c.ours_n.max() - c.measured_n.max()) / c.weight_n for c in compared]
    return {
        "rmse_n": rmse, "rmse_bw": float(np.sqrt(np.mean((error / weight) ** 2))),
        "nrmse_pct": 100.0 * rmse / span if span > 0.0 else None,
        "r2": 1.0 - rmse**2 / variance if variance > 0.0 else None, "peak_error_bw": float(np.mean(peaks)),
    }  # fmt: skip
