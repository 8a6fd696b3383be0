"""How the GRF network does in a laboratory it has never seen: trained without one data set, tested on it."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from engines.errors import EngineError
from engines.grf.evaluate import SIDE_VIEW, summary
from engines.grf.trials import Trial
from engines.grf.weights import Limits
from engines.training.grf_data import EXTRA, RUN, WALK, fold_of, load_trials
from engines.training.grf_fit import Recipe
from engines.training.grf_folds import ALL_SHOWN, Keeper, ensemble, judge, limits_from

SETS: Final = (RUN, WALK, EXTRA)


def across_labs(keeper: Keeper, trials: list[Trial], recipe: Recipe) -> dict[str, dict[str, Any]]:
    """Per data set the pooled errors of weights that were trained on the other sets only, and of the `network` alone.

    What counts as unfamiliar, the people of one fold of these other sets have taught. Frames that are flagged so count
    as well; `flagged_share` is how many these are.
    """
    found = {}
    for name in SETS:
        others = [t for t in trials if t.data_set != name]
        strangers = [t for t in trials if t.data_set == name]
        limits = _taught(keeper, f"without_{name}_fold0", others, recipe.members)
        model = ensemble(keeper.members(f"without_{name}", others, recipe.members), others)
        judged = judge(model, strangers, ALL_SHOWN, limits)
        found[name] = summary([one.scored for one in judged])
        found[name]["network"] = summary([one.scored for one in judge(model, strangers, ALL_SHOWN)])
        found[name]["flagged_share"] = float(np.mean(np.concatenate([one.unfamiliar(limits) for one in judged])))
        print(f"without {name}: vertical MAE {found[name]['vertical']['mae_pct_bw']:.2f} % BW", file=sys.stderr)
    return found


def _taught(keeper: Keeper, name: str, trials: list[Trial], members: int) -> Limits:
    """The limits that people of the first fold among `trials` teach `members` networks trained on the others.

    Deviations stay as the networks give them: one gait may be missing among these people.
    """
    folds = fold_of(trials)
    seen = [t for t in trials if folds.get(t.subject) != 0]
    held_out = [t for t in trials if folds.get(t.subject) == 0]
    model = ensemble(keeper.members(name, seen, members), seen)
    limits = limits_from(judge(model, held_out, ALL_SHOWN) + judge(model, held_out, SIDE_VIEW))
    return dataclasses.replace(limits, sd_scale=((1.0,) * 3,) * 2)


def main(arguments: list[str] | None = None) -> int:
    """Train without each data set in turn and print the errors on it as JSON; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m engines.training.grf_cross", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the measured gait data")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="where trained members are kept")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    recipe = Recipe()
    try:
        found = across_labs(Keeper(options.work, recipe), load_trials(options.data), recipe)
    except (EngineError, OSError) as error:
        print(f"training grf: {error}", file=sys.stderr)
        return 1
    print(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
