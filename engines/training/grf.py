"""Trains the GRF network: five folds of whole people for the error, then everybody for the weights that ship."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import torch

from engines.errors import EngineError
from engines.grf.evaluate import summary
from engines.grf.features import F64
from engines.grf.trials import Trial
from engines.grf.weights import ZOO_PATH, Limits, fold_path
from engines.training.grf_card import card
from engines.training.grf_cross import across_labs
from engines.training.grf_data import FOLDS, RUN, WALK, fold_of, load_trials
from engines.training.grf_export import export
from engines.training.grf_fit import Recipe
from engines.training.grf_folds import (
    Judged,
    Keeper,
    axis_coverage,
    cross_validate,
    deviation_scale,
    ensemble,
    limits_from,
    rescaled,
)


def main(arguments: list[str] | None = None) -> int:
    """Train, measure and write `grf_gait.onnx` and `grf_gait.md`; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m engines.training.grf", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the measured gait data")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write network and card")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="where trained members are kept")
    parser.add_argument("--steps", type=int, default=Recipe.steps, help="training steps per member")
    options = parser.parse_args(arguments)
    recipe = Recipe(steps=options.steps)
    torch.set_num_threads(1)  # the sums come out in one order
    try:
        trials = load_trials(options.data)
        options.out.mkdir(parents=True, exist_ok=True)
        keeper = Keeper(options.work, recipe)
        folds = cross_validate(keeper, trials, fold_of(trials), recipe)
        _ship(keeper, trials, folds, recipe, options.out / ZOO_PATH.name)
    except (EngineError, OSError) as error:
        print(f"training grf: {error}", file=sys.stderr)
        return 1
    return 0


def _ship(
    keeper: Keeper,
    trials: list[Trial],
    folds: list[list[Judged]],
    recipe: Recipe,
    path: Path,
) -> None:
    """Write the network of all people, with the doubt that the folds taught, those of the folds, and the card."""
    limits = limits_from([judged for fold in folds for judged in fold])
    people = sorted({trial.subject for trial in trials})
    _export(keeper, "everybody", trials, people, limits, recipe, path)
    fold = fold_of(trials)
    for i in range(FOLDS):
        seen = [trial for trial in trials if fold.get(trial.subject) != i]
        of_others = limits_from([one for j, judged in enumerate(folds) if j != i for one in judged])
        _export(keeper, f"fold{i}", seen, people, of_others, recipe, fold_path(i, path))
    tables, labs = folds_tables(folds, limits), across_labs(keeper, trials, recipe)
    path.with_suffix(".md").write_text(card(people, tables, labs, recipe.members), encoding="utf-8")
    print(json.dumps({"folds": tables, "across_labs": labs, "limits": dataclasses.asdict(limits)}, indent=1))


def _export(
    keeper: Keeper,
    name: str,
    seen: list[Trial],
    people: list[str],
    limits: Limits,
    recipe: Recipe,
    path: Path,
) -> None:
    """Write the members `name`, trained on `seen`, to `path`; the other `people` are named as held out."""
    trained = sorted({trial.subject for trial in seen})
    who = {"trained": trained, "held_out": [person for person in people if person not in trained]}
    path.parent.mkdir(parents=True, exist_ok=True)
    said = who | {"limits": dataclasses.asdict(limits), "recipe": str(recipe)}
    export(ensemble(keeper.members(name, seen, recipe.members), seen), said, path)


def folds_tables(folds: list[list[Judged]], limits: Limits) -> dict[str, dict[str, Any]]:
    """Pooled errors of unseen people per view and set; deviations scaled by what the other folds taught.

    `flagged_share` is the share of frames that `limits` call unfamiliar.
    """
    fair: list[list[Judged]] = []
    for held_out, judged in enumerate(folds):
        others = [one for fold, list_ in enumerate(folds) if fold != held_out for one in list_]
        scale: F64 = deviation_scale(others)
        fair.append([rescaled(one, scale) for one in judged])
    tables: dict[str, dict[str, Any]] = {}
    for view in ("all", "side"):
        half = [fold[: len(fold) // 2] if view == "all" else fold[len(fold) // 2 :] for fold in fair]
        tables[view] = {name: _of_set([one for fold in half for one in fold], name, limits) for name in (RUN, WALK)}
    return tables


def _of_set(judged: list[Judged], name: str, limits: Limits) -> dict[str, Any]:
    of_set = [one for one in judged if one.scored.trial.data_set == name]
    found = summary([one.scored for one in of_set])
    found["coverage_90_axes"] = [axis_coverage([one.scored for one in of_set], axis) for axis in range(3)]
    strange = sum(int((one.unfamiliar(limits) & one.scored.mask.any(axis=1)).sum()) for one in of_set)
    found["flagged_share"] = strange / sum(int(one.scored.mask.any(axis=1).sum()) for one in of_set)
    return found


if __name__ == "__main__":
    sys.exit(main())
