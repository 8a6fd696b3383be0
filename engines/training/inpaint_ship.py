"""Makes the committed inpainter of a trained checkpoint: deviations calibrated, people held out measured, the card."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Final

import numpy as np

from engines.errors import EngineError
from engines.grf.evaluate import SIDE_VIEW
from engines.grf.fair import FairEngines
from engines.grf.features import F64
from engines.grf.trials import Trial
from engines.inpaint.engine import Inpainter
from engines.inpaint.evaluate import evaluate, score
from engines.inpaint.gaps import gaps_of
from engines.inpaint.tables import Scored
from engines.inpaint.weights import ZOO_PATH, Facts, fold_path
from engines.training.grf_data import FOLDS, fold_of, load_trials
from engines.training.inpaint import Recipe, resume
from engines.training.inpaint_card import card
from engines.training.inpaint_net import export

SHIPPED_FOLD: Final = 0
"""Whose weights ship; those of the other folds lie beside them, to judge the people they have not seen."""

SAMPLES_PER_FILL: Final = 8
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


def calibrate(trials: list[Trial], checkpoints: Path, fold: int) -> tuple[float, tuple[float, float, float]]:
    """Both scales of the weights of `fold`, in side view.

    From the people of the next fold, who trained these weights; the card shows the coverage on those held out.
    """
    folds, next_fold = fold_of(trials), (fold + 1) % FOLDS
    engines = FairEngines()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fold.onnx"
        _export(checkpoints, fold, Facts((), (), (1.0, 1.0, 1.0)), 1.0, path)
        inpainter = Inpainter(path)
        runs = [
            score(engines.of(trial.subject), inpainter, gap, SIDE_VIEW, ("known", _ROW))
            for i, trial in enumerate(t for t in trials if folds.get(t.subject) == next_fold)
            for j, length_s in enumerate(CALIBRATION_GAPS_S)
            for gap in gaps_of(trial, length_s, 1, np.random.default_rng((i, j)))
        ]
    scale = deviation_scale(runs)
    return scale, force_deviation(runs, scale)


def _export(checkpoints: Path, fold: int, facts: Facts, scale: float, path: Path) -> None:
    checkpoint = checkpoints / f"fold{fold}.pt"
    state = resume(Recipe(), checkpoint)
    if state.step < Recipe.steps:
        raise EngineError(f"{checkpoint}: trained for {state.step} of {Recipe.steps} steps; let it go on")
    path.parent.mkdir(parents=True, exist_ok=True)
    export(state.mean, facts, scale, SAMPLES_PER_FILL, path)


def write(trials: list[Trial], checkpoints: Path, fold: int, path: Path) -> Facts:
    """Calibrate the weights of `fold` and write them to `path`; returns what they say about themselves."""
    folds, people = fold_of(trials), sorted({trial.subject for trial in trials})
    scale, force_sd = calibrate(trials, checkpoints, fold)
    held_out = tuple(name for name in people if folds.get(name) == fold)
    facts = Facts(tuple(name for name in people if name not in held_out), held_out, force_sd)
    _export(checkpoints, fold, facts, scale, path)
    return facts


def ship(data_dir: Path, checkpoints: Path, out: Path) -> None:
    """Write the weights of every fold and the card to the folder `out`: the errors are those of unseen people."""
    trials, path = load_trials(data_dir), out / ZOO_PATH.name
    facts = write(trials, checkpoints, SHIPPED_FOLD, path)
    for fold in range(FOLDS):
        if fold != SHIPPED_FOLD:
            write(trials, checkpoints, fold, fold_path(fold, path))
            print(f"fold {fold}: written", file=sys.stderr, flush=True)
    path.with_suffix(".md").write_text(card(facts, evaluate(data_dir, None, path)), encoding="utf-8")


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
