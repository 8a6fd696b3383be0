"""Accuracy of moments, activations and knee forces on recorded trials, against whatever references they bring."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge_runtime.biomech.model import DOF_INDEX
from edge_runtime.biomech.pipeline import FRAME_BUDGET_S
from edge_runtime.biomech.segments import Detail, myolegs_moments, segments_of
from edge_runtime.biomech.skeleton.person import Options, Person
from edge_runtime.biomech.skeleton.playback import Played, play
from edge_runtime.biomech.skeleton.sample import Progress
from edge_runtime.biomech.skeleton.store import compiled_model
from edge_runtime.biomech.trials import Trial, find_trials, read_trial
from edge_runtime.biomech.zero_phase import CUTOFF_HZ
from edge_runtime.errors import UserError
from edge_runtime.stats import quantiles
from edge_runtime.types import F64, SIDES

EDGE_S: Final = 0.25
"""Left out at both ends of a trial, where filter and splines see its mirror image."""
UNKNOWN_HEIGHT_M: Final = 1.75
"""Only the normalized knee moments need a height, and no trial states one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Trials under `data`, with `model` instead of the `.osim` beside them, and more tables in `references`."""

    data: Path
    model: Path | None = None
    references: Path | None = None
    cutoff_hz: float = CUTOFF_HZ
    options: Options = field(default_factory=Options)


@dataclass(frozen=True, slots=True)
class Scores:
    """Errors of one trial over the frames that count: {name: [M]} each, and correlations with EMG."""

    moment_nm: dict[str, F64]
    activation: dict[str, F64]
    emg_r: dict[str, float]
    knee: dict[str, tuple[F64, F64]]  # ours and the reference, by side or `medial_r` ...
    reserve_nm: dict[str, F64]


def evaluate(plan: Plan, progress: Progress) -> dict[str, Any]:
    """Keys of `exo-edge evaluate muscle` (docs/accuracy of the benchmark table). Raises UserError for a broken trial,
    a trial without model, or an `.osim` where OpenSim is not installed."""
    people: dict[Path, Person] = {}
    all_scores, per_trial, took = [], [], []
    for path in find_trials(plan.data):
        trial = read_trial(path, plan.references)
        source = plan.model or trial.model
        if source is None:
            raise UserError(f"trial {path}: no .osim beside it; give --model FILE (.osim, or compiled .npz)")
        if source not in people:
            people[source] = Person(compiled_model(source, progress), UNKNOWN_HEIGHT_M, plan.options)
        person = people[source]
        played = play(person, trial, plan.cutoff_hz)
        scores = _score(person, trial, played)
        all_scores.append(scores)
        took.append(played.frame_us)
        per_trial.append({"trial": trial.name, "model": source.name, "frames": len(trial.time_s),
                          **_summary([scores]), **_flags(played)})  # fmt: skip
    return {
        "trials": len(per_trial),
        **_summary(all_scores),
        "frame_us": quantiles(np.concatenate(took)),
        "per_trial": per_trial,
    }


def evaluate_myolegs(plan: Plan, detail: Detail, progress: Progress) -> dict[str, Any]:
    """Moments alone, of MyoLegs made the person of the `.osim` beside each trial (or `plan.model`) up to `detail`."""
    all_scores, per_trial = [], []
    for path in find_trials(plan.data):
        trial = read_trial(path, plan.references)
        source = plan.model or trial.model
        if source is None:
            raise UserError(f"trial {path}: no .osim beside it to scale MyoLegs by")
        segments = segments_of(compiled_model(source, progress), detail)
        moment, counts = myolegs_moments(segments, trial, plan.cutoff_hz), _counted(trial)
        known = {n: reference for n, reference in trial.references.moment_nm.items() if n in DOF_INDEX}
        errors = {n: _difference(moment[:, DOF_INDEX[n]], reference, counts) for n, reference in known.items()}
        scores = Scores(errors, {}, {}, {}, {})
        all_scores.append(scores)
        per_trial.append({"trial": trial.name, "model": f"myolegs by {source.name}", **_summary([scores])})
    return {"trials": len(per_trial), **_summary(all_scores), "frame_us": quantiles([]), "per_trial": per_trial}


def _counted(trial: Trial) -> Any:
    """[N] frames that count: away from both ends, every foot seen."""
    inner = np.abs(trial.time_s - trial.time_s.mean()) <= 0.5 * float(np.ptp(trial.time_s)) - EDGE_S
    return inner & trial.seen.all(axis=1)


def _score(person: Person, trial: Trial, played: Played) -> Scores:
    counts = _counted(trial)
    names, frames, known = person.names, played.frames, trial.references
    moment = np.stack([f.moment_nm for f in frames])
    activation = np.stack([f.activation for f in frames])
    free = set(range(len(names.coordinates))) - set(person.skeleton.tree.coupled.tolist())
    moments = {
        name: _difference(moment[:, i], known.moment_nm[name], counts)
        for i, name in enumerate(names.coordinates)
        if i in free and name in known.moment_nm
    }
    muscles = {name: activation[:, i] for i, name in enumerate(names.muscles)}
    return Scores(
        moments,
        {n: _difference(a, known.activation[n], counts) for n, a in muscles.items() if n in known.activation},
        {n: _correlation(*_pair(a, known.emg[n], counts)) for n, a in muscles.items() if n in known.emg},
        {n: _pair(ours, known.knee_n[n], counts) for n, ours in _knee_forces(played).items() if n in known.knee_n},
        {n: np.array([f.reserve_nm[k] for f in frames])[counts] for k, n in enumerate(person.solved)},
    )


def _knee_forces(played: Played) -> dict[str, F64]:
    """Axial compression by side, and its compartments, [N] each."""
    found = {}
    for side, name in enumerate(SIDES):
        knees = [frame.knees for frame in played.frames]
        found[name] = np.array([-k.force_n[side, 1] for k in knees])
        found[f"medial_{name}"] = np.array([k.medial_n[side] for k in knees])
        found[f"lateral_{name}"] = np.array([k.lateral_n[side] for k in knees])
    return found


def _pair(ours: F64, reference: F64, counts: Any) -> tuple[F64, F64]:
    both = counts & np.isfinite(reference)
    return ours[both], reference[both]


def _difference(ours: F64, reference: F64, counts: Any) -> F64:
    a, b = _pair(ours, reference, counts)
    return a - b


def _correlation(a: F64, b: F64) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if len(a) > 2 and a.std() > 0.0 and b.std() > 0.0 else float("nan")


def _flags(played: Played) -> dict[str, Any]:
    frames = played.frames
    return {
        "not_converged": sum(not frame.converged for frame in frames),
        "capped": sum(frame.capped for frame in frames),
        "late": int(np.sum(played.frame_us > FRAME_BUDGET_S * 1e6)),
        "saturated_share": float(np.mean([frame.saturated for frame in frames])),
        "iterations_max": max(frame.iterations for frame in frames),
        "gradient_max_nm": max(frame.gradient_nm for frame in frames),
    }


def _summary(scores: list[Scores]) -> dict[str, Any]:
    """Pooled over trials; null or empty where no trial brings the reference."""
    total = [_joined(s, tuple(SIDES)) for s in scores]
    medial = [_joined(s, tuple(f"medial_{side}" for side in SIDES)) for s in scores]
    lateral = [_joined(s, tuple(f"lateral_{side}" for side in SIDES)) for s in scores]
    emg = _by_name([{n: np.array([r]) for n, r in s.emg_r.items()} for s in scores])
    deltas = [np.abs(values).max() for s in scores for values in s.activation.values() if len(values)]
    reserves = _by_name([s.reserve_nm for s in scores])
    return {
        "moment_rmse_nm": {n: _rms(v) for n, v in _by_name([s.moment_nm for s in scores]).items()},
        "activation_max_delta": max(deltas, default=None),
        "emg_r": {name: float(np.mean(values)) for name, values in emg.items()},
        "emg_r_median": float(np.median([np.mean(values) for values in emg.values()])) if emg else None,
        "knee_force_rmse_n": _error(total),
        "knee_force_r": _correlation(*_concatenated(total)) if _error(total) is not None else None,
        "medial_rmse_n": _error(medial),
        "lateral_rmse_n": _error(lateral),
        "tau_res_rms_nm": _rms(np.concatenate(list(reserves.values()))) if reserves else None,
        "tau_res_rms_nm_by_coordinate": {name: _rms(values) for name, values in reserves.items()},
    }


def _by_name(parts: list[dict[str, F64]]) -> dict[str, F64]:
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: np.concatenate([part[name] for part in parts if name in part]) for name in names}


def _joined(scores: Scores, names: tuple[str, ...]) -> tuple[F64, F64]:
    return _concatenated([scores.knee[name] for name in names if name in scores.knee])


def _concatenated(pairs: list[tuple[F64, F64]]) -> tuple[F64, F64]:
    ours, reference = zip(*pairs, strict=True) if pairs else ((), ())
    return np.concatenate([np.zeros(0), *ours]), np.concatenate([np.zeros(0), *reference])


def _error(pairs: list[tuple[F64, F64]]) -> float | None:
    ours, reference = _concatenated(pairs)
    return _rms(ours - reference) if len(ours) else None


def _rms(values: F64) -> float | None:
    return float(np.sqrt(np.mean(values**2))) if len(values) else None
