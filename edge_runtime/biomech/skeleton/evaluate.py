"""Accuracy of moments, activations and knee forces on recorded trials, against whatever references they bring."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge_runtime.biomech.alignment import EDGE_S, aligned
from edge_runtime.biomech.knee_contact import LATERAL_M, MEDIAL_M
from edge_runtime.biomech.model import DOF_INDEX
from edge_runtime.biomech.outcome import MyoHow, Outcome, of_compiled, of_myolegs
from edge_runtime.biomech.segments import Detail, myolegs_moments, segments_of
from edge_runtime.biomech.sizing import size_of
from edge_runtime.biomech.skeleton.format import Compiled
from edge_runtime.biomech.skeleton.person import Options, Person
from edge_runtime.biomech.skeleton.sample import Progress
from edge_runtime.biomech.skeleton.store import compiled_model
from edge_runtime.biomech.trials import Trial, find_trials, read_trial
from edge_runtime.biomech.zero_phase import CUTOFF_HZ
from edge_runtime.errors import UserError
from edge_runtime.stats import quantiles
from edge_runtime.types import F64, SIDES

UNKNOWN_HEIGHT_M: Final = 1.75
"""Only the normalized knee moments need a height, and few trials state one."""
_LONGEST_LAG_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Plan:
    """Trials under `data`, with `model` instead of the `.osim` beside them or MyoLegs, and more tables in
    `references`."""

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


@dataclass(frozen=True, slots=True)
class Solved:
    """A trial's outcome, the name of the model that gave it, where the person's size comes from, and body mass (kg)."""

    outcome: Outcome
    model: str
    scaling: str
    mass_kg: float


def evaluate(plan: Plan, progress: Progress) -> dict[str, Any]:
    """Keys of `exo-edge evaluate muscle` (docs/accuracy of the benchmark table). Raises UserError for a broken trial,
    or an `.osim` where OpenSim is not installed."""
    models = Models(plan, progress)
    all_scores, per_trial, took = [], [], []
    for path in find_trials(plan.data):
        in_step = aligned(read_trial(path, plan.references))
        trial = in_step.trial
        solved = models.solve(trial, plan.options)
        scores = _score(trial, solved.outcome)
        all_scores.append(scores)
        took.append(solved.outcome.frame_us)
        per_trial.append({
            "trial": trial.name, "model": solved.model, "scaling": solved.scaling, "frames": len(trial.time_s),
            "force_lag_ms": in_step.lag_ms, "knee_lag_ms": knee_lag_ms(trial, solved.outcome), **_summary([scores]),
            **solved.outcome.flags,
        })  # fmt: skip
    return {
        "trials": len(per_trial),
        **_summary(all_scores),
        "frame_us": quantiles(np.concatenate(took)),
        "per_trial": per_trial,
    }


class Models:
    """The model of each trial: the plan's, else the `.osim` beside it (compiled once), else MyoLegs of its size."""

    def __init__(self, plan: Plan, progress: Progress) -> None:
        self._plan, self._progress = plan, progress
        self._compiled: dict[Path, Compiled] = {}

    def solve(self, trial: Trial, options: Options) -> Solved:
        """From a cold start. Raises UserError where the trial and its model do not fit together."""
        source, cutoff_hz = self._plan.model or trial.model, self._plan.cutoff_hz
        if source is None:
            size = size_of(trial)
            leg, how = size.leg_model(), MyoHow.of(options, cutoff_hz)
            outcome = of_myolegs(leg, trial, how, leg.length_scale * (MEDIAL_M + LATERAL_M))
            return Solved(outcome, "myolegs", size.why, size.mass_kg)
        if source not in self._compiled:
            self._compiled[source] = compiled_model(source, self._progress)
        person = Person(self._compiled[source], trial.stated.height_m or UNKNOWN_HEIGHT_M, options)
        outcome = of_compiled(person, trial, cutoff_hz)
        return Solved(outcome, source.name, f"as in {source.name}", person.mass_kg)


def evaluate_myolegs(plan: Plan, detail: Detail, progress: Progress) -> dict[str, Any]:
    """Moments alone, of MyoLegs made the person of the `.osim` beside each trial (or `plan.model`) up to `detail`."""
    all_scores, per_trial = [], []
    for path in find_trials(plan.data):
        trial = read_trial(path, plan.references)
        source = plan.model or trial.model
        if source is None:
            raise UserError(f"trial {path}: no .osim beside it to scale MyoLegs by")
        segments = segments_of(compiled_model(source, progress), detail)
        moment, counts = myolegs_moments(segments, trial, plan.cutoff_hz), counted(trial)
        known = {n: reference for n, reference in trial.references.moment_nm.items() if n in DOF_INDEX}
        errors = {n: _difference(moment[:, DOF_INDEX[n]], reference, counts) for n, reference in known.items()}
        scores = Scores(errors, {}, {}, {}, {})
        all_scores.append(scores)
        per_trial.append({"trial": trial.name, "model": f"myolegs by {source.name}", **_summary([scores])})
    return {"trials": len(per_trial), **_summary(all_scores), "frame_us": quantiles([]), "per_trial": per_trial}


def away_from_ends(trial: Trial) -> Any:
    """[N] frames `EDGE_S` and more from both ends."""
    return np.abs(trial.time_s - trial.time_s.mean()) <= 0.5 * float(np.ptp(trial.time_s)) - EDGE_S


def counted(trial: Trial) -> Any:
    """[N] frames that count: away from both ends, every foot seen."""
    return away_from_ends(trial) & trial.seen.all(axis=1)


def _score(trial: Trial, outcome: Outcome) -> Scores:
    counts, known = counted(trial), trial.references
    muscles = outcome.activation
    return Scores(
        {n: _difference(m, known.moment_nm[n], counts) for n, m in outcome.moment_nm.items() if n in known.moment_nm},
        {n: _difference(a, known.activation[n], counts) for n, a in muscles.items() if n in known.activation},
        {n: _correlation(*_pair(a, known.emg[n], counts)) for n, a in muscles.items() if n in known.emg},
        knee_pairs(trial, outcome),
        {n: r[counts] for n, r in outcome.reserve_nm.items()},
    )


def knee_pairs(trial: Trial, outcome: Outcome) -> dict[str, tuple[F64, F64]]:
    """Compression and its reference where that knee's foot was seen, by side and compartment, [M] each."""
    known, inner = trial.references.knee_n, away_from_ends(trial)
    return {
        name: _pair(ours, known[name], inner & trial.seen[:, SIDES.index(name[-1])])
        for name, ours in outcome.knee_n.items()
        if name in known
    }


def knee_lag_ms(trial: Trial, outcome: Outcome) -> float | None:
    """By how much the measured total comes later than ours, at the shift that fits best; only told, not corrected."""
    known = {n: trial.references.knee_n[n] for n in SIDES if n in trial.references.knee_n}
    reach = round(_LONGEST_LAG_S * trial.rate_hz)
    if not known or len(trial.time_s) <= 2 * reach:
        return None
    fits = []
    for shift in range(-reach, reach + 1):
        pairs = [
            _pair(outcome.knee_n[n], np.roll(values, -shift), _kept(len(values), reach)) for n, values in known.items()
        ]
        fits.append(_correlation(*_concatenated(pairs)))
    return None if np.isnan(fits).all() else 1e3 * (int(np.nanargmax(fits)) - reach) / trial.rate_hz


def _kept(count: int, reach: int) -> Any:
    """[N] away from what a shift by `reach` wraps around."""
    kept = np.zeros(count, np.bool_)
    kept[reach : count - reach] = True
    return kept


def _pair(ours: F64, reference: F64, counts: Any) -> tuple[F64, F64]:
    both = counts & np.isfinite(reference)
    return ours[both], reference[both]


def _difference(ours: F64, reference: F64, counts: Any) -> F64:
    a, b = _pair(ours, reference, counts)
    return a - b


def _correlation(a: F64, b: F64) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if len(a) > 2 and a.std() > 0.0 and b.std() > 0.0 else float("nan")


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
