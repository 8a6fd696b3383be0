"""Training material of the GRF network: trials on the grid, split by person, roughened like video pose."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from engines.errors import EngineError
from engines.grf.features import (
    BASE,
    COORDINATES,
    F64,
    GRID_S,
    HISTORY,
    SIDES,
    Mask,
    base_channels,
    features,
    mask_from,
    outward,
    seen_from,
)
from engines.grf.trials import CONTACT_N, GRAVITY, Trial, find_trials, make_trial, read_trial

F32 = np.typing.NDArray[np.float32]
FOLDS: Final = 5
RUN, WALK, EXTRA = "rbds_run", "schreiber2019_walk", "extra_walk"
SHARE: Final = {RUN: 0.45, WALK: 0.40, EXTRA: 0.15}
"""How often a training sequence comes from each set."""

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

_LEAD: Final = HISTORY - 1
_DEG: Final = np.pi / 180.0
_ANGLES: Final = 11
_FRONTAL: Final = slice(7, 11)
# Video pose after a filter, standard deviations at full strength: white, slow (knots 0.12 s apart), constant.
_WHITE: Final = np.array([0.6 * _DEG, *[1.0 * _DEG] * 6, *[1.0 * _DEG] * 4, 0.002, 0.004, 0.004])
_SLOW: Final = np.array([1.5 * _DEG, *[3.0 * _DEG] * 6, *[2.0 * _DEG] * 4, 0.006, 0.015, 0.015])
_CONSTANT: Final = np.array([4.0 * _DEG, *[4.0 * _DEG] * 6, *[3.0 * _DEG] * 4, 0.0, 0.0, 0.0])
_PLACEMENT: Final = np.array([1.0 * _DEG, *[0.8 * _DEG] * 6, *[0.8 * _DEG] * 4, 0.0, 0.0, 0.0])
_KNOT_STEPS: Final = 12
_SIZES: Final = (0.82, 0.88, 0.94, 1.06, 1.12, 1.18)
_RESIZED: Final = 0.5
"""Share of sequences from a person made taller or shorter."""

_EXACT: Final = 0.55
"""Share of sequences as a laboratory measures them; the others lack the frontal plane, as one camera does."""

_EXACT_SIDE_VIEW: Final = 0.25
"""Share of the sequences without frontal plane that are exact all the same."""


@dataclass(frozen=True)
class Sequence:
    """A trial on the grid: `base` [14, T]; `force_bw`, `cop_m` [T, 2, 3]; `scored` [T, 2] on measured samples."""

    base: F64
    force_bw: F64
    cop_m: F64
    contact: Mask
    scored: Mask
    real: Mask


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
    folds = {}
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
    scored = trial.valid[nearest] & real[:, None]
    force = trial.force_bw[nearest]
    contact = force[:, :, 1] * trial.mass_kg * GRAVITY > CONTACT_N
    return Sequence(on_grid, force, trial.cop_ankle_m[nearest], contact, scored, real)


@dataclass(frozen=True)
class Batch:
    """Input `x` [2B, 62 + L, FEATURES] and targets of both feet, z outward: [2B, L, 3], `contact`, `scored` [2B, L]."""

    x: F32
    force_bw: F32
    cop_m: F32
    contact: F32
    scored: F32


class Sampler:
    """Draws training batches of `length` outputs from trials, a third of the sequences roughened like video."""

    def __init__(self, trials: list[Trial], rng: np.random.Generator, length: int) -> None:
        self._rng, self._length = rng, length
        self._pools: dict[str, list[list[list[Sequence]]]] = {}
        for trial in trials:
            resized = [similar(trial, size) for size in _SIZES]
            variants = [sequences(trial), [on_grid for other in resized for on_grid in sequences(other)]]
            self._pools.setdefault(trial.data_set, []).append(variants)
        shares = np.array([SHARE[name] for name in self._pools])
        self._shares = shares / shares.sum()

    def batch(self, size: int) -> Batch:
        """`size` sequences, each seen from both feet."""
        picks = [self._crop() for _ in range(size)]
        base = np.stack([p[0] for p in picks])
        mask = np.stack([p[1] for p in picks])
        both = [features(seen_from(s, base), mask_from(s, mask)) for s in SIDES]
        force, cop, contact, scored = (np.stack([p[i] for p in picks], axis=1) for i in range(2, 6))

        def feet(array: F64) -> F32:  # [L, B, 2, ...] → [2B, L, ...], right feet first
            return np.concatenate([array[:, :, i].swapaxes(0, 1) for i in (0, 1)]).astype(np.float32)

        sign = np.stack([outward(s) for s in SIDES])
        return Batch(np.concatenate(both), feet(force * sign), feet(cop * sign), feet(contact), feet(scored))

    def _crop(self) -> tuple[F64, Mask, F64, F64, Mask, Mask]:
        rng = self._rng
        pool = self._pools[str(rng.choice(list(self._pools), p=self._shares))]
        as_measured, resized = pool[rng.integers(len(pool))]
        variants = resized if rng.random() < _RESIZED else as_measured
        seq = variants[rng.integers(len(variants))]
        total = seq.base.shape[1]
        start = int(rng.integers(max(total - self._length, 0) + 1))
        at = np.arange(start, start + self._length)
        inside = (at < total)[:, None]
        at = np.minimum(at, total - 1)
        lead = np.maximum(np.arange(start - _LEAD, start), 0)
        if rng.random() < 0.15:  # as if the engine had just started
            lead = np.maximum(lead, start - rng.integers(30))
        index = np.concatenate((lead, at))
        base, mask, kept = self._roughen(seq.base[:, index], seq.real[index])
        scored = seq.scored[at] & inside & kept[_LEAD:, None]
        return base, mask, seq.force_bw[at], seq.cop_m[at], seq.contact[at], scored

    def _roughen(self, base: F64, real: Mask) -> tuple[F64, Mask, Mask]:
        """`base` [14, T] with noise and gaps, what of it is observed, and which samples are camera frames."""
        rng = self._rng
        mask = np.ones(base.shape, dtype=np.bool_)
        steps = base.shape[1]
        base = base + (rng.normal(size=len(BASE)) * _PLACEMENT)[:, None]
        if rng.random() < _EXACT:
            if rng.random() < 0.5:
                self._hide(mask, 0.0, 0.3, 0.3, 0.3, 0.04)
            return base, mask, real
        strength = rng.uniform(0.1, 1.0)
        knots = rng.normal(size=(len(BASE), steps // _KNOT_STEPS + 2))
        at = np.arange(steps) / _KNOT_STEPS + rng.random()
        slow = np.stack([np.interp(at, np.arange(knots.shape[1]), row) for row in knots])
        noise = (
            slow * _SLOW[:, None]
            + rng.normal(size=base.shape) * _WHITE[:, None]
            + (rng.normal(size=len(BASE)) * _CONSTANT)[:, None]
        )
        self._hide(mask, 1.0, 0.3, 0.6, 1.0, 0.12)
        if rng.random() < _EXACT_SIDE_VIEW:
            return base, mask, real
        kept = self._frames(real)
        base = base + strength * noise
        shown = np.flatnonzero(kept)
        base = np.stack([np.interp(np.arange(steps), shown, row[shown]) for row in base])
        return base, mask, kept

    def _frames(self, real: Mask) -> Mask:
        """A random subset of the real samples, 30 to 60 a second, as a camera would take them."""
        kept = np.zeros_like(real)
        gap = self._rng.uniform(1.6, 3.4)
        due = self._rng.uniform(0.0, gap)
        for i in np.flatnonzero(real):
            if i >= due:
                kept[i] = True
                due = max(due + gap, i + 0.5)
        return kept

    def _hide(self, mask: Mask, frontal: float, ty: float, tx: float, tz: float, leg: float) -> None:
        """Take channel groups out of `mask` with these probabilities; a leg goes for part of the window or all of it."""
        rng, steps = self._rng, mask.shape[1]
        for rows, chance in (
            (_FRONTAL, frontal),
            (BASE.index("ty"), ty),
            (BASE.index("tx"), tx),
            (BASE.index("tz"), tz),
        ):
            if rng.random() < chance:
                mask[rows] = False
        if rng.random() < leg:
            first = 1 + 3 * int(rng.integers(2)) + int(rng.integers(3))  # from thigh, shank or foot downwards
            last = 4 if first < 4 else 7
            a = int(rng.integers(-steps, steps))
            mask[first:last, max(a, 0) : max(a + int(rng.integers(10, 2 * steps)), 0)] = False
