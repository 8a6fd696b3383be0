"""One leg unseen for a while: what each fill makes of it, in degrees and in ground reaction."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import numpy as np

from edge_runtime.biomech.tracker import Mask
from edge_runtime.evaluate_grf.fills import HISTORY_S, Fill
from edge_runtime.evaluate_grf.stream import Case, Run, begin, empty_run
from edge_runtime.types import COORDINATES, F64, SIDES
from engines.grf.engine import GrfEngine

GAPS_S: Final = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
"""Fills know no future, so a short gap is the beginning of a long one: each place is played once, for the longest."""
GAPS_PER_TRIAL: Final = 2  # at most: one of each leg
BEFORE_S: Final = 0.8  # of the trial that is seen before a gap at the least
_ANGLES: Final = ("hip_flexion", "knee_angle", "ankle_angle")
_LAST_S: Final = 1e-9  # the sample at the very end of a gap belongs to it


@dataclasses.dataclass(frozen=True)
class Gap:
    """A part of a case with one leg hidden for `length_s`: samples `hidden` [N], the last ones, and coordinates
    `columns` of that leg."""

    case: Case
    length_s: float
    hidden: Mask
    columns: list[int]

    def beginning(self, length_s: float) -> Mask:
        """Samples [N] that a gap of `length_s` in this place has hidden."""
        t_s = self.case.trial.t_s
        begun: Mask = self.hidden & (t_s <= t_s[self.hidden][0] + length_s + _LAST_S)
        return begun


@dataclasses.dataclass(frozen=True)
class Played:
    """A gap as the chain has it: with everything seen, and by fill's name its run, empty before the gap, and its error
    at hip, knee and ankle (deg, [N, 3] of the hidden samples)."""

    gap: Gap
    whole: Run
    runs: dict[str, Run]
    errors: dict[str, F64]


def gaps(cases: list[Case], count: int, rng: np.random.Generator) -> list[Gap]:
    """Up to `count` gaps at random places, spread over the cases and both legs, as long as each case allows."""
    order = rng.permutation(len(cases))
    found: list[Gap] = []
    for k in range(GAPS_PER_TRIAL * len(cases)):
        turn, which = divmod(k, len(cases))
        gap = _gap(cases[order[which]], SIDES[(turn + which) % len(SIDES)], rng)
        if gap is not None and len(found) < count:
            found.append(gap)
    return found


def _gap(case: Case, side: str, rng: np.random.Generator) -> Gap | None:
    t_s = case.trial.t_s
    fitting = [length_s for length_s in GAPS_S if t_s[0] + BEFORE_S < t_s[-1] - length_s]
    if not fitting:
        return None
    length_s = fitting[-1]
    begin = rng.uniform(t_s[0] + BEFORE_S, t_s[-1] - length_s)
    part = _part(case, (t_s >= begin - HISTORY_S) & (t_s <= begin + length_s))
    columns = [i for i, name in enumerate(COORDINATES) if name.endswith(f"_{side}")]
    return Gap(part, length_s, part.trial.t_s >= begin, columns)


def _part(case: Case, kept: Mask) -> Case:
    trial = case.trial
    names = ("t_s", "q", "force_bw", "cop_ankle_m", "valid", "observed")
    short = dataclasses.replace(trial, **{name: getattr(trial, name)[kept] for name in names})
    trunk = None if case.trunk_rad is None else case.trunk_rad[kept]
    return dataclasses.replace(
        case, trial=short, trunk_rad=trunk, q=case.q[kept], observed=case.observed[kept], sd=case.sd[kept]
    )


def play(engine: GrfEngine, gap: Gap, fills: list[Fill]) -> Played:
    """Run a gap through the chain: seen, and filled in each way from where it begins."""
    frames, first = len(gap.hidden), int(np.argmax(gap.hidden))
    before = begin(engine, gap.case)
    whole, runs, errors = empty_run(gap.case.trial), {}, {}
    before.advance(gap.case, whole, range(first))
    for fill in fills:
        case, errors[fill.name] = filled(gap, fill)
        runs[fill.name] = empty_run(case.trial)
        before.fork().advance(case, runs[fill.name], range(first, frames))
    before.advance(gap.case, whole, range(first, frames))
    return Played(gap, whole, runs, errors)


def filled(gap: Gap, fill: Fill) -> tuple[Case, F64]:
    """The gap as `fill` has it, each frame from what came before it, and its error [N, 3] at hip, knee and ankle (deg).

    Frames once handed on are not changed any more, but the fill sees only what the camera saw.
    """
    case, t_s = gap.case, gap.case.trial.t_s
    seen = np.where(case.observed, case.q, np.nan)
    seen[gap.hidden[:, None] & np.isin(np.arange(len(COORDINATES)), gap.columns)] = np.nan
    q = case.q.copy()
    observed, sd = case.observed.copy(), case.sd.copy()
    fill.reset()
    for i in np.flatnonzero(gap.hidden):
        first = int(np.searchsorted(t_s, t_s[i] - HISTORY_S))
        history, deviation = fill.fill(t_s[first : i + 1], seen[first : i + 1])
        known = np.isfinite(history[-1])
        q[i], observed[i] = np.where(known, history[-1], 0.0), known
        sd[i] = np.hypot(sd[i], deviation[-1])
    side = COORDINATES[gap.columns[0]][-1]
    joints = [COORDINATES.index(f"{name}_{side}") for name in _ANGLES]
    error = np.where(observed, q - case.trial.q, np.nan)[:, joints]
    return dataclasses.replace(case, q=q, observed=observed, sd=sd), np.degrees(error[gap.hidden])


def table(played: list[Played]) -> list[dict[str, Any]]:
    """One row per gap length and fill, in the order in which they were played: MAE of the vertical force after
    refinement in the gap, both feet, in % of body weight; what it is with everything seen, on the same samples; the
    increase in %; angle errors in degrees."""
    rows: list[dict[str, Any]] = []
    for length_s in GAPS_S if played else ():
        long_enough = [one for one in played if one.gap.length_s >= length_s]
        rows += [_row(length_s, name, long_enough) for name in played[0].runs]
    return rows


def _row(length_s: float, name: str, played: list[Played]) -> dict[str, Any]:
    with_gap, without, angles, expected = [np.zeros(0)], [np.zeros(0)], [np.zeros((0, len(_ANGLES)))], 0
    for one in played:
        run, hidden = one.runs[name], one.gap.beginning(length_s)
        here = one.whole.mask & hidden[:, None]
        expected += int(here.sum())
        here &= run.mask
        truth = run.trial.force_bw[here][:, 1]
        with_gap.append(np.abs(run.refined["force_bw"][here][:, 1] - truth))
        without.append(np.abs(one.whole.refined["force_bw"][here][:, 1] - truth))
        angles.append(one.errors[name][hidden[one.gap.hidden]])
    a, b, angle = np.concatenate(with_gap), np.concatenate(without), np.concatenate(angles)
    angle = angle[np.isfinite(angle).all(axis=1)]
    some = len(a) > 0
    return {
        "gap_s": length_s,
        "fill": name,
        "gaps": len(played),
        "answered": len(a) / expected if expected else None,
        "mae_pct_bw": 100.0 * float(a.mean()) if some else None,
        "seen_mae_pct_bw": 100.0 * float(b.mean()) if some else None,
        "increase_pct": 100.0 * float(a.mean() / b.mean() - 1.0) if some and b.mean() > 0.0 else None,
        "angle_rmse_deg": [float(x) for x in np.sqrt((angle**2).mean(axis=0))] if len(angle) else None,
    }
