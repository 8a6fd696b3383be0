"""Muscles and knee contact of a whole recorded trial: all frames in order, with times, peaks and flags."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from edge_runtime.biomech.frame_solvers import QUALITY, CompiledSolver, Frame, How, MyoSolver, frame_solver
from edge_runtime.biomech.model import DOFS, GRAVITY_MPS2
from edge_runtime.biomech.motion import Motion, from_trial, with_trunk
from edge_runtime.biomech.pipeline import FRAME_BUDGET_S
from edge_runtime.biomech.scaling import Segments
from edge_runtime.biomech.skeleton.playback import motion as compiled_motion
from edge_runtime.biomech.subject import Subject
from edge_runtime.biomech.trials import Trial
from edge_runtime.types import F64

RATE_HZ: Final = 60.0
"""The runtime's camera rate, to which trials are resampled."""
_STANCE_N: Final = 30.0
_SHORTEST_STANCE_S: Final = 0.15

Watch = Callable[[Iterable[int], int, str], Iterable[int]]


@dataclass(frozen=True, slots=True)
class Solved:
    """All frames of a trial: arrays [N, ...] with the names of their columns; `frame_s` [N] what each took."""

    name: str
    mass_kg: float
    motion: Motion
    muscles: tuple[str, ...]
    dofs: tuple[str, ...]
    moment_nm: F64
    activation: F64
    force_n: F64
    reserve_nm: F64
    contact_n: F64  # [N, side, (medial, lateral)]
    quality: dict[str, F64]
    frame_s: F64

    def stance_peaks_bw(self) -> F64:
        """[2, 2] largest total compression in the first and second half of stance, right and left, body weights: the
        mean over steps (NaN without a whole step)."""
        weight = self.mass_kg * GRAVITY_MPS2
        total = self.contact_n.sum(axis=2) / weight
        peaks = np.full((2, 2), np.nan)
        for side in range(2):
            found = [_two_peaks(total[a:b, side]) for a, b in self._steps(side)]
            if found:
                peaks[side] = np.mean(found, axis=0)
        return peaks

    def _steps(self, side: int) -> list[tuple[int, int]]:
        on = np.abs(self.motion.force_n[:, side, 1]) > _STANCE_N
        edges = np.diff(on.astype(int))
        starts, ends = np.flatnonzero(edges == 1) + 1, np.flatnonzero(edges == -1) + 1
        shortest = _SHORTEST_STANCE_S / (self.motion.time_s[1] - self.motion.time_s[0])
        pairs = [(int(a), int(ends[ends > a][0])) for a in starts if (ends > a).any()]
        return [(a, b) for a, b in pairs if b - a >= shortest]


def _two_peaks(total: F64) -> tuple[float, float]:
    half = len(total) // 2
    return float(total[:half].max()), float(total[half:].max())


def solve_trial(
    trial: Trial,
    model: str,
    subject: Subject,
    how: How,
    seconds: float | None,
    watch: Watch,
    clock_ns: Callable[[], int] = time.perf_counter_ns,
    segments: Segments | None = None,
) -> Solved:
    """Solve the first `seconds` (None: all) of `trial` at `RATE_HZ`; `watch` shows progress over the frames;
    `segments` scale a Myo model in place of stature.

    A frame that takes longer than `FRAME_BUDGET_S` by `clock_ns` is kept and flagged late. Raises UserError where
    trial, model and options do not fit together.
    """
    solver = frame_solver(model, subject, how, segments)
    motion = _motion(trial, solver)
    if seconds is not None:
        motion = motion.first(max(2, round(seconds * RATE_HZ)))
    solver.warm(motion)
    frames: list[Frame] = []
    spent = np.zeros(len(motion))
    for k in watch(range(len(motion)), len(motion), f"solving {trial.name}"):
        start_ns = clock_ns()
        frames.append(solver.step(motion, k))
        spent[k] = (clock_ns() - start_ns) * 1e-9
    quality = dict(zip(QUALITY, np.array([f.quality for f in frames]).T, strict=True))
    quality["late"] = (spent > FRAME_BUDGET_S).astype(float)
    return Solved(
        trial.name, subject.mass_kg, motion, solver.muscle_names, solver.solved_dofs,
        moment_nm=np.array([f.moment_nm for f in frames]), activation=np.array([f.activation for f in frames]),
        force_n=np.array([f.force_n for f in frames]), reserve_nm=np.array([f.reserve_nm for f in frames]),
        contact_n=np.array([f.contact_n for f in frames]), quality=quality, frame_s=spent,
    )  # fmt: skip


def _motion(trial: Trial, solver: MyoSolver | CompiledSolver) -> Motion:
    if isinstance(solver, CompiledSolver):
        q, qd, qdd = compiled_motion(solver.person, trial)
        return Motion(trial.time_s, q, qd, qdd, trial.force_n, trial.cop_m, trial.free_nm).at_rate(RATE_HZ)
    motion = from_trial(trial, solver.dofs, RATE_HZ)
    return with_trunk(motion, solver.leg, trial, RATE_HZ) if len(solver.dofs) > len(DOFS) else motion
