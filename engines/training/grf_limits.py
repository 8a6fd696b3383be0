"""Teaches the committed GRF weights anew when they must not be believed, without training them again."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from pathlib import Path

from engines.errors import EngineError
from engines.grf.evaluate import SIDE_VIEW
from engines.grf.trials import Trial
from engines.grf.weights import ZOO_PATH, fold_path, read_split
from engines.training.grf import folds_tables
from engines.training.grf_data import FOLDS, load_trials
from engines.training.grf_export import relimited
from engines.training.grf_folds import ALL_SHOWN, NO_LIMIT, Judged, judge_file, limits_from


def fold_judged(path: Path, trials: list[Trial]) -> list[Judged]:
    """The people among `trials` whom the weights in `path` have not seen: every coordinate first, then side view."""
    unseen = [trial for trial in trials if trial.subject in read_split(path).held_out]
    with tempfile.TemporaryDirectory() as folder:
        unlimited = Path(folder) / path.name
        relimited(path, NO_LIMIT, unlimited)
        return judge_file(unlimited, unseen, ALL_SHOWN) + judge_file(unlimited, unseen, SIDE_VIEW)


def relearn(data_dir: Path, path: Path) -> dict[str, object]:
    """Rewrite the limits of `path` and of its folds; returns them and the error of the folds.

    Those of a fold are what the other folds teach, those of `path` what all do, as `engines.training.grf` has them.
    """
    trials = load_trials(data_dir)
    folds = [fold_judged(fold_path(i, path), trials) for i in range(FOLDS)]
    limits = limits_from([one for fold in folds for one in fold])
    relimited(path, limits, path)
    for i in range(FOLDS):
        others = limits_from([one for j, fold in enumerate(folds) if j != i for one in fold])
        relimited(fold_path(i, path), others, fold_path(i, path))
    return {"limits": dataclasses.asdict(limits), "folds": folds_tables(folds, limits)}


def main(arguments: list[str] | None = None) -> int:
    """Rewrite the limits and print them as JSON with the error of the folds; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m engines.training.grf_limits", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the measured gait data")
    parser.add_argument("--weights", type=Path, default=ZOO_PATH, metavar="FILE", help="folds lie beside it")
    options = parser.parse_args(arguments)
    try:
        print(json.dumps(relearn(options.data, options.weights), indent=1))
    except (EngineError, OSError) as error:
        print(f"training grf: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
