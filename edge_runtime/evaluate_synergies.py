"""`evaluate synergies`: patterns from one half of a trial on the other, per leg, and the moment that they miss."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from edge_runtime.biomech.frame_solvers import How, MyoSolver, frame_solver
from edge_runtime.biomech.motion import from_trial
from edge_runtime.biomech.solve_offline import RATE_HZ
from edge_runtime.biomech.subject import subject_of
from edge_runtime.biomech.synergies import SynergySolver, factorize, project, vaf
from edge_runtime.biomech.trials import Trial, find_trials, read_trial
from edge_runtime.errors import UserError
from edge_runtime.progress import progress
from edge_runtime.stats import host_block
from edge_runtime.types import F64, SIDES

COUNTS: Final = (5, 6, 7, 8)
MIN_SECONDS: Final = 4.0
"""Shorter trials have not two gait cycles for each half."""
EASE_NM2: Final = 0.01


def evaluate(source: Path, height_m: float | None, seconds: float | None) -> dict[str, Any]:
    """Every trial of at least `MIN_SECONDS` under `source`. Raises UserError where none is."""
    per_trial, left_out = {}, []
    for path in find_trials(source):
        try:
            per_trial[path.stem if path.suffix == ".npz" else path.parent.name] = _trial(
                read_trial(path), height_m, seconds
            )
        except UserError as error:
            left_out.append(str(error))
    if not per_trial:
        raise UserError(f"{source}: no trial could be used; " + "; ".join(left_out[:3]))
    return {"trials": len(per_trial), "overall": _overall(per_trial), "per_trial": per_trial, "left_out": left_out} | (
        host_block()
    )


def _trial(trial: Trial, height_m: float | None, seconds: float | None) -> dict[str, Any]:
    length = len(trial.time_s) / trial.rate_hz
    if length < MIN_SECONDS:
        raise UserError(f"trial {trial.name}: lasts {length:.1f} s; give at least {MIN_SECONDS:.0f} s")
    solver = frame_solver("myolegs", subject_of(trial, height_m, None), How())
    assert isinstance(solver, MyoSolver)
    activation, arms, moments = _solved(trial, solver, seconds)
    legs = {}
    for side in SIDES:
        muscles = np.array([i for i, name in enumerate(solver.muscle_names) if name.endswith(f"_{side}")])
        dofs = np.array([i for i, name in enumerate(solver.solved_dofs) if name.endswith(f"_{side}")])
        names = [solver.solved_dofs[i] for i in dofs]
        leg = (activation[:, muscles], arms[:, muscles][:, :, dofs], moments[:, dofs])
        legs[side] = {str(count): _held_out(*leg, names, count) for count in COUNTS}
    return {"frames": len(activation), "legs": legs}


def _solved(trial: Trial, solver: MyoSolver, seconds: float | None) -> tuple[F64, F64, F64]:
    """Activations [N, n], moments at full activation [N, n, m] and what they balance [N, m] of the unbound solve."""
    motion = from_trial(trial, solver.dofs, RATE_HZ)
    if seconds is not None:
        motion = motion.first(max(2, round(seconds * RATE_HZ)))
    solver.warm(motion)
    activation, arms, moments = [], [], []
    for k in progress(range(len(motion)), len(motion), f"solving {trial.name}"):
        frame = solver.step(motion, k)
        arm, target = solver.problem()
        activation.append(frame.activation)
        arms.append(arm.copy())
        moments.append(target)
    return np.array(activation), np.array(arms), np.array(moments)


def _held_out(activation: F64, arm: F64, moment: F64, names: list[str], count: int) -> dict[str, Any]:
    """Patterns from the first half; how well they rebuild the second, and what a solve bound to them misses there."""
    half = len(activation) // 2
    seen, held = activation[:half], activation[half:]
    w = factorize(seen, count)
    solver = SynergySolver(w, np.full(len(names), EASE_NM2))
    missed = np.array([solver.solve(arm[k], moment[k]).reserve_nm for k in range(half, len(activation))])
    rms, needed = np.sqrt(np.mean(missed**2, axis=0)), np.sqrt(np.mean(moment[half:] ** 2, axis=0))
    return {
        "vaf": vaf(held, project(held, w)),
        "vaf_first_half": vaf(seen, project(seen, w)),
        "tau_res_rms_nm": dict(zip(names, rms.tolist(), strict=True)),
        "tau_res_share": float(np.sqrt((missed**2).sum() / (moment[half:] ** 2).sum())),
        "tau_rms_nm": dict(zip(names, needed.tolist(), strict=True)),
    }


def _overall(per_trial: dict[str, Any]) -> dict[str, Any]:
    """Mean over trials and legs, by number of synergies."""
    found: dict[str, Any] = {}
    for count in map(str, COUNTS):
        blocks = [leg[count] for trial in per_trial.values() for leg in trial["legs"].values()]
        missed = np.array([list(b["tau_res_rms_nm"].values()) for b in blocks])
        found[count] = {
            "vaf": float(np.mean([b["vaf"] for b in blocks])),
            "vaf_worst": float(min(b["vaf"] for b in blocks)),
            "tau_res_rms_nm": float(np.sqrt(np.mean(missed**2))),
            "tau_res_share": float(np.mean([b["tau_res_share"] for b in blocks])),
        }
    return found
