"""Trains the GRF network: five folds of whole people for the error, the first fold's weights are what ships."""

from __future__ import annotations

import argparse
import copy
import dataclasses
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from rich.progress import Progress
from torch import Tensor, nn

from engines.errors import EngineError
from engines.grf.engine import GrfEngine
from engines.grf.evaluate import Scored, evaluate, run_trial, summary
from engines.grf.features import COORDINATES, F64, GRID_S, HISTORY
from engines.grf.trials import Trial
from engines.grf.weights import ZOO_PATH
from engines.training.grf_batches import Batch, Sampler
from engines.training.grf_card import card
from engines.training.grf_data import FOLDS, RUN, WALK, fold_of, load_trials
from engines.training.grf_net import CONTACT, COP, FORCE, LOG_VAR, GrfNet
from engines.training.grf_net import export as export_onnx

SHIPPED_FOLD: Final = 0
_Z_90: Final = 1.6449  # half-width of the central 90 % of a normal distribution
_FORCE_UNIT_BW: Final = (0.025, 0.07, 0.02)  # about the error to be reached per axis: weighs them alike
_COP_UNIT_M: Final = 0.02
_FULL_COP_BW: Final = 0.3  # below this load the measured centre of pressure is noise, and counts less


@dataclass(frozen=True)
class Recipe:
    """Settings of one training; the defaults made the committed weights."""

    steps: int = 2500
    batch: int = 10
    length: int = 160
    width: int = 64
    dropout: float = 0.1
    adam_rate: float = 3e-3
    muon_rate: float = 0.02
    weight_decay: float = 0.02
    average: float = 0.995
    seed: int = 1


def _huber(x: Tensor) -> Tensor:
    return torch.sqrt(1.0 + x * x) - 1.0


def loss(y: Tensor, batch: Batch) -> Tensor:
    """Robust force error, contact cross-entropy, centre of pressure where loaded, and likelihood of the deviation.

    Only what a plate measured counts. The likelihood sees the force error as given, so it cannot trade it away.
    """
    force, contact, cop, scored = (
        torch.from_numpy(a) for a in (batch.force_bw, batch.contact, batch.cop_m, batch.scored)
    )
    count = scored.sum()
    error = y[..., FORCE] - force
    force_loss = (_huber(error / torch.tensor(_FORCE_UNIT_BW)).sum(-1) * scored).sum() / count
    crossed = nn.functional.binary_cross_entropy_with_logits(y[..., CONTACT], contact, reduction="none")
    load = torch.clamp(force[..., 1] / _FULL_COP_BW, 0.0, 1.0) * torch.isfinite(cop).all(-1) * scored
    away = _huber((y[..., COP] - torch.nan_to_num(cop)) / _COP_UNIT_M).sum(-1)
    log_var = torch.clamp(y[..., LOG_VAR], -14.0, 2.0)
    doubt = (error.detach().square() * torch.exp(-log_var) + log_var).sum(-1)
    return (
        force_loss
        + 0.5 * (crossed * scored).sum() / count
        + 0.3 * (away * load).sum() / load.sum()
        + 0.1 * (doubt * scored).sum() / count
    )


def train(trials: list[Trial], recipe: Recipe, advance: Callable[[], None]) -> GrfNet:
    """A network fitted to `trials`: the running average of its weights, ready for use."""
    torch.manual_seed(recipe.seed)
    sampler = Sampler(trials, np.random.default_rng(recipe.seed), recipe.length)
    net = GrfNet(recipe.width, recipe.dropout)
    mean = copy.deepcopy(net).eval()
    optimizers = _optimizers(net, recipe)
    for step in range(recipe.steps):
        rate = min(1.0, (step + 1) / 100) * (0.5 + 0.5 * np.cos(np.pi * step / recipe.steps) + 0.005)
        batch = sampler.batch(recipe.batch)
        value = loss(net(torch.from_numpy(batch.x)), batch)
        net.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * group["full_rate"]
            optimizer.step()
        with torch.no_grad():
            share = 1.0 - min(recipe.average, (step + 1) / (step + 10))
            for slow, fast in zip(mean.parameters(), net.parameters(), strict=True):
                slow.lerp_(fast, share)
        advance()
    return mean


def _optimizers(net: GrfNet, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the matrices between hidden layers, AdamW for the rest."""
    hidden = [p for part in (net.spread, net.mix, net.gather) for p in part.parameters() if p.ndim == 2]
    others = [p for p in net.parameters() if all(p is not h for h in hidden)]
    return [
        torch.optim.Muon(
            [{"params": hidden, "full_rate": recipe.muon_rate}],
            recipe.muon_rate,
            weight_decay=recipe.weight_decay,
            adjust_lr_fn="original",
        ),
        torch.optim.AdamW(
            [{"params": others, "full_rate": recipe.adam_rate}], recipe.adam_rate, weight_decay=recipe.weight_decay
        ),
    ]


def deviation_scale(runs: list[Scored]) -> F64:
    """Factor per axis [3] that makes 90 % of the errors of `runs` fall into their 90 % interval."""
    ratio = np.concatenate([np.abs(run.force_bw - run.trial.force_bw)[run.mask] / run.sd_bw[run.mask] for run in runs])
    scale: F64 = np.quantile(ratio, 0.9, axis=0) / _Z_90
    return scale


def cross_validate(
    trials: list[Trial], recipe: Recipe, advance: Callable[[], None]
) -> tuple[GrfNet, list[list[Scored]]]:
    """The network of the shipped fold, and per fold the trials of its held-out people run through its network."""
    folds = fold_of(trials)
    nets: list[GrfNet] = []
    runs: list[list[Scored]] = []
    shown = np.ones(len(COORDINATES), dtype=np.bool_)
    for fold in range(FOLDS):
        nets.append(train([t for t in trials if folds.get(t.subject) != fold], recipe, advance))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "fold.onnx"
            export_onnx(nets[-1], np.ones(3), {}, path)
            engine = GrfEngine(path)
            held_out = [t for t in trials if folds.get(t.subject) == fold]
            runs.append([run_trial(engine, trial, shown) for trial in held_out])
        _report(fold, runs[-1])
    return nets[SHIPPED_FOLD], runs


def _report(fold: int, runs: list[Scored]) -> None:
    for name in (RUN, WALK):
        found = summary([run for run in runs if run.trial.data_set == name])["vertical"]
        print(
            f"fold {fold} {name}: vertical RMSE {found['rmse_pct_bw']:.2f}, MAE {found['mae_pct_bw']:.2f} % BW",
            file=sys.stderr,
        )


def _folds_table(runs: list[list[Scored]], scale: F64) -> dict[str, Any]:
    every = [dataclasses.replace(run, sd_bw=run.sd_bw * scale) for fold in runs for run in fold]
    return {name: summary([run for run in every if run.trial.data_set == name]) for name in (RUN, WALK)}


def main(arguments: list[str] | None = None) -> int:
    """Train, measure and write `grf_gait.onnx` and `grf_gait.md`; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m engines.training.grf", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the measured gait data")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="where to write the network and its card"
    )
    parser.add_argument("--steps", type=int, default=Recipe.steps, help="training steps per fold")
    options = parser.parse_args(arguments)
    recipe = Recipe(steps=options.steps)
    torch.set_num_threads(1)  # the sums come out in one order
    try:
        trials = load_trials(options.data)
        options.out.mkdir(parents=True, exist_ok=True)
        with Progress() as progress:
            task = progress.add_task("training", total=FOLDS * recipe.steps)
            net, runs = cross_validate(trials, recipe, lambda: progress.advance(task))
        _ship(net, runs, trials, options.data, options.out)
    except (EngineError, OSError) as error:
        print(f"training grf: {error}", file=sys.stderr)
        return 1
    return 0


def _ship(net: GrfNet, runs: list[list[Scored]], trials: list[Trial], data_dir: Path, out: Path) -> None:
    folds = fold_of(trials)
    people = sorted({trial.subject for trial in trials})
    said = {
        "trained": [name for name in people if folds.get(name) != SHIPPED_FOLD],
        "held_out": [name for name in people if folds.get(name) == SHIPPED_FOLD],
    }
    others = [run for fold, list_ in enumerate(runs) if fold != SHIPPED_FOLD for run in list_]
    path = out / ZOO_PATH.name
    scale = deviation_scale(others)
    export_onnx(net, scale, said, path)
    measured = evaluate(data_dir, None, path)
    text = card(said["trained"], said["held_out"], measured, _folds_table(runs, scale), (HISTORY - 1) * GRID_S)
    path.with_suffix(".md").write_text(text, encoding="utf-8")
    print(json.dumps(measured["by_set"], indent=1))


if __name__ == "__main__":
    sys.exit(main())
