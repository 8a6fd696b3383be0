"""The inpainting network in torch: what is seen is read once, then a small denoiser fills the rest in a few steps."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import warnings
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from engines.inpaint.weights import METADATA_KEY, Facts
from engines.inpaint.window import LEG_JOINTS, SAMPLES

CHANNELS: Final = 16
JOINTS: Final = 2 * LEG_JOINTS
PATCH: Final = 5
"""Grid samples per token: 0.1 s."""

TOKENS: Final = SAMPLES // PATCH
STEPS: Final = 6
"""Denoising steps per fill."""

_VALUE_SCALE: Final = (0.2, 0.1, 0.1, 0.02, 0.04, 0.03, *(0.4, 0.15, 0.2, 0.6, 0.25) * 2)
"""About the deviation of the coordinates within gait, rad and m."""

_TIME_WAVES: Final = 4


class _Mixer(nn.Module):
    """Exchange between the tokens, then within each (MLP-Mixer, Tolstikhin et al. 2021); `time` shifts both."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.ModuleList((nn.LayerNorm(width), nn.LayerNorm(width)))
        self.across = nn.Sequential(nn.Linear(TOKENS, 3 * TOKENS), nn.GELU("tanh"), nn.Linear(3 * TOKENS, TOKENS))
        self.within = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU("tanh"), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.across(self.norm[0](x).transpose(1, 2)).transpose(1, 2)
        out: Tensor = x + self.within(self.norm[1](x))
        return out


class InpaintNet(nn.Module):
    """Denoiser of the residual between true joints and periodic guess, in units of the guess's doubt, and its reader.

    At time 1 nothing is known of the residual, and the answer is its conditional mean with a log-variance; from
    there a few deterministic steps (DDIM, Song et al. 2021) lead to one sample.
    """

    scale: Tensor

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(_VALUE_SCALE)[:, None])
        self.enter = nn.Linear(PATCH * (2 * CHANNELS + JOINTS), width)
        self.read = nn.Sequential(*(_Mixer(width, dropout) for _ in range(3)))
        self.noisy = nn.Linear(PATCH * 2 * JOINTS, width)
        self.time = nn.Linear(2 * _TIME_WAVES, width)
        self.denoise = nn.Sequential(*(_Mixer(width, dropout) for _ in range(2)))
        self.leave = nn.Linear(width, PATCH * 2 * JOINTS)

    def context(self, value: Tensor, seen: Tensor, guess: Tensor) -> Tensor:
        """What is seen, as tokens [B, TOKENS, width], of windows [B, 16, SAMPLES] and the guess [B, 10, SAMPLES]."""
        x = torch.cat((value / self.scale, seen, guess / self.scale[-JOINTS:]), dim=1)
        out: Tensor = self.read(self.enter(_tokens(x)))
        return out

    def forward(self, context: Tensor, hidden: Tensor, noisy: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
        """Clean residual and log-variance [B, 10, SAMPLES] from the `noisy` one at `time` [B], 1 all noise, 0 none.

        `hidden` [B, 10, SAMPLES] is 1 where to fill.
        """
        known = torch.cos(0.5 * math.pi * time)[:, None, None]  # nothing of pure noise is worth reading
        x = torch.cat((noisy * hidden * known, hidden), dim=1)
        phase = math.pi * time[:, None] * torch.arange(1, _TIME_WAVES + 1, device=time.device)
        at = self.time(torch.cat((torch.sin(phase), torch.cos(phase)), dim=1))
        y = self.leave(self.denoise(context + self.noisy(_tokens(x)) + at[:, None]))
        clean, log_var = _samples(y).chunk(2, dim=1)
        return clean, torch.clamp(log_var, -9.0, 4.0)


def _tokens(x: Tensor) -> Tensor:
    """[B, C, SAMPLES] as [B, TOKENS, C * PATCH]."""
    return x.reshape(-1, x.shape[1], TOKENS, PATCH).transpose(1, 2).reshape(-1, TOKENS, x.shape[1] * PATCH)


def _samples(x: Tensor) -> Tensor:
    """[B, TOKENS, C * PATCH] as [B, C, SAMPLES]."""
    count = x.shape[2] // PATCH
    return x.reshape(-1, TOKENS, count, PATCH).transpose(1, 2).reshape(-1, count, SAMPLES)


class Sampler(nn.Module):
    """One fill: the mean, its deviation and `K` samples in rad, from one window and `K` draws of noise."""

    sd_scale: Tensor

    def __init__(self, net: InpaintNet, sd_scale: float, steps: int = STEPS) -> None:
        super().__init__()
        self.net, self.steps = net, steps
        self.register_buffer("sd_scale", torch.tensor(sd_scale))

    def forward(
        self, value: Tensor, seen: Tensor, guess: Tensor, doubt: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Mean and deviation [1, 10, SAMPLES], samples [K, 10, SAMPLES]; where seen, the value and no deviation.

        Where seen the `doubt` of the guess is 0.
        """
        hidden = 1.0 - seen[:, -JOINTS:]
        context = self.net.context(value, seen, guess)
        clean, log_var = self.net(context, hidden, torch.zeros_like(guess), torch.ones(1))
        mean, sd = guess + clean * doubt, torch.exp(0.5 * log_var) * doubt * self.sd_scale
        context, hidden = context.expand(len(noise), -1, -1), hidden.expand(len(noise), -1, -1)
        clean, noisy, time = clean.expand_as(noise), noise, 1.0
        for i in range(1, self.steps):
            left = 1.0 - i / self.steps
            noisy = _down(noisy, clean, time, left)
            time = left
            clean, _ = self.net(context, hidden, noisy, torch.full((len(noise),), time))
        return mean, sd, guess + clean * doubt


def _down(noisy: Tensor, clean: Tensor, time: float, left: float) -> Tensor:
    """The deterministic step from `time` to `left` on a variance-preserving path."""
    signal, spread = math.cos(0.5 * math.pi * time), math.sin(0.5 * math.pi * time)
    noise = (noisy - signal * clean) / spread
    return math.cos(0.5 * math.pi * left) * clean + math.sin(0.5 * math.pi * left) * noise


def noised(clean: Tensor, noise: Tensor, time: Tensor) -> Tensor:
    """`clean` [B, 10, SAMPLES] with so much `noise` mixed in as there is at `time` [B]."""
    angle = 0.5 * math.pi * time[:, None, None]
    return torch.cos(angle) * clean + torch.sin(angle) * noise


def export(net: InpaintNet, facts: Facts, sd_scale: float, samples: int, path: Path) -> None:
    """Write one fill with so many samples as ONNX to `path`, with `facts` as its metadata."""
    import onnx

    sampler = Sampler(copy.deepcopy(net), sd_scale).eval()
    arrays = [torch.zeros(1, rows, SAMPLES) for rows in (CHANNELS, CHANNELS, JOINTS, JOINTS)]
    with warnings.catch_warnings():  # torch deprecates the exporter that needs no further package
        warnings.simplefilter("ignore")
        torch.onnx.export(
            sampler,
            (*arrays, torch.zeros(samples, JOINTS, SAMPLES)),
            str(path),
            input_names=["value", "seen", "guess", "doubt", "noise"],
            output_names=["mean", "sd", "samples"],
            opset_version=17,
            dynamo=False,
        )
    model = onnx.load(str(path))
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, json.dumps(dataclasses.asdict(facts))
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
