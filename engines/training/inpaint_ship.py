"""Makes the committed inpainter of a trained checkpoint: deviations calibrated, people held out measured, the card."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np

from engines.errors import EngineError
from engines.grf.engine import GrfEngine
from engines.grf.evaluate import SIDE_VIEW
from engines.grf.features import F64
from engines.grf.trials import Trial
from engines.inpaint.engine import Inpainter
from engines.inpaint.evaluate import evaluate, score
from engines.inpaint.gaps import gaps_of
from engines.inpaint.tables import Scored
from engines.inpaint.weights import ZOO_PATH, Facts
from engines.training.grf_data import fold_of, load_trials
from engines.training.inpaint import Recipe, resume
from engines.training.inpaint_card import card
from engines.training.inpaint_net import export

SHIPPED_FOLD: Final = 0
"""The same people are held out as by the ground reaction network that ships."""

CALIBRATED_ON: Final = 1
"""The people of this fold, who trained the weights, set the scale of its deviations; the card shows the coverage on
those held out."""

SAMPLES_PER_FILL: Final = 8
GAPS_PER_TRIAL: Final = 2
CALIBRATION_GAPS_S: Final = (0.2, 0.5)
_Z_90: Final = 1.6449  # half-width of the central 90 % of a normal distribution
_ROW: Final = "beside"


def deviation_scale(runs: list[Scored]) -> float:
    """Factor that makes 90 % of the joint errors of `runs` fall into their 90 % interval."""
    ratio = np.concatenate([(np.abs(run.joints[_ROW]) / run.sd)[np.isfinite(run.sd)] for run in runs])
    return float(np.quantile(ratio, 0.9) / _Z_90)


def force_deviation(runs: list[Scored], scale: float) -> tuple[float, float, float]:
    """What a filled leg adds to the deviation of the force, BW per rad, axes x, y, z.

    The root of what the mean square error of the force has more with the leg filled than with it known, over the root
    mean square of the joints' deviation.
    """
    more, spread = [], []
    for run in runs:
        filled = scale * np.where(np.isfinite(run.sd), run.sd, np.nan).mean(axis=1)
        there = run.valid & np.isfinite(filled)[:, None]
        more.append((run.force[_ROW] ** 2 - run.force["known"] ** 2)[there])
        spread.append(np.broadcast_to(filled[:, None] ** 2, there.shape)[there])
    per_rad: F64 = np.sqrt(np.maximum(np.concatenate(more).mean(axis=0), 0.0) / np.concatenate(spread).mean())
    x, y, z = per_rad
    return float(x), float(y), float(z)


def calibrate(trials: list[Trial], checkpoints: Path) -> tuple[float, tuple[float, float, float]]:
    """Both scales, from the people of fold `CALIBRATED_ON` in side view."""
    folds = fold_of(trials)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fold.onnx"
        _export(checkpoints, Facts((), (), (1.0, 1.0, 1.0)), 1.0, path)
        inpainter, engine = Inpainter(path), GrfEngine()
        runs = [
            score(engine, inpainter, gap, SIDE_VIEW, ("known", _ROW))
            for i, trial in enumerate(t for t in trials if folds.get(t.subject) == CALIBRATED_ON)
            for j, length_s in enumerate(CALIBRATION_GAPS_S)
            for gap in gaps_of(trial, length_s, 1, np.random.default_rng((i, j)))
        ]
    scale = deviation_scale(runs)
    return scale, force_deviation(runs, scale)


def _export(checkpoints: Path, facts: Facts, scale: float, path: Path) -> None:
    checkpoint = checkpoints / f"fold{SHIPPED_FOLD}.pt"
    state = resume(Recipe(), checkpoint)
    if state.step < Recipe.steps:
        raise EngineError(f"{checkpoint}: trained for {state.step} of {Recipe.steps} steps; let it go on")
    export(state.mean, facts, scale, SAMPLES_PER_FILL, path)


def ship(data_dir: Path, checkpoints: Path, out: Path) -> dict[str, Any]:
    """Write network and card to the folder `out`; returns what was measured on the people held out."""
    trials = load_trials(data_dir)
    folds, people = fold_of(trials), sorted({trial.subject for trial in trials})
    scale, force_sd = calibrate(trials, checkpoints)
    held_out = tuple(name for name in people if folds.get(name) == SHIPPED_FOLD)
    facts = Facts(tuple(name for name in people if name not in held_out), held_out, force_sd)
    path = out / ZOO_PATH.name
    _export(checkpoints, facts, scale, path)
    measured = evaluate(data_dir, held_out, path, GAPS_PER_TRIAL)
    path.with_suffix(".md").write_text(card(facts, measured), encoding="utf-8")
    return measured


def main(arguments: list[str] | None = None) -> int:
    """Calibrate, export, measure, write the card; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m engines.training.inpaint_ship", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the measured gait data")
    parser.add_argument("--checkpoints", type=Path, required=True, metavar="DIR", help="what the training wrote")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="where to write the network and its card"
    )
    options = parser.parse_args(arguments)
    try:
        ship(options.data, options.checkpoints, options.out)
    except (EngineError, OSError) as error:
        print(f"training inpaint: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
