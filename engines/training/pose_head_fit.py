"""Fits the pose head: likelihood of each angle, steady errors, the best epoch on people kept aside."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from engines.pose.head.engine import both_views, deviation
from engines.pose.head.features import COORDINATES, FEATURES
from engines.training.pose_head_data import F64, Sequence, batch, mirrored, plain_batch
from engines.training.pose_head_net import TURN, PoseNet, angles

FRAMES: Final = 64
_WARM_UP: Final = 6  # frames that count less: the memory fills
_WEIGHTS: Final = {"knee_angle": 3.0, "hip_flexion": 2.0, "ankle_angle": 2.0, "pelvis_tilt": 1.5}
_WEIGHT: Final = torch.tensor([_WEIGHTS.get(name.removesuffix("_r").removesuffix("_l"), 0.5) for name in COORDINATES])
_RIDGE: Final = 1e-3  # of the features' variance
_RIDGE_TAKES: Final = 800
_STEADY: Final = 4.0
_AVERAGED: Final = 0.995  # share of the averaged weights that stays from batch to batch
_BETA: Final = 0.5
"""Part of the variance that weighs the likelihood (Seitzer et al. 2022, "On the pitfalls of heteroscedastic uncertainty
estimation"): hard frames keep their pull on the mean."""


@dataclass(frozen=True)
class Recipe:
    """How it is trained."""

    epochs: int = 400
    takes: int = 24
    filmed: int = 12
    rate: float = 2e-3
    decay: float = 0.02
    dropout: float = 0.15
    minutes: float = 25.0
    seed: int = 0
    batches: int = 40


def fit(
    filmed: list[Sequence],
    sketched: list[Sequence],
    validation: list[Sequence],
    recipe: Recipe,
    start: dict[str, Tensor] | None,
    keep: Path,
) -> PoseNet:
    """The net of the best epoch, its weights averaged over batches; stops after `minutes` with the rate at zero by
    then. Of the `takes` in a batch `recipe.filmed` are filmed ones, or all if nothing is `sketched`; `start` are
    weights to go on from; the best so far are kept in the file `keep`."""
    torch.manual_seed(recipe.seed)
    random = np.random.default_rng(recipe.seed)
    net = PoseNet(*_statistics(filmed, random), recipe.dropout)
    if start is None:
        start_linear(net, filmed + sketched, random)
    else:
        net.load_state_dict(start)
    averaged = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(_AVERAGED))
    optimizer = torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    held = [torch.from_numpy(part) for part in plain_batch(validation, FRAMES, (False, False))]
    began_s, best, best_error = time.monotonic(), None, np.inf
    for epoch in range(recipe.epochs):
        done = max(epoch / recipe.epochs, (time.monotonic() - began_s) / (60.0 * recipe.minutes))
        if done >= 1.0:
            break
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * min(1.0, (epoch + 1) / 4) * 0.5 * (1.0 + np.cos(np.pi * done))
        loss = _epoch(net, averaged, optimizer, filmed, sketched, recipe, random)
        error = knee_error_deg(averaged.module, held[0], held[1], held[2])
        if error < best_error:
            best, best_error = {name: value.clone() for name, value in averaged.module.state_dict().items()}, error
            torch.save(best, keep)
        print(
            f"epoch {epoch}: loss {loss:.3f}, knee {error:.2f} deg, {time.monotonic() - began_s:.0f} s", file=sys.stderr
        )
    if best is not None:
        net.load_state_dict(best)
    return net.eval()


def _statistics(takes: list[Sequence], random: np.random.Generator) -> tuple[Tensor, Tensor]:
    chosen = [takes[i] for i in random.permutation(len(takes))[:200]]
    x, _, mask = batch(chosen, FRAMES, random)
    rows = x[mask > 0].reshape(-1, FEATURES)
    return torch.from_numpy(rows.mean(axis=0)), torch.from_numpy(np.maximum(rows.std(axis=0), 1e-2).astype(np.float32))


def start_linear(net: PoseNet, takes: list[Sequence], random: np.random.Generator) -> None:
    """Set the direct path from features to angles by ridge regression, so that the rest learns what is left over."""
    chosen = [takes[i] for i in random.integers(len(takes), size=_RIDGE_TAKES)]
    x, y, mask = batch(chosen, FRAMES, random)
    rows, target = net.scaled(torch.from_numpy(x[mask > 0])), torch.from_numpy(y[mask > 0])
    target = torch.cat((target, torch.cos(target[:, TURN : TURN + 1])), dim=1)
    target[:, TURN] = torch.sin(target[:, TURN])
    rows = torch.cat((rows, torch.ones(len(rows), 1)), dim=1).double()
    square = rows.T @ rows + _RIDGE * len(rows) * torch.eye(rows.shape[1], dtype=torch.float64)
    found = torch.linalg.solve(square, rows.T @ target.double())
    left = (rows @ found - target.double()).square().mean(dim=0)
    n = len(COORDINATES)
    with torch.no_grad():
        for column, output in enumerate((*range(n), 2 * n)):
            net.skip.weight[output] = found[:-1, column].float()
            net.skip.bias[output] = found[-1, column].float()
        net.skip.bias[n : 2 * n] = torch.log(left[:n]).float()
        net.leave[-1].weight.mul_(0.1)
        net.leave[-1].bias.zero_()


def _epoch(
    net: PoseNet,
    averaged: AveragedModel,
    optimizer: torch.optim.Optimizer,
    filmed: list[Sequence],
    sketched: list[Sequence],
    recipe: Recipe,
    random: np.random.Generator,
) -> float:
    """Batches of drawn takes; the mean loss."""
    net.train()
    share = recipe.filmed if sketched else recipe.takes
    losses = []
    for _ in range(recipe.batches):
        takes = [filmed[i] for i in random.integers(len(filmed), size=share)]
        takes += [sketched[i] for i in random.integers(len(sketched), size=recipe.takes - share)] if sketched else []
        x, y, mask = (torch.from_numpy(part) for part in batch(takes, FRAMES, random))
        loss = loss_of(net(x), y, mask)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        averaged.update_parameters(net)
        losses.append(float(loss.detach()))
    net.eval()
    averaged.eval()
    return float(np.mean(losses))


def loss_of(out: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Likelihood of the angles and of the pelvis' turn, and how steady the error is from frame to frame."""
    mean, log_var, cosine = angles(out)
    error = mean - truth
    sine = mean[..., TURN] - torch.sin(truth[..., TURN])
    turn = torch.sqrt(sine**2 + (cosine - torch.cos(truth[..., TURN])) ** 2 + 1e-8)
    error = torch.cat((error[..., :TURN], turn[..., None], error[..., TURN + 1 :]), dim=-1)
    fit_ = torch.exp(_BETA * log_var.detach()) * 0.5 * (error**2 * torch.exp(-log_var) + log_var)
    weight = mask[..., None] * _WEIGHT
    early = torch.ones_like(mask)
    early[:, :_WARM_UP] = 0.3
    total = (fit_ * weight * early[..., None]).sum() / weight.sum()
    both = (mask[:, 1:] * mask[:, :-1])[..., None] * _WEIGHT
    moved = (error[:, 1:] - error[:, :-1]) ** 2
    return 10.0 * (total + _STEADY * (moved * both).sum() / both.sum())


def knee_error_deg(net: PoseNet, x: Tensor, y: Tensor, mask: Tensor) -> float:
    """RMSE of both knees, the first frames left out."""
    with torch.no_grad():
        mean, _, _ = angles(net(x))
    knees = [i for i, name in enumerate(COORDINATES) if name.startswith("knee")]
    late = mask.clone()
    late[:, :_WARM_UP] = 0.0
    squared = ((mean - y)[..., knees] ** 2).mean(dim=-1)
    return float(torch.rad2deg(torch.sqrt((squared * late).sum() / late.sum())))


def deviation_scale(net: PoseNet, takes: list[Sequence]) -> F64:
    """Factor [13] on the deviation with which 90 % of the errors on `takes` lie inside the 90 % interval; both as the
    runtime makes them of a take and its mirror image."""
    x, truth, mask = plain_batch(takes, FRAMES, (False, False))
    other, _, _ = plain_batch([mirrored(one) for one in takes], FRAMES, (False, False))
    with torch.no_grad():
        told = [angles(net(torch.from_numpy(view))) for view in (x, other)]
    q, sd = np.stack([one[0].numpy() for one in told]), np.stack([np.exp(0.5 * one[1].numpy()) for one in told])
    turn = np.arctan2(q[0, ..., TURN] - q[1, ..., TURN], (told[0][2] + told[1][2]).numpy()) - truth[..., TURN]
    error = np.abs(both_views(q) - truth)
    error[..., TURN] = np.abs(np.arctan2(np.sin(turn), np.cos(turn)))
    late = mask > 0.0
    late[:, :_WARM_UP] = False
    ratio = (error / deviation(q, sd))[late]
    return np.asarray(np.quantile(ratio, 0.9, axis=0) / 1.6449, dtype=np.float64)
