"""Fits one member of the GRF network to trials: loss, optimizers, running average of the weights."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from engines.grf.trials import Trial
from engines.training.grf_batches import Batch, Sampler
from engines.training.grf_net import COP, LOG_VAR, TIMES, GrfNet, reactions
from engines.training.grf_standing import standing_trials

_FORCE_UNIT_BW: Final = (0.025, 0.07, 0.02)  # about the error to be reached per axis: weighs them alike
_FORCE_KNEE: Final = 3.0
"""In those units: where a landing may come early or late the answer is the mean of what may be, as RMSE asks."""

_NOW: Final = TIMES // 2
_TIME_WEIGHTS: Final = (0.35, 1.0, 0.35)
_COP_UNIT_M: Final = 0.02
_FULL_COP_BW: Final = 0.3  # below this load the measured centre of pressure is noise, and counts less


@dataclass(frozen=True)
class Recipe:
    """Settings of one training; the defaults made the committed weights."""

    members: int = 2
    steps: int = 1400
    batch: int = 10
    length: int = 160
    width: int = 64
    dropout: float = 0.1
    adam_rate: float = 3e-3
    muon_rate: float = 0.02
    weight_decay: float = 0.02
    average: float = 0.995


def _huber(x: Tensor, knee: float) -> Tensor:
    """Half the square of `x` up to about `knee`, from there on a straight line."""
    return knee * knee * (torch.sqrt(1.0 + (x / knee) ** 2) - 1.0)


def loss(y: Tensor, batch: Batch) -> Tensor:
    """Robust force error, contact cross-entropy, centre of pressure where loaded, and likelihood of the deviation.

    Only what a plate measured counts. The likelihood sees the force error as given, so it cannot trade it away.
    """
    force, contact, cop, scored = (
        torch.from_numpy(a) for a in (batch.force_bw, batch.contact, batch.cop_m, batch.scored)
    )
    found, logits = reactions(y)
    count = scored.sum()
    every = found - force
    error = every[..., _NOW, :]
    weight = scored[..., None] * torch.tensor(_TIME_WEIGHTS)
    force_loss = (_huber(every / torch.tensor(_FORCE_UNIT_BW), _FORCE_KNEE).sum(-1) * weight).sum() / count
    crossed = nn.functional.binary_cross_entropy_with_logits(logits, contact, reduction="none")
    load = torch.clamp(force[..., _NOW, 1] / _FULL_COP_BW, 0.0, 1.0) * torch.isfinite(cop).all(-1) * scored
    away = _huber((y[..., COP] - torch.nan_to_num(cop)) / _COP_UNIT_M, 1.0).sum(-1)
    log_var = torch.clamp(y[..., LOG_VAR], -14.0, 2.0)
    doubt = (error.detach().square() * torch.exp(-log_var) + log_var).sum(-1)
    return (
        force_loss
        + 0.5 * (crossed * weight).sum() / count
        + 0.3 * (away * load).sum() / torch.clamp(load.sum(), min=1.0)
        + 0.1 * (doubt * scored).sum() / count
    )


def train(trials: list[Trial], recipe: Recipe, seed: int, advance: Callable[[], None]) -> GrfNet:
    """A network fitted to `trials` and to standing: the running average of its weights, ready for use."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    sampler = Sampler(trials + standing_trials(rng), rng, recipe.length)
    net = GrfNet(recipe.width, recipe.dropout)
    mean = copy.deepcopy(net).eval()
    optimizers = _optimizers(net, recipe)
    for step in range(recipe.steps):
        rate = min(1.0, (step + 1) / 100) * (0.5 + 0.5 * np.cos(np.pi * step / recipe.steps) + 0.005)
        batch = sampler.batch(recipe.batch)
        with torch.autocast("cpu", dtype=torch.bfloat16):  # twice as fast, and what ships runs in single precision
            y = net(torch.from_numpy(batch.x), torch.from_numpy(batch.context))
        value = loss(y.float(), batch)
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
