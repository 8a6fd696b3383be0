"""One leg unseen for a while: what each fill makes of it, in degrees and in ground reaction."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from edge_runtime.biomech.tracker import Mask
from edge_runtime.evaluate_grf.fills import HISTORY_S, Fill
from edge_runtime.evaluate_grf.stream import Case, Run, stream
from edge_runtime.types import COORDINATES, F64, SIDES
from engines.grf.engine import GrfEngine

GAPS_S: Final = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
GAPS_PER_TRIAL: Final = 2  # of each length: one of each leg
BEFORE_S: Final = 0.8  # of the trial that is seen before a gap at the least
_ANGLES: Final = ("hip_flexion", "knee_angle", "ankle_angle")


@dataclasses.dataclass(frozen=True)
class Gap:
    """A part of a case with one leg hidden: samples `hidden` [N] and coordinates `columns` of that leg."""

    case: Case
    hidden: Mask
    columns: list[int]


def gaps(case: Case, length_s: float, rng: np.random.Generator) -> Iterator[Gap]:
    """Gaps of `length_s` at random places of the case, as far as its length allows."""
    t_s = case.trial.t_s
    first, last = t_s[0] + BEFORE_S, t_s[-1] - length_s
    if last <= first:
        return
    for k in range(GAPS_PER_TRIAL):
        begin = rng.uniform(first, last)
        kept = (t_s >= begin - HISTORY_S) & (t_s <= begin + length_s)
        part = _part(case, kept)
        columns = [i for i, name in enumerate(COORDINATES) if name.endswith(f"_{SIDES[k % 2]}")]
        yield Gap(part, part.trial.t_s >= begin, columns)


def _part(case: Case, kept: Mask) -> Case:
    trial = case.trial
    names = ("t_s", "q", "force_bw", "cop_ankle_m", "valid", "observed")
    short = dataclasses.replace(trial, **{name: getattr(trial, name)[kept] for name in names})
    trunk = None if case.trunk_rad is None else case.trunk_rad[kept]
    return dataclasses.replace(case, trial=short, trunk_rad=trunk, q=case.q[kept], observed=case.observed[kept])


def filled(gap: Gap, fill: Fill) -> tuple[Case, F64]:
    """The gap as `fill` has it, each frame from what came before it, and its error [N, 3] at hip, knee and ankle (deg).

    Frames once handed on are not changed any more, but the fill sees only what the camera saw.
    """
    case, t_s = gap.case, gap.case.trial.t_s
    seen = np.where(case.observed, case.q, np.nan)
    seen[gap.hidden[:, None] & np.isin(np.arange(len(COORDINATES)), gap.columns)] = np.nan
    q = case.q.copy()
    observed = case.observed.copy()
    fill.reset()
    for i in np.flatnonzero(gap.hidden):
        first = int(np.searchsorted(t_s, t_s[i] - HISTORY_S))
        value = fill.fill(t_s[first : i + 1], seen[first : i + 1])[0][-1]
        known = np.isfinite(value)
        q[i], observed[i] = np.where(known, value, 0.0), known
    side = COORDINATES[gap.columns[0]][-1]
    joints = [COORDINATES.index(f"{name}_{side}") for name in _ANGLES]
    error = np.where(observed, q - case.trial.q, np.nan)[:, joints]
    return dataclasses.replace(case, q=q, observed=observed), np.degrees(error[gap.hidden])


def compare(engine: GrfEngine, cases: list[Case], fills: list[Fill], seed: int) -> list[dict[str, Any]]:
    """One row per gap length and fill: MAE of the vertical force after refinement in the gap, both feet, in % of body
    weight; what it is with everything seen, on the same samples; the increase in %; angle errors in degrees."""
    rows = []
    for length_s in GAPS_S:
        rng = np.random.default_rng(seed)
        found = [gap for case in cases for gap in gaps(case, length_s, rng)]
        whole = [stream(engine, gap.case) for gap in found]
        for fill in fills:
            pairs = [filled(gap, fill) for gap in found]
            runs = [stream(engine, case) for case, _ in pairs]
            rows.append(_row(length_s, fill.name, found, whole, runs, [error for _, error in pairs]))
    return rows


def _row(
    length_s: float, name: str, found: list[Gap], whole: list[Run], runs: list[Run], errors: list[F64]
) -> dict[str, Any]:
    with_gap, without, expected = [], [], 0
    for gap, seen, run in zip(found, whole, runs, strict=True):
        here = seen.mask & gap.hidden[:, None]
        expected += int(here.sum())
        here &= run.mask
        truth = run.trial.force_bw[here][:, 1]
        with_gap.append(np.abs(run.refined["force_bw"][here][:, 1] - truth))
        without.append(np.abs(seen.refined["force_bw"][here][:, 1] - truth))
    a, b = (np.concatenate(part) if part else np.zeros(0) for part in (with_gap, without))
    angle = np.concatenate(errors) if errors else np.zeros((0, len(_ANGLES)))
    angle = angle[np.isfinite(angle).all(axis=1)]
    some = len(a) > 0
    return {
        "gap_s": length_s,
        "fill": name,
        "gaps": len(found),
        "answered": len(a) / expected if expected else None,
        "mae_pct_bw": 100.0 * float(a.mean()) if some else None,
        "seen_mae_pct_bw": 100.0 * float(b.mean()) if some else None,
        "increase_pct": 100.0 * float(a.mean() / b.mean() - 1.0) if some and b.mean() > 0.0 else None,
        "angle_rmse_deg": [float(x) for x in np.sqrt((angle**2).mean(axis=0))] if len(angle) else None,
    }
