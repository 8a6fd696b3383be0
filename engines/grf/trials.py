"""Measured gait trials: the `.npz` convention read, checked and brought to the engine's units."""

from __future__ import annotations

import dataclasses
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from engines.errors import EngineError
from engines.grf.features import COORDINATES, F64, SIDES, Mask
from engines.grf.leg import ankles, leg_scale

GRAVITY: Final = 9.80665  # m/s², standard gravity (CGPM 1901)
CONTACT_N: Final = 30.0  # below this the data sets give no centre of pressure
_LENGTHS: Final = ("pelvis_tx", "pelvis_ty", "pelvis_tz")
_PLACES_ANKLE: Final = [i for i, name in enumerate(COORDINATES) if not name.startswith(("ankle", "hip_rotation"))]
_NEEDED: Final = (("hip_flexion_r", "knee_angle_r"), ("hip_flexion_l", "knee_angle_l"))
_BENT_DEG: Final = 25.0  # a knee that bends so far the wrong way has the other sign


@dataclass(frozen=True)
class Trial:
    """One trial in lab axes x forward, y up, z right.

    `t_s` [N], `q` [N, 16] rad and m, `force_bw` [N, 2, 3] in body weights, `cop_ankle_m` [N, 2, 3] centre of
    pressure minus ankle joint centre (NaN in swing), `valid` [N, 2] where a plate measured that foot. `observed`
    [N, 16] tells what of `q` was measured (the rest is zero); `notes` what was harmonized on reading.
    """

    data_set: str
    subject: str
    name: str
    mass_kg: float
    t_s: F64
    q: F64
    force_bw: F64
    cop_ankle_m: F64
    valid: Mask
    observed: Mask
    notes: tuple[str, ...] = ()


def make_trial(
    data_set: str,
    subject: str,
    name: str,
    mass_kg: float,
    t_s: F64,
    q: F64,
    force_n: F64,
    cop_m: F64,
    valid: Mask,
    observed: Mask | None = None,
) -> Trial:
    """A `Trial` from lab data: `q` [N, 16], `force_n` and `cop_m` [N, 2, 3], `valid` [N, 2]; all of `q` is taken as
    measured where `observed` [N, 16] is not given."""
    force_bw = force_n / (mass_kg * GRAVITY)
    known: Mask = np.ones(q.shape, dtype=np.bool_) if observed is None else observed
    placed: Mask = np.all(known[:, _PLACES_ANKLE], axis=1)
    scale = leg_scale(q, np.where(valid & placed[:, None], force_bw[:, :, 1], 0.0))
    absent = (force_n[:, :, 1] < CONTACT_N) | ~valid | ~placed[:, None]
    cop = np.where(absent[:, :, None], np.nan, cop_m - ankles(q, scale))
    return Trial(data_set, subject, name, mass_kg, t_s, q, force_bw, cop, valid, known)


def read_trial(path: Path) -> Trial:
    """The trial in `path`. Raises `EngineError` where the file cannot be read or breaks the convention."""
    try:
        with np.load(path, allow_pickle=False) as file:
            data = {key: file[key] for key in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise EngineError(f"{path}: not a readable .npz trial ({error}); copy the file again") from None
    missing = {"t", "q", "q_names", "mass_kg", *(f"grf_{s}" for s in SIDES)} - data.keys()
    if missing:
        raise EngineError(f"{path}: has no {', '.join(sorted(missing))}; see the .npz convention of the data README")
    return _checked(path, data)


def _checked(path: Path, data: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]) -> Trial:
    """The trial of the arrays in `data`, or an `EngineError` that names the array at fault."""
    names = [str(name) for name in data["q_names"]]
    if not any(set(leg) <= set(names) for leg in _NEEDED):
        raise EngineError(f"{path}: q_names lacks {', '.join(_NEEDED[0])}; the GRF engine needs OpenSim coordinates")
    t_s = np.asarray(data["t"], dtype=np.float64)
    n = len(t_s)
    nothing = np.full((n, 3), np.nan)
    arrays = {"q": data["q"]} | {f"grf_{s}": data[f"grf_{s}"] for s in SIDES}
    arrays |= {f"cop_{s}": data.get(f"cop_{s}", nothing) for s in SIDES}
    for key, array in arrays.items():
        if array.shape != (n, len(names) if key == "q" else 3):
            raise EngineError(f"{path}: {key} has shape {array.shape} for {n} times; expected one row per time")
    mass_kg = float(data["mass_kg"])
    if n < 2 or not np.all(np.diff(t_s) > 0.0) or not mass_kg > 0.0:
        raise EngineError(f"{path}: t must rise over at least two samples and mass_kg be positive")
    q, observed, notes = _coordinates(path, np.asarray(arrays["q"], dtype=np.float64), names)
    force = np.stack([arrays[f"grf_{s}"] for s in SIDES], axis=1).astype(np.float64)
    cop = np.stack([arrays[f"cop_{s}"] for s in SIDES], axis=1).astype(np.float64)
    seen = [np.asarray(data.get(f"valid_{s}", np.ones(n)), dtype=np.bool_) for s in SIDES]
    valid = np.stack(seen, axis=1) & np.isfinite(force).all(axis=2)
    _check_forces(path, force[valid])
    subject = str(data.get("subject", path.stem))
    trial = make_trial(path.parent.name, subject, path.stem, mass_kg, t_s, q, force, cop, valid, observed)
    return dataclasses.replace(trial, notes=notes)


def _coordinates(path: Path, given: F64, names: list[str]) -> tuple[F64, Mask, tuple[str, ...]]:
    """`q` [N, 16] in rad and m with zeros where nothing was measured, what was, and what was turned."""
    q, notes = np.full((len(given), len(COORDINATES)), np.nan), []
    for i, name in enumerate(COORDINATES):
        if name in names:
            q[:, i] = given[:, names.index(name)]
    for name in (f"knee_angle_{side}" for side in SIDES):
        knee = q[:, COORDINATES.index(name)]
        seen = knee[np.isfinite(knee)]
        if len(seen) and seen.min() < -_BENT_DEG:
            if seen.max() > _BENT_DEG:
                raise EngineError(f"{path}: {name} bends both ways; give flexion positive throughout")
            knee *= -1.0
            notes.append(f"{name}: sign turned, flexion was negative")
    q[:, [name not in _LENGTHS for name in COORDINATES]] *= np.pi / 180.0
    observed = np.isfinite(q)
    return np.where(observed, q, 0.0), observed, tuple(notes)


def _check_forces(path: Path, force_n: F64) -> None:
    """Refuse forces [N, 3] that do not point up along y, as of another lab's axes or of the foot on the ground."""
    total = force_n.sum(axis=0)
    if len(force_n) and total.any() and (total[1] <= 0.0 or total[1] < np.abs(total[[0, 2]]).max()):
        raise EngineError(f"{path}: forces do not point up along y; give x forward, y up, z right, ground on foot")


def find_trials(data_dir: Path) -> tuple[list[Path], list[Path]]:
    """`.npz` files under `data_dir`: those with joint coordinates and forces, and those without.

    Raises `EngineError` where the folder is missing or has no trial with joint coordinates.
    """
    if not data_dir.is_dir():
        raise EngineError(f"{data_dir}: no such folder; give --data a folder of .npz gait trials")
    trials: list[Path] = []
    others: list[Path] = []
    for path in sorted(data_dir.rglob("*.npz")):
        try:
            with zipfile.ZipFile(path) as archive:
                names = set(archive.namelist())
        except (OSError, zipfile.BadZipFile):
            names = {"q.npy", "grf_r.npy"}  # `read_trial` says what is wrong with it
        (trials if {"q.npy", "grf_r.npy"} <= names else others).append(path)
    if not trials:
        raise EngineError(f"{data_dir}: holds no .npz trial with joint coordinates and forces")
    return trials, others
