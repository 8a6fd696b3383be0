"""A recorded trial through a compiled model: every frame in order, motion filtered without phase shift."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edge_runtime.biomech.skeleton.loads import Push
from edge_runtime.biomech.skeleton.person import Person, PersonFrame
from edge_runtime.biomech.trials import Trial
from edge_runtime.biomech.zero_phase import CUTOFF_HZ, derivatives, low_pass
from edge_runtime.types import F64, SIDES

WARM_FRAMES = 3  # the first compile, and fill caches; they are played again


@dataclass(frozen=True, slots=True)
class Played:
    """All frames of a trial with what each took, µs [N]."""

    frames: list[PersonFrame]
    frame_us: F64


def motion(person: Person, trial: Trial, cutoff_hz: float = CUTOFF_HZ) -> tuple[F64, F64, F64]:
    """Coordinates with both derivatives [N, C] in `person.names` order; what the trial lacks stays at its default.

    Knees bend one way only: where the trial's median knee angle has the other sign than the model counts flexion in, it
    is turned over.
    """
    q = np.tile(person.skeleton.tree.neutral, (len(trial.time_s), 1))
    for i, name in enumerate(trial.coordinates):
        if name in person.names.coordinates:
            q[:, person.names.coordinates.index(name)] = trial.q[:, i]
    for side, sign in zip(SIDES, person.flexion_sign(), strict=True):
        knee = person.names.coordinates.index(f"knee_angle_{side}")
        if np.median(q[:, knee]) * sign < 0.0:
            q[:, knee] = -q[:, knee]
    smooth = low_pass(q, trial.rate_hz, cutoff_hz)
    return (smooth, *derivatives(smooth, trial.rate_hz))


def play(
    person: Person,
    trial: Trial,
    cutoff_hz: float = CUTOFF_HZ,
    clock_ns: Callable[[], int] = time.perf_counter_ns,
) -> Played:
    """Every frame of `trial`, from a cold start, timed by `clock_ns`. The exoskeleton gives nothing."""
    q, qd, qdd = motion(person, trial, cutoff_hz)
    exo = np.zeros(len(SIDES))
    pushes = [Push(trial.force_n[k], trial.cop_m[k], trial.free_nm[k], exo) for k in range(len(q))]
    for k in range(WARM_FRAMES):
        person.step(q[k], qd[k], qdd[k], pushes[k])
    person.reset()
    frames, took = [], np.zeros(len(q))
    for k, push in enumerate(pushes):
        began = clock_ns()
        frames.append(person.step(q[k], qd[k], qdd[k], push))
        took[k] = (clock_ns() - began) * 1e-3
    return Played(frames, took)
