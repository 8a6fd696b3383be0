"""Accuracy of the GRF engine on measured gait of people it has not seen, streamed as it runs beside a camera."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from engines.errors import EngineError
from engines.grf.engine import GrfEngine
from engines.grf.fair import FairEngines
from engines.grf.features import COORDINATES, F64, Mask
from engines.grf.trials import CONTACT_N, GRAVITY, Trial, find_trials, read_trial
from engines.grf.weights import ZOO_PATH

AXES: Final = ("fore_aft", "vertical", "lateral")
SIDE_VIEW: Final = np.array(
    [not any(part in name for part in ("list", "rotation", "adduction", "_tx", "_tz")) for name in COORDINATES]
)
"""Coordinates [16] that a camera beside the wearer sees: the sagittal plane and the height of the pelvis."""

_Z_90: Final = 1.6449  # half-width of the central 90 % of a normal distribution
_LOADED_BW: Final = 0.3


@dataclass(frozen=True)
class Scored:
    """One trial against the engine: truth and estimate in body weights [N, 2, 3], `mask` [N, 2] what counts."""

    trial: Trial
    force_bw: F64
    sd_bw: F64
    cop_m: F64
    mask: Mask
    step_ms: F64


def run_trial(engine: GrfEngine, trial: Trial, observed: Mask) -> Scored:
    """Stream `trial` through `engine`, frame by frame; samples count where a plate and the engine are valid."""
    engine.reset()
    n = len(trial.t_s)
    force, sd, cop = np.zeros((n, 2, 3)), np.zeros((n, 2, 3)), np.zeros((n, 2, 3))
    mask, step_ms = trial.valid.copy(), np.zeros(n)
    weight_n, still = trial.mass_kg * GRAVITY, np.zeros(len(COORDINATES))
    for i, t_s in enumerate(trial.t_s):
        began_ns = time.perf_counter_ns()
        result = engine.step(round(t_s * 1e9), trial.q[i], still, observed & trial.observed[i], trial.mass_kg)
        step_ms[i] = (time.perf_counter_ns() - began_ns) * 1e-6
        force[i], sd[i], cop[i] = result.force_n / weight_n, result.sd_n / weight_n, result.cop_ankle_m
        mask[i] &= result.valid
    return Scored(trial, force, sd, cop, mask, step_ms)


def evaluate(
    data_dir: Path,
    subjects: Collection[str] | None = None,
    onnx_path: Path | None = None,
    observed: Mask | None = None,
) -> dict[str, Any]:
    """Errors of the engine on the `.npz` trials under `data_dir`, in % of body weight, mm and ms.

    By default every person is scored by weights that did not see them in training: those at `onnx_path`, or of the
    folds beside them, as their metadata says. People named in `subjects` are scored even where there are none such,
    and then listed in `seen_in_training`. `scored_by_fold` lists those scored by a fold's weights. `observed`
    [16] hides coordinates; all are shown by default. Keys follow the product's benchmark table; `by_set` breaks
    them down by folder, `by_set_side_view` with the coordinates of `SIDE_VIEW` only. EngineError: no folder, no
    trial, nobody to score, or a damaged file.
    """
    onnx_path = onnx_path or ZOO_PATH
    paths, others = find_trials(data_dir)
    trials = [read_trial(path) for path in paths]
    engines = FairEngines(onnx_path)
    seen = {name for name in {trial.subject for trial in trials} if engines.seen(name)}
    chosen = _choose(trials, subjects, seen, data_dir)
    shown = np.ones(len(COORDINATES), dtype=np.bool_) if observed is None else observed
    runs = [run_trial(engines.of(trial.subject), trial, shown) for trial in chosen]
    side = [run_trial(engines.of(trial.subject), trial, shown & SIDE_VIEW) for trial in chosen]
    step_ms = np.concatenate([run.step_ms[run.mask.any(axis=1)] for run in runs])
    people = sorted({trial.subject for trial in chosen})
    return {
        "trials": len(chosen),
        "subjects": people,
        "seen_in_training": [name for name in people if name in seen],
        "scored_by_fold": [name for name in people if engines.by_fold(name)],
        "left_out": sorted({trial.subject for trial in trials} - set(people)),
        "skipped": {str(path): "no joint coordinates" for path in others},
        "overall": summary(runs),
        "by_set": _by_set(runs),
        "by_set_side_view": _by_set(side),
        "ms_per_frame": _quantiles(step_ms),
        "per_trial": [
            {"set": run.trial.data_set, "subject": run.trial.subject, "trial": run.trial.name, **summary([run])}
            for run in runs
        ],
    }


def _choose(trials: list[Trial], subjects: Collection[str] | None, trained: set[str], data_dir: Path) -> list[Trial]:
    if subjects is None:
        chosen = [trial for trial in trials if trial.subject not in trained]
        if not chosen:
            raise EngineError(f"{data_dir}: holds only people the network was trained on; give it other people")
        return chosen
    unknown = set(subjects) - {trial.subject for trial in trials}
    if unknown:
        raise EngineError(f"{data_dir}: has no trial of {', '.join(sorted(unknown))}")
    return [trial for trial in trials if trial.subject in subjects]


def _by_set(runs: list[Scored]) -> dict[str, Any]:
    names = sorted({run.trial.data_set for run in runs})
    return {name: summary([run for run in runs if run.trial.data_set == name]) for name in names}


def summary(runs: list[Scored]) -> dict[str, Any]:
    """Pooled errors of `runs` over the whole cycle of both feet, samples that count only.

    `peak_error_pct_bw`: mean over stances of |largest estimated − largest measured force|. `cop_mm`: mean
    horizontal distance wherever the data give a centre of pressure; `cop_loaded_mm` where the foot carries 30 %
    of the weight. `coverage_90`: share of the three force components inside their 90 % interval.
    `newton_residual_pct_bw` is None: no whole-body model takes part here.
    """
    error = np.concatenate([(run.force_bw - run.trial.force_bw)[run.mask] for run in runs])
    sd = np.concatenate([run.sd_bw[run.mask] for run in runs])
    count = len(error)
    result: dict[str, Any] = {"samples": count}
    result["scored_share"] = count / max(1, sum(int(run.trial.valid.sum()) for run in runs))
    for axis, name in enumerate(AXES):
        along, peaks = error[:, axis], _peak_errors(runs, axis)
        result[name] = {
            "rmse_pct_bw": _percent(np.sqrt(np.mean(along**2))) if count else None,
            "mae_pct_bw": _percent(np.mean(np.abs(along))) if count else None,
            "peak_error_pct_bw": _percent(np.mean(peaks)) if len(peaks) else None,
        }
    result["cop_mm"] = _cop_mm(runs, 0.0)
    result["cop_loaded_mm"] = _cop_mm(runs, _LOADED_BW)
    result["coverage_90"] = float(np.mean(np.abs(error) <= _Z_90 * sd)) if count else None
    result["newton_residual_pct_bw"] = None
    return result


def _percent(value: np.floating[Any]) -> float:
    return 100.0 * float(value)


def _peak_errors(runs: Iterable[Scored], axis: int) -> F64:
    """|estimated − measured| largest absolute force of every stance that was measured and estimated throughout."""
    errors = []
    for run in runs:
        for foot in (0, 1):
            truth, found = run.trial.force_bw[:, foot], run.force_bw[:, foot]
            down = truth[:, 1] * run.trial.mass_kg * GRAVITY > CONTACT_N
            edges = np.flatnonzero(np.diff(np.concatenate(([False], down, [False])).astype(int)))
            for a, b in edges.reshape(-1, 2):
                if a > 0 and b < len(truth) and run.mask[a - 1 : b + 1, foot].all():
                    peak = np.abs(found[a:b, axis]).max() - np.abs(truth[a:b, axis]).max()
                    errors.append(abs(float(peak)))
    return np.array(errors)


def _cop_mm(runs: Iterable[Scored], above_bw: float) -> float | None:
    distances = []
    for run in runs:
        apart = (run.cop_m - run.trial.cop_ankle_m)[..., [0, 2]]
        stance = run.mask & np.isfinite(apart).all(axis=2) & (run.trial.force_bw[..., 1] > above_bw)
        distances.append(np.linalg.norm(apart[stance], axis=1))
    every = np.concatenate(distances)
    return 1e3 * float(every.mean()) if len(every) else None


def _quantiles(values: F64) -> dict[str, float | int | None]:
    if len(values) == 0:
        return {"n": 0, "p50": None, "p90": None, "p99": None, "p99_9": None, "max": None}
    names = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99_9": 0.999, "max": 1.0}
    return {"n": len(values), **{name: float(np.quantile(values, at)) for name, at in names.items()}}
