"""Whether a network in lower precision may stand for the original: error of its outputs, and the end effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engines.backends.base import Runner
from engines.convert.precision import Inputs
from engines.golden.effects import head_knee_deg
from engines.pose import landmarks

F64 = npt.NDArray[np.float64]
Outputs = Mapping[str, npt.NDArray[Any]]

RELATIVE: Final = MappingProxyType({"fp32": 5e-4, "fp16": 5e-3, "int8": 5e-3})
"""Largest error of an output allowed, as part of the largest value that the output takes."""

_LEGS: Final = ((24, 26, 28), (23, 25, 27))  # hip, knee, ankle of BlazePose, right and left


@dataclass(frozen=True)
class Effect:
    """What the outputs come to in the end: `read` gives numbers in the unit of `name`, which may differ by `bar`."""

    name: str
    bar: float
    read: Callable[[Outputs], F64]


@dataclass(frozen=True)
class Gate:
    """What a variant is held to on real `inputs`: errors relative to the largest output, and the end effect if any."""

    inputs: Sequence[Inputs]
    relative: float
    effect: Effect | None


@dataclass(frozen=True)
class Verdict:
    """Whether a variant is accepted; `reason` is "" or what broke the gate.

    `relative` by output; `effect` the largest and `effect_rms` the root mean square difference in the effect's unit,
    NaN where there is no effect. `worst`: the largest error as part of its bar, 1 is just accepted.
    """

    accepted: bool
    reason: str
    relative: Mapping[str, float]
    effect: float
    effect_rms: float
    worst: float


def knee_deg(outputs: Outputs) -> F64:
    """Flexion [2] of both knees in the picture, right then left, degrees."""
    raw = outputs[landmarks.COORDINATES].reshape(landmarks.POINTS, 5).astype(np.float64)
    xy = landmarks.refine(raw[:, :2], outputs[landmarks.HEATMAPS][0])
    thigh = np.stack([xy[hip] - xy[knee] for hip, knee, _ in _LEGS])
    shank = np.stack([xy[ankle] - xy[knee] for _, knee, ankle in _LEGS])
    cross = thigh[:, 0] * shank[:, 1] - thigh[:, 1] * shank[:, 0]
    return np.asarray(180.0 - np.degrees(np.abs(np.arctan2(cross, (thigh * shank).sum(axis=1)))))


def force_pct_bw(outputs: Outputs) -> F64:
    """Force of both feet at three times [2, 3, 3], % of body weight."""
    return outputs["force_bw"].astype(np.float64) * 100.0


def joint_deg(outputs: Outputs) -> F64:
    """Filled joints of both legs [10, samples], degrees: the mean of the samples, as the engine takes it."""
    return np.degrees(outputs["samples"].astype(np.float64).mean(axis=0))


def effect_of(engine: str) -> Effect | None:
    """The end effect of an engine by its name, variants of it alike; None where nothing but its outputs counts."""
    for prefix, effect in _EFFECTS.items():
        if engine.startswith(prefix):
            return effect
    return None


_EFFECTS: Final = {
    "pose_landmark": Effect("knee_deg", 0.1, knee_deg),
    "pose_head": Effect("head_knee_deg", 0.1, head_knee_deg),
    "grf_gait": Effect("force_pct_bw", 0.3, force_pct_bw),
    "inpaint_gait": Effect("joint_deg", 0.1, joint_deg),
}


def run_all(runner: Runner, inputs: Sequence[Inputs]) -> list[dict[str, npt.NDArray[Any]]]:
    """Copies of the outputs for each of `inputs`."""
    found = []
    for each in inputs:
        for name, value in each.items():
            runner.inputs[name][...] = value
        found.append({name: value.copy() for name, value in runner.infer().items()})
    return found


def accept(variant: Runner, reference: Runner, gate: Gate) -> Verdict:
    """Hold `variant` against `reference` on the gate's inputs. ValueError: the gate has no inputs."""
    return judge(run_all(variant, gate.inputs), run_all(reference, gate.inputs), gate)


def judge(found: Sequence[Outputs], expected: Sequence[Outputs], gate: Gate) -> Verdict:
    """The same on outputs at hand."""
    if not expected:
        raise ValueError("a gate without inputs accepts nothing")
    relative = {name: _relative(found, expected, name) for name in expected[0]}
    name = max(relative, key=lambda key: relative[key])
    complaints = [(relative[name] / gate.relative, f"{name} is off by {relative[name]:.1e}, allowed {gate.relative:g}")]
    effect = effect_rms = float("nan")
    if gate.effect is not None:
        away = np.stack([gate.effect.read(a) - gate.effect.read(b) for a, b in zip(found, expected, strict=True)])
        away = np.where(np.isfinite(away), away, np.inf)
        effect, effect_rms = float(np.abs(away).max()), float(np.sqrt(np.mean(away**2)))
        line = f"{gate.effect.name} is off by {effect:.3g}, allowed {gate.effect.bar:g}"
        complaints.append((effect / gate.effect.bar, line))
    worst, line = max(complaints)
    accepted = worst <= 1.0
    return Verdict(accepted, "" if accepted else line, relative, effect, effect_rms, worst)


def _relative(found: Sequence[Outputs], expected: Sequence[Outputs], name: str) -> float:
    """Largest error over the largest value; infinite where something is not finite."""
    away = max(float(np.abs(a[name].astype(np.float64) - b[name]).max()) for a, b in zip(found, expected, strict=True))
    scale = max(float(np.abs(b[name]).max()) for b in expected)
    return away / (scale or 1.0) if np.isfinite(away) else float("inf")
