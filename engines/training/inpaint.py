"""Trains the inpainting network on measured gait; seeded, resumable; the first fold's weights are what ships."""

from __future__ import annotations

import argparse
import copy
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from engines.errors import EngineError
from engines.grf.trials import Trial
from engines.inpaint.window import AGES_S
from engines.training.grf_data import FOLDS, fold_of, load_trials
from engines.training.inpaint_data import Windows, pool
from engines.training.inpaint_net import InpaintNet, noised

_SAVE_EVERY: Final = 100
_NOW_WEIGHT: Final = 4.0
"""How much more the samples from now on count than older ones: they are what a running loop takes."""


_FAR: Final = 12.0  # a guess off by more units of its doubt teaches no more than this
_RATE_UNIT_RAD: Final = 0.02  # change of the error from one grid sample to the next: 1 rad/s
_RATE_WEIGHT: Final = 1.0


@dataclass(frozen=True)
class Recipe:
    """Settings of one training; the defaults made the committed weights."""

    steps: int = 900
    batch: int = 64
    pool: int = 4000
    refresh: int = 300
    width: int = 96
    dropout: float = 0.05
    adam_rate: float = 2e-3
    muon_rate: float = 0.02
    weight_decay: float = 0.02
    average: float = 0.99
    seed: int = 1


@dataclass
class State:
    """What a training is made of: stopped and taken up again it goes the same way."""

    net: InpaintNet
    mean: InpaintNet
    optimizers: list[torch.optim.Optimizer]
    step: int = 0


def begin(recipe: Recipe) -> State:
    """A network with fresh weights."""
    torch.manual_seed(recipe.seed)
    net = InpaintNet(recipe.width, recipe.dropout)
    return State(net, copy.deepcopy(net).eval(), _optimizers(net, recipe))


def _optimizers(net: InpaintNet, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the mixers, AdamW for the rest, as for the ground reaction network."""
    hidden = [p for part in (net.read, net.denoise) for p in part.parameters() if p.ndim == 2]
    others = [p for p in net.parameters() if all(p is not h for h in hidden)]
    muon, adam = ({"params": hidden, "full_rate": recipe.muon_rate}, {"params": others, "full_rate": recipe.adam_rate})
    decay = recipe.weight_decay
    return [
        torch.optim.Muon([muon], recipe.muon_rate, weight_decay=decay, adjust_lr_fn="original"),
        torch.optim.AdamW([adam], recipe.adam_rate, weight_decay=decay),
    ]


def loss(net: InpaintNet, batch: dict[str, Tensor], generator: torch.Generator) -> Tensor:
    """Robust error of the clean residual and of its rate, at pure noise and at a random time, and the likelihood of the
    deviation; everything in units of the guess's doubt."""
    doubt = batch["doubt"]
    clean = torch.clamp((batch["truth"] - batch["guess"]) / torch.clamp(doubt, min=1e-3), -_FAR, _FAR)
    hidden = 1.0 - batch["seen"][:, -clean.shape[1] :]
    weight = batch["scored"] * torch.from_numpy(np.where(AGES_S > -1e-9, _NOW_WEIGHT, 1.0).astype(np.float32))
    context = net.context(batch["value"], batch["seen"], batch["guess"])
    count = len(clean)
    mean, log_var = net(context, hidden, torch.zeros_like(clean), torch.ones(count))
    at = torch.rand(count, generator=generator)
    noisy = noised(clean, torch.randn(clean.shape, generator=generator), at)
    found, _ = net(context, hidden, noisy, at)
    missed = (mean - clean) * doubt
    steady = _huber(missed.diff(dim=-1) * batch["scored"][..., 1:] / _RATE_UNIT_RAD) * weight[..., 1:]
    off = mean.detach() - clean
    per = _huber(mean - clean) + _huber(found - clean) + 0.05 * (off.square() * torch.exp(-log_var) + log_var)
    return ((per * weight).sum() + _RATE_WEIGHT * steady.sum()) / weight.sum()


def _huber(x: Tensor) -> Tensor:
    return torch.sqrt(1.0 + x.square()) - 1.0


def advance(state: State, recipe: Recipe, trials: list[Trial], until: int) -> None:
    """Train from where `state` is to step `until`; every draw depends on seed and step alone."""
    drawn: dict[str, Tensor] = {}
    drawn_for = -1
    while state.step < until:
        epoch = state.step // recipe.refresh
        if epoch != drawn_for:
            windows = Windows(trials, np.random.default_rng((recipe.seed, epoch)))
            drawn = {name: torch.from_numpy(array) for name, array in pool(windows, recipe.pool).items()}
            drawn_for = epoch
        generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + state.step)
        pick = torch.randint(recipe.pool, (recipe.batch,), generator=generator)
        torch.manual_seed(recipe.seed * 7_000_003 + state.step)  # dropout
        value = loss(state.net, {name: array[pick] for name, array in drawn.items()}, generator)
        _update(state, recipe, value)
        state.step += 1
        if state.step % 50 == 0:
            print(f"step {state.step}: loss {value.item():.4f}", file=sys.stderr, flush=True)


def _update(state: State, recipe: Recipe, value: Tensor) -> None:
    rate = min(1.0, (state.step + 1) / 60) * (0.5 + 0.5 * math.cos(math.pi * state.step / recipe.steps) + 0.005)
    state.net.zero_grad()
    value.backward()
    nn.utils.clip_grad_norm_(state.net.parameters(), 1.0)
    for optimizer in state.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["full_rate"] * rate
        optimizer.step()
    share = 1.0 - min(recipe.average, (state.step + 1) / (state.step + 10))
    with torch.no_grad():
        for slow, fast in zip(state.mean.parameters(), state.net.parameters(), strict=True):
            slow.lerp_(fast, share)


def save(state: State, path: Path) -> None:
    """Write a state so that a killed training resumes; never leaves half a file."""
    parts = {"net": state.net.state_dict(), "mean": state.mean.state_dict()}
    optimizers = [optimizer.state_dict() for optimizer in state.optimizers]
    torch.save(parts | {"optimizers": optimizers, "step": state.step}, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def resume(recipe: Recipe, path: Path) -> State:
    """The state in `path`, or a fresh one where there is none."""
    state = begin(recipe)
    if path.is_file():
        said = torch.load(path, weights_only=True)
        state.net.load_state_dict(said["net"])
        state.mean.load_state_dict(said["mean"])
        for optimizer, kept in zip(state.optimizers, said["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        state.step = said["step"]
    return state


def main(arguments: list[str] | None = None) -> int:
    """Train the chosen folds, one checkpoint each; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m engines.training.inpaint", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the measured gait data")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the checkpoints go")
    parser.add_argument("--steps", type=int, default=Recipe.steps, help="training steps per fold")
    parser.add_argument("--folds", type=int, nargs="+", default=[0], choices=range(FOLDS), help="people held out (0)")
    options = parser.parse_args(arguments)
    recipe = Recipe(steps=options.steps)
    torch.set_num_threads(1)  # the sums come out in one order
    try:
        trials = load_trials(options.data)
        options.out.mkdir(parents=True, exist_ok=True)
        for fold in options.folds:
            _train(fold, [t for t in trials if fold_of(trials).get(t.subject) != fold], recipe, options.out)
    except (EngineError, OSError) as error:
        print(f"training inpaint: {error}", file=sys.stderr)
        return 1
    return 0


def _train(fold: int, trials: list[Trial], recipe: Recipe, out: Path) -> None:
    path = out / f"fold{fold}.pt"
    state = resume(recipe, path)
    began_s = time.monotonic()
    while state.step < recipe.steps:
        advance(state, recipe, trials, min(state.step + _SAVE_EVERY, recipe.steps))
        save(state, path)
    print(f"fold {fold}: {state.step} steps, {time.monotonic() - began_s:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
