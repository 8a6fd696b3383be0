"""A recorded trial solved by any model, column by column, for comparison with references."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_runtime.biomech.frame_solvers import Frame, MyoSolver
from edge_runtime.biomech.model import LegModel
from edge_runtime.biomech.motion import from_trial
from edge_runtime.biomech.muscle_solve import Power
from edge_runtime.biomech.muscles import PassiveForce
from edge_runtime.biomech.pipeline import FRAME_BUDGET_S, Biomechanics
from edge_runtime.biomech.skeleton.person import Options, Person
from edge_runtime.biomech.skeleton.playback import play
from edge_runtime.biomech.trials import Trial
from edge_runtime.types import F64, SIDES


@dataclass(frozen=True, slots=True)
class Outcome:
    """{name: [N]} at the trial's times: `moment_nm` by coordinate, `activation` by muscle, `reserve_nm` by coordinate,
    `knee_n` compression (`r`, `medial_r` ...); `frame_us` [N]; `flags` of the solves; distance of the contact points
    `spacing_m`."""

    moment_nm: dict[str, F64]
    activation: dict[str, F64]
    reserve_nm: dict[str, F64]
    knee_n: dict[str, F64]
    frame_us: F64
    flags: dict[str, Any]
    spacing_m: float


def of_compiled(person: Person, trial: Trial, cutoff_hz: float) -> Outcome:
    """With a compiled OpenSim model."""
    played = play(person, trial, cutoff_hz)
    frames, names = played.frames, person.names
    free = set(range(len(names.coordinates))) - set(person.skeleton.tree.coupled.tolist())
    moment = _columns(np.stack([f.moment_nm for f in frames]), names.coordinates)
    knee = {}
    for side, name in enumerate(SIDES):
        knees = [f.knees for f in frames]
        knee[name] = np.array([-k.force_n[side, 1] for k in knees])
        knee[f"medial_{name}"] = np.array([k.medial_n[side] for k in knees])
        knee[f"lateral_{name}"] = np.array([k.lateral_n[side] for k in knees])
    flags = {
        "not_converged": sum(not f.converged for f in frames),
        "capped": sum(f.capped for f in frames),
        "late": int(np.sum(played.frame_us > FRAME_BUDGET_S * 1e6)),
        "saturated_share": float(np.mean([f.saturated for f in frames])),
        "iterations_max": max(f.iterations for f in frames),
        "gradient_max_nm": max(f.gradient_nm for f in frames),
    }
    return Outcome(
        {name: moment[name] for i, name in enumerate(names.coordinates) if i in free},
        _columns(np.stack([f.activation for f in frames]), names.muscles),
        _columns(np.stack([f.reserve_nm for f in frames]), person.solved),
        knee, played.frame_us, flags, person.plateau.medial_m + person.plateau.lateral_m,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class MyoHow:
    """How MyoLegs solves: exponent of activation, passive force, low-pass of motion in Hz."""

    power: Power
    passive: PassiveForce
    cutoff_hz: float

    @staticmethod
    def of(options: Options, cutoff_hz: float) -> MyoHow:
        """As a compiled model with `options` would."""
        return MyoHow(options.power, options.passive, cutoff_hz)


def of_myolegs(leg: LegModel, trial: Trial, how: MyoHow, spacing_m: float) -> Outcome:
    """With MyoLegs; `leg` is in use from here on."""
    solver = MyoSolver(leg, Biomechanics(leg, how.power, passive=how.passive))
    motion = from_trial(trial, solver.dofs, cutoff_hz=how.cutoff_hz)
    solver.warm(motion)
    frames: list[Frame] = []
    spent = np.zeros(len(motion))
    for k in range(len(motion)):
        began = time.perf_counter_ns()
        frames.append(solver.step(motion, k))
        spent[k] = (time.perf_counter_ns() - began) * 1e-3
    contact = np.stack([f.contact_n for f in frames])
    knee = {}
    for side, name in enumerate(SIDES):
        knee[f"medial_{name}"], knee[f"lateral_{name}"] = contact[:, side, 0], contact[:, side, 1]
        knee[name] = contact[:, side].sum(axis=1)
    gradient, iterations, converged, saturated, capped = np.array([f.quality for f in frames]).T
    flags = {
        "not_converged": int(np.sum(converged == 0.0)), "saturated_share": float(np.mean(saturated > 0.0)),
        "capped": int(capped.sum()), "late": int(np.sum(spent > FRAME_BUDGET_S * 1e6)),
        "iterations_max": int(iterations.max()), "gradient_max_nm": float(gradient.max()),
    }  # fmt: skip
    return Outcome(
        _columns(np.stack([f.moment_nm for f in frames]), solver.solved_dofs),
        _columns(np.stack([f.activation for f in frames]), solver.muscle_names),
        _columns(np.stack([f.reserve_nm for f in frames]), solver.solved_dofs),
        knee, spent, flags, spacing_m,
    )  # fmt: skip


def _columns(values: F64, names: tuple[str, ...]) -> dict[str, F64]:
    return {name: values[:, i] for i, name in enumerate(names)}
