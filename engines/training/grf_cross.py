"""How the GRF network does in a laboratory it has never seen: trained without one data set, tested on it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

import torch

from engines.errors import EngineError
from engines.grf.evaluate import summary
from engines.grf.trials import Trial
from engines.training.grf_data import EXTRA, RUN, WALK, load_trials
from engines.training.grf_fit import Recipe
from engines.training.grf_folds import ALL_SHOWN, Keeper, ensemble, judge

SETS: Final = (RUN, WALK, EXTRA)


def across_labs(keeper: Keeper, trials: list[Trial], recipe: Recipe) -> dict[str, dict[str, Any]]:
    """Per data set the pooled errors of one member that was trained on the other sets only."""
    found = {}
    for name in SETS:
        others = [t for t in trials if t.data_set != name]
        nets = keeper.members(f"without_{name}", others, 1)
        model = ensemble(nets, others)
        judged = judge(model, [t for t in trials if t.data_set == name], ALL_SHOWN)
        found[name] = summary([one.scored for one in judged])
        print(f"without {name}: vertical MAE {found[name]['vertical']['mae_pct_bw']:.2f} % BW", file=sys.stderr)
    return found


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
