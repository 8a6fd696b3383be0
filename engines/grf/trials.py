"""Measured gait trials: the `.npz` convention read, checked and brought to the engine's units."""

from __future__ import annotations

import dataclasses
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from engines.errors import EngineError
from engines.grf.features import COORDINATES, F64, SIDES, Mask
from engines.grf.leg import ankles, leg_scale

GRAVITY: Final = 9.80665  # m/s², standard gravity (CGPM 1901)
CONTACT_N: Final = 30.0  # below this the data sets give no centre of pressure
_LENGTHS: Final = ("pelvis_tx", "pelvis_ty", "pelvis_tz")
_PLACES_ANKLE: Final = [i for i, name in enumerate(COORDINATES) if not name.startswith(("ankle", "hip_rotation"))]
_NEEDED: Final = (("hip_flexion_r", "knee_angle_r"), ("hip_flexion_l", "knee_angle_l"))
_JOINTS: Final = [i for i, name in enumerate(COORDINATES) if name[-2:] in ("_r", "_l")]
_KNEES: Final = [i for i, name in enumerate(COORDINATES) if name.startswith("knee")]
_BENT_DEG: Final = 25.0  # a knee that bends so far the wrong way has the other sign

# What no person and no lab gives, and a wrong unit does.
_MASS_KG: Final = (10.0, 300.0)
_STEP_S: Final = (1e-4, 0.2)  # between samples; a longer one is a gap to the engine
_JOINT_DEG: Final = 200.0
_STIFF_DEG: Final = 3.5  # knees that stay straighter while stepping are given in radians
_FAR_M: Final = 50.0  # of a centre of pressure from its ankle
_FAINT_N: Final = 10.0
_HEAVY_BW: Final = 20.0


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
        file = np.load(path, allow_pickle=False)
        if isinstance(file, np.ndarray):
            raise ValueError("one array, not an archive of them")
        with file:
            data = {key: file[key] for key in file.files}
    except (OSError, ValueError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise EngineError(f"{path}: not a readable .npz trial ({error}); copy the file again") from None
    missing = {"t", "q", "q_names", "mass_kg", *(f"grf_{s}" for s in SIDES)} - data.keys()
    if missing:
        raise EngineError(f"{path}: has no {', '.join(sorted(missing))}; see the .npz convention of the data README")
    return _checked(path, data)


def _checked(path: Path, data: dict[str, np.ndarray[Any, Any]]) -> Trial:
    """The trial of the arrays in `data`, or an `EngineError` that names the array at fault."""
    names = [str(name) for name in np.atleast_1d(data["q_names"])]
    if not any(set(leg) <= set(names) for leg in _NEEDED):
        raise EngineError(f"{path}: q_names lacks {', '.join(_NEEDED[0])}; the GRF engine needs OpenSim coordinates")
    t_s, mass_kg = _times(path, data), _mass_kg(path, data)
    n = len(t_s)
    optional = {f"cop_{s}": np.full((n, 3), np.nan) for s in SIDES} | {f"valid_{s}": np.ones(n) for s in SIDES}
    arrays = {key: _numbers(path, optional | data, key) for key in ("q", *(f"grf_{s}" for s in SIDES), *optional)}
    for key, array in arrays.items():
        expected = {"q": (n, len(names))}.get(key, (n,) if key.startswith("valid") else (n, 3))
        if array.shape != expected:
            raise EngineError(f"{path}: {key} has shape {array.shape} for {n} times; expected one row per time")
    q, observed, notes = _coordinates(path, arrays["q"], names)
    force, cop = (np.stack([arrays[f"{key}_{s}"] for s in SIDES], axis=1) for key in ("grf", "cop"))
    seen = np.stack([arrays[f"valid_{s}"] > 0.0 for s in SIDES], axis=1)
    valid = seen & np.isfinite(force).all(axis=2)
    _check_forces(path, force[valid])
    subject = str(data.get("subject", path.stem))
    trial = make_trial(path.parent.name, subject, path.stem, mass_kg, t_s, q, force, cop, valid, observed)
    _check_units(path, trial)
    return dataclasses.replace(trial, notes=notes)


def _numbers(path: Path, data: dict[str, np.ndarray[Any, Any]], key: str) -> F64:
    array = np.asarray(data[key])
    if array.dtype.kind not in "biuf":
        raise EngineError(f"{path}: {key} holds {array.dtype}; give numbers")
    return array.astype(np.float64)


def _times(path: Path, data: dict[str, np.ndarray[Any, Any]]) -> F64:
    t_s = _numbers(path, data, "t")
    if t_s.ndim != 1 or len(t_s) < 2 or not np.isfinite(t_s).all() or not (np.diff(t_s) > 0.0).all():
        raise EngineError(f"{path}: t must rise over at least two samples, one number each")
    step_s = float(np.median(np.diff(t_s)))
    if not _STEP_S[0] <= step_s <= _STEP_S[1]:
        raise EngineError(f"{path}: samples lie {step_s:.3g} s apart; give t in seconds, 5 samples per second or more")
    return t_s


def _mass_kg(path: Path, data: dict[str, np.ndarray[Any, Any]]) -> float:
    mass = _numbers(path, data, "mass_kg")
    if mass.size != 1 or not _MASS_KG[0] <= mass.item() <= _MASS_KG[1]:
        raise EngineError(f"{path}: mass_kg must be the mass of one person in kg")
    return mass.item()


def _check_units(path: Path, trial: Trial) -> None:
    """Refuse what only a wrong unit explains: straight knees of a walking person, joints that turn right round, forces
    of jumps from a roof, a centre of pressure far away."""
    angles = np.degrees(np.where(trial.observed, np.abs(trial.q), 0.0)).max(axis=0)
    if (widest := float(angles[_JOINTS].max())) > _JOINT_DEG:
        raise EngineError(f"{path}: joints of the legs turn by {widest:.3g}°; give degrees")
    load = np.where(trial.valid, trial.force_bw[:, :, 1], np.nan)
    if np.nanmax(load, initial=0.0) > _HEAVY_BW:
        raise EngineError(f"{path}: forces of {np.nanmax(load):.3g} body weights; give grf in N and mass_kg in kg")
    if not trial.observed[:, _KNEES].any():
        raise EngineError(f"{path}: q holds no finite knee angle; give OpenSim coordinates")
    if ((load > 0.6).any(axis=0) & (load < 0.05).any(axis=0)).any() and float(angles[_KNEES].max()) < _STIFF_DEG:
        raise EngineError(
            f"{path}: the feet step, but no knee bends by {_STIFF_DEG}°; give angles in degrees, not radians"
        )
    away_m = np.abs(trial.cop_ankle_m[np.isfinite(trial.cop_ankle_m)])
    if len(away_m) and float(np.median(away_m)) > _FAR_M:
        raise EngineError(f"{path}: centre of pressure {np.median(away_m):.3g} m from the ankle; give cop in m")


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
    """Refuse forces [N, 3] that do not point up along y, as of another lab's axes or of the foot on the ground, and
    those in body weights."""
    if len(force_n) and 0.0 < np.abs(force_n).max() < _FAINT_N:
        raise EngineError(f"{path}: no force reaches {_FAINT_N:.0f} N; give grf in N, not in body weights")
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
