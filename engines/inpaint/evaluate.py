"""What each way of filling a hidden leg costs in joint angle and in ground reaction, on people not trained on."""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from engines.errors import EngineError
from engines.grf.engine import MARKERS, GrfEngine
from engines.grf.evaluate import SIDE_VIEW
from engines.grf.fair import FairEngines
from engines.grf.features import COORDINATES, F64, GRID_S, HISTORY, Mask
from engines.grf.trials import GRAVITY, Trial, find_trials, read_trial
from engines.inpaint.engine import Inpainter
from engines.inpaint.fair import FairInpainters
from engines.inpaint.gaps import Gap, fills, gaps_of
from engines.inpaint.stream import COASTING_SD_RAD
from engines.inpaint.tables import ROWS, Scored, quantiles, table
from engines.inpaint.weights import ZOO_PATH

GAPS_S: Final = (0.1, 0.2, 0.5, 1.0)
_SAGITTAL: Final = np.array([0, 3, 4])  # hip flexion, knee and ankle among the joints of a leg


def score(engine: GrfEngine, inpainter: Inpainter, gap: Gap, shown: Mask, names: tuple[str, ...] = ROWS) -> Scored:
    """One gap filled in the ways of `names`, each streamed through the ground reaction engine."""
    filled, sd, ms = fills(inpainter, gap, shown)
    trial = gap.trial
    truth = trial.q[gap.frames, gap.leg]
    filled["known"] = np.where(shown[gap.leg], truth, np.nan)
    filled["masked"] = np.full_like(truth, np.nan)
    force, force_sd, valid = {}, {}, trial.valid[gap.frames].copy()
    for name in names:
        leg_sd_rad = MARKERS[0] if name == "known" else COASTING_SD_RAD
        found, deviation, there = _stream(engine, gap, filled[name], leg_sd_rad, shown)
        force[name], force_sd[name] = found - trial.force_bw[gap.frames], deviation
        valid &= there[:, None]
    joints = {name: (filled[name] - truth)[:, _SAGITTAL] for name in names}
    return Scored(gap, joints, force, force_sd, sd[:, _SAGITTAL], valid, ms, inpainter.force_sd_bw_per_rad)


def _stream(engine: GrfEngine, gap: Gap, leg: F64, leg_sd_rad: float, shown: Mask) -> tuple[F64, F64, Mask]:
    """Force, deviation [n, 2, 3] BW and validity [n] in the gap, with `leg` [n, 5] in place of what is unseen."""
    trial = gap.trial
    lead = int(np.searchsorted(trial.t_s, trial.t_s[gap.first] - HISTORY * GRID_S))
    q = np.where(shown, trial.q, np.nan)[lead : gap.last + 1]
    q[gap.first - lead :, gap.leg] = leg
    engine.reset()
    n = gap.last - gap.first + 1
    force, sd, valid = np.zeros((n, 2, 3)), np.zeros((n, 2, 3)), np.zeros(n, dtype=np.bool_)
    weight_n, still = trial.mass_kg * GRAVITY, np.zeros(len(COORDINATES))
    deviation = MARKERS.copy()
    for i, row in enumerate(q, lead - gap.first):
        observed = np.isfinite(row)
        t_ns = round(trial.t_s[i + gap.first] * 1e9)
        if i == 0:
            deviation[gap.leg] = leg_sd_rad
        result = engine.step(t_ns, np.where(observed, row, 0.0), still, observed, trial.mass_kg, deviation)
        if i >= 0:
            force[i], sd[i], valid[i] = result.force_n / weight_n, result.sd_n / weight_n, result.valid
    return force, sd, valid


def evaluate(
    data_dir: Path,
    subjects: Collection[str] | None = None,
    onnx_path: Path | None = None,
    most: int = 24,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Every way of filling a leg on the trials under `data_dir`, up to `most` gaps of each length per data set.

    Each person by weights of both networks that have not seen them, as far as there are such; by default only people
    who have them, `subjects` names others. `scored_by_fold` lists those whose legs are filled by a fold's weights.
    `by_set` with all coordinates known outside of the gap, `by_set_side_view` with those of `SIDE_VIEW`, which is what
    a camera beside the wearer sees. EngineError: no folder, nobody to score, or a damaged file.
    """
    inpainters, engines = FairInpainters(onnx_path or ZOO_PATH), FairEngines()
    trials = [read_trial(path) for path in find_trials(data_dir)[0]]
    people = {trial.subject for trial in trials}
    trained = {name for name in people if inpainters.seen(name) or engines.seen(name)}
    chosen = [t for t in trials if (t.subject not in trained if subjects is None else t.subject in subjects)]
    gaps = _spread(chosen, most)
    if not gaps:
        raise EngineError(f"{data_dir}: holds nobody to score whom the networks were not trained on; name other people")
    views = {"by_set": np.ones(len(COORDINATES), dtype=np.bool_), "by_set_side_view": SIDE_VIEW}
    runs: dict[str, list[Scored]] = {view: [] for view in views}
    for i, gap in enumerate(gaps):
        progress(i, len(gaps))
        for view, shown in views.items():
            person = gap.trial.subject
            runs[view].append(score(engines.of(person), inpainters.of(person), gap, shown))
    found = {view: _by_set(of_view) for view, of_view in runs.items()}
    ms = np.concatenate([run.fill_ms for of_view in runs.values() for run in of_view])
    scored = sorted({trial.subject for trial in chosen})
    who = {
        "seen_in_training": sorted(trained & set(scored)),
        "scored_by_fold": list(filter(inpainters.by_fold, scored)),
    }
    return {"subjects": scored, **who, "gaps": len(gaps), **found, "fill_ms": quantiles(ms)}


def _spread(trials: list[Trial], most: int) -> list[Gap]:
    """Up to `most` gaps per data set and length: one in each trial in random order, as often as that takes."""
    gaps = []
    for name in sorted({trial.data_set for trial in trials}):
        for length_s in GAPS_S:
            rng = np.random.default_rng(round(1e3 * length_s))
            order = rng.permutation([i for i, trial in enumerate(trials) if trial.data_set == name])
            turns = (next(gaps_of(trials[i], length_s, 1, rng), None) for _ in range(most) for i in order)
            rounds = (gap for gap in turns if gap is not None)
            gaps += list(islice(rounds, most))
    return gaps


def _by_set(runs: list[Scored]) -> dict[str, Any]:
    names = sorted({run.gap.trial.data_set for run in runs})
    return {name: table([r for r in runs if r.gap.trial.data_set == name]) for name in names}
