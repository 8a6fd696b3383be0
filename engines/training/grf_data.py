"""Training material of the GRF network: trials read, resized, split by person, put on the grid."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from engines.errors import EngineError
from engines.grf.features import COORDINATES, F64, GRID_S, Mask, base_channels
from engines.grf.timing import SHIFTS_S
from engines.grf.trials import CONTACT_N, GRAVITY, Trial, find_trials, make_trial, read_trial

FOLDS: Final = 5
RUN, WALK, EXTRA, STAND = "rbds_run", "schreiber2019_walk", "extra_walk", "standing"
KINDS: Final = ("walking", "running", "standing")
_DEG: Final = np.pi / 180.0
_EXTRA: Final = (
    # folder, motion, forces, prefixes of the right and left force columns, mass of the scaled .osim, kg
    ("opensim_core_walk", "coordinates.sto", "grf_walk.mot", ("ground_force_r_", "ground_force_l_"), 85.2698),
    (
        "treadmill_walk_60s",
        "results_ik.sto",
        "walking_baseline1_forces.mot",
        ("ground_force_", "1_ground_force_"),
        86.04,
    ),
)


@dataclass(frozen=True)
class Sequence:
    """A trial on the grid: `base` [BASE, T]; `force_bw` [T, 2, times, 3], `contact` [T, 2, times] at `SHIFTS_S`.

    `cop_m` [T, 2, 3]; `scored` [T, 2] on measured samples.

    `kind` of motion: index into `KINDS`."""

    base: F64
    force_bw: F64
    cop_m: F64
    contact: Mask
    scored: Mask
    real: Mask
    kind: int


def read_table(path: Path) -> tuple[list[str], F64, bool]:
    """Column names, values [N, columns] and whether angles are in degrees, of an OpenSim .sto or .mot file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        head = next(i for i, line in enumerate(lines) if line.strip() == "endheader")
        rows = [line.split() for line in lines[head + 2 :] if line.strip()]
        return lines[head + 1].split(), np.array(rows, dtype=np.float64), "inDegrees=yes" in lines[:head]
    except (OSError, StopIteration, ValueError) as error:
        raise EngineError(f"{path}: not a readable OpenSim table ({error}); copy the file again") from None


def _extra_trial(
    data_dir: Path, folder: str, motion: str, forces: str, prefixes: tuple[str, str], mass_kg: float
) -> Trial:
    """One OpenSim walking trial, its forces brought to the times of its coordinates (at most 100 Hz)."""
    names, table, degrees = read_table(data_dir / folder / motion)
    short = [name.removesuffix("/value").split("/")[-1] for name in names]
    step = max(1, round(GRID_S / (table[1, 0] - table[0, 0])))
    t_s, table = table[::step, 0], table[::step]
    q = table[:, [short.index(name) for name in COORDINATES]].copy()
    if degrees:
        q[:, [not name.startswith("pelvis_t") or name == "pelvis_tilt" for name in COORDINATES]] *= _DEG
    force_names, force_table, _ = read_table(data_dir / folder / forces)

    def columns(kind: str) -> F64:
        ids = [[force_names.index(f"{p}{kind}{axis}") for axis in "xyz"] for p in prefixes]
        return np.stack(
            [[np.interp(t_s, force_table[:, 0], force_table[:, i]) for i in foot] for foot in ids]
        ).transpose(2, 0, 1)

    valid = np.ones((len(t_s), 2), dtype=np.bool_)
    return make_trial(EXTRA, folder, folder, mass_kg, t_s, q, columns("v"), columns("p"), valid)


def load_trials(data_dir: Path) -> list[Trial]:
    """All trials that may train what ships, under `data_dir`. Raises `EngineError` where a set is missing."""
    trials = []
    for name in (RUN, WALK):
        found, _ = find_trials(data_dir / name)
        trials += [read_trial(path) for path in found]
    return trials + [_extra_trial(data_dir, *entry) for entry in _EXTRA]


def fold_of(trials: list[Trial]) -> dict[str, int]:
    """Fold of each person of the two large sets: every fifth of the sorted names, the same rule for both."""
    folds: dict[str, int] = {}
    for name in (RUN, WALK):
        people = sorted({trial.subject for trial in trials if trial.data_set == name})
        folds |= {person: i % FOLDS for i, person in enumerate(people)}
    return folds


def similar(trial: Trial, size: float) -> Trial:
    """The trial as a person `size` times as tall would do it: dynamically similar (Alexander & Jayes 1983).

    Same angles and forces in body weights, lengths times `size`, times times its root; at most 100 samples a second.
    """
    slow = float(np.sqrt(size))
    dt_s = GRID_S * max(1, round(float(np.median(np.diff(trial.t_s))) / GRID_S))
    old_s = trial.t_s - trial.t_s[0]
    t_s = np.arange(0.0, old_s[-1] * slow, dt_s)
    at_s = t_s / slow

    def resample(array: F64) -> F64:
        flat = array.reshape(len(old_s), -1).T
        return np.stack([np.interp(at_s, old_s, row) for row in flat], axis=1).reshape(-1, *array.shape[1:])

    q = resample(trial.q)
    q[:, [name in ("pelvis_tx", "pelvis_ty", "pelvis_tz") for name in COORDINATES]] *= size
    valid = resample(trial.valid.astype(np.float64)) == 1.0
    force, cop = resample(trial.force_bw), size * resample(trial.cop_ankle_m)
    return dataclasses.replace(trial, t_s=t_s, q=q, force_bw=force, cop_ankle_m=cop, valid=valid)


def sequences(trial: Trial) -> list[Sequence]:
    """The trial on every grid of `GRID_S` that starts on one of its samples and differs from the others."""
    dt = float(np.median(np.diff(trial.t_s)))
    starts: dict[int, int] = {}
    for i in range(round(10 * GRID_S / dt)):
        starts.setdefault(round(i * dt / GRID_S * 1000) % 1000, i)
    return [_on_grid_from(trial, first, dt) for first in starts.values()]


def _on_grid_from(trial: Trial, first: int, dt: float) -> Sequence:
    t_s = np.arange(trial.t_s[first], trial.t_s[-1] + 1e-9, GRID_S)
    nearest = np.clip(np.round((t_s - trial.t_s[0]) / dt).astype(int), 0, len(trial.t_s) - 1)
    real = np.abs(trial.t_s[nearest] - t_s) < 0.05 * dt
    base = base_channels(trial.q)
    on_grid = np.stack([np.interp(t_s, trial.t_s, column) for column in base.T])
    force, valid = _around(trial, t_s)
    scored = valid & trial.valid[nearest] & real[:, None]
    contact = force[..., 1] * trial.mass_kg * GRAVITY > CONTACT_N
    kind = {RUN: 1, STAND: 2}.get(trial.data_set, 0)
    return Sequence(on_grid, force, trial.cop_ankle_m[nearest], contact, scored, real, kind)


def _around(trial: Trial, t_s: F64) -> tuple[F64, Mask]:
    """Forces [T, 2, times, 3] at `t_s` and `SHIFTS_S` from it, and where a plate measured all of them: [T, 2]."""
    forces, valid = [], np.ones((len(t_s), 2), dtype=np.bool_)
    for shift_s in SHIFTS_S:
        flat = trial.force_bw.reshape(len(trial.t_s), 6).T
        there = np.stack([np.interp(t_s + shift_s, trial.t_s, row) for row in flat], axis=1)
        forces.append(there.reshape(-1, 2, 3))
        seen = [np.interp(t_s + shift_s, trial.t_s, trial.valid[:, foot].astype(np.float64)) for foot in (0, 1)]
        valid &= np.stack(seen, axis=1) > 1.0 - 1e-9
    return np.stack(forces, axis=2), valid
