"""Recorded trials with joint coordinates, from OpenSim tables and `.npz` files, in one shape and in SI."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_runtime.biomech.tables import SUFFIXES, column_names, read_table
from edge_runtime.biomech.trial_tables import closest, kind_of, leaf, read_feet
from edge_runtime.errors import UserError
from edge_runtime.types import F64, SIDES

LOADED_N: Final = 30.0  # below it measured centres of pressure mean nothing, as the data sets state
_UNEVEN: Final = 1e-3  # of a sampling period


@dataclass(frozen=True, slots=True)
class References:
    """What others computed or measured for the trial, each {name: [N]} at its times, NaN where there is nothing."""

    moment_nm: dict[str, F64] = field(default_factory=dict)  # by coordinate; N for translations
    activation: dict[str, F64] = field(default_factory=dict)  # by muscle, of another static optimization
    emg: dict[str, F64] = field(default_factory=dict)  # by muscle, envelope, any scale
    knee_n: dict[str, F64] = field(default_factory=dict)  # axial compression: r, l; medial_r ... lateral_l


@dataclass(frozen=True, slots=True)
class Stated:
    """What a trial says of its person's size: stature, hip to knee, knee to ankle, hip to hip (m); None: not said."""

    height_m: float | None = None
    thigh_m: float | None = None
    shank_m: float | None = None
    hips_m: float | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial, axes x forward, y up, z right; sides in `SIDES` order. Nothing is filtered.

    `time_s` [N] evenly spaced; `q` [N, C] in rad and m, named in `coordinates`, with the signs of their source
    (`.npz`: knee flexion positive); `force_n`, `cop_m` and free moment `free_nm` [N, 2, 3] on each foot in the
    ground's axes, `cop_m` zero where the foot carries nothing; `seen` [N, 2] where a plate measured the foot.
    `model` is the `.osim` beside it, `stated` what it says of its person's size.
    """

    name: str
    time_s: F64
    coordinates: tuple[str, ...]
    q: F64
    force_n: F64
    cop_m: F64
    free_nm: F64
    seen: npt.NDArray[np.bool_]
    mass_kg: float | None
    model: Path | None
    references: References
    stated: Stated = Stated()

    @property
    def rate_hz(self) -> float:
        """Samples per second."""
        return (len(self.time_s) - 1) / float(self.time_s[-1] - self.time_s[0])


def find_trials(source: Path) -> list[Path]:
    """What `read_trial` takes, under the file or folder `source`, sorted: `.npz` files with coordinates, and tables of
    coordinates. Raises UserError where there is none."""
    if not source.exists():
        raise UserError(f"{source}: no such file or folder; give gait trials (.npz, or OpenSim .mot/.sto)")
    paths = [source] if source.is_file() else sorted(p for p in source.rglob("*") if p.suffix in (".npz", *SUFFIXES))
    found = [path for path in paths if _holds_coordinates(path)]
    if not found:
        raise UserError(f"{source}: holds no joint coordinates; give .npz trials with q, or OpenSim inverse kinematics")
    return found


def read_trial(path: Path, references: Path | None = None) -> Trial:
    """The trial of an `.npz` file, or of a table of coordinates with what lies beside it; tables of the folder
    `references` (another optimization, joint reaction) are taken as if they lay there too. Raises UserError."""
    trial = _read_npz(path) if path.suffix == ".npz" else _read_folder(path, references)
    step = np.diff(trial.time_s)
    if len(step) < 8 or np.ptp(step) > 2 * _UNEVEN * step.mean():
        raise UserError(f"trial {path}: needs at least nine evenly spaced times; resample it")
    if not np.isfinite(trial.q).all():
        raise UserError(f"trial {path}: joint coordinates are not finite numbers; fill or cut the gaps")
    return trial


def _holds_coordinates(path: Path) -> bool:
    if path.suffix == ".npz":
        try:
            with zipfile.ZipFile(path) as archive:
                return {"q.npy", "q_names.npy", "grf_r.npy"} <= set(archive.namelist())
        except (OSError, zipfile.BadZipFile):
            return False
    try:
        return kind_of(path, column_names(path)) == "coordinates"
    except UserError:
        return False


def _read_npz(path: Path) -> Trial:
    try:
        with np.load(path, allow_pickle=False) as file:
            data = dict(file)
        time_s = np.asarray(data["t"], float)
        names = tuple(str(name) for name in data["q_names"])
        q = _to_si(np.asarray(data["q"], float), names)
        force = np.stack([np.asarray(data[f"grf_{side}"], float) for side in SIDES], axis=1)
        cop = np.stack([np.asarray(data[f"cop_{side}"], float) for side in SIDES], axis=1)
        mass = float(data["mass_kg"]) if "mass_kg" in data else None
        stated = Stated(*(float(data[name]) if name in data else None for name in Stated.__slots__))
        references = References(knee_n=_measured_knees(data, time_s))
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(
            f"trial {path}: not an .npz trial ({error}); see the keys t, q, q_names, grf_r, cop_r"
        ) from None
    if len(q) != len(time_s) or force.shape != (len(time_s), 2, 3) or cop.shape != force.shape:
        raise UserError(f"trial {path}: q, grf and cop need one row per time in t")
    ones = np.ones(len(time_s))
    seen = np.stack([np.asarray(data.get(f"valid_{side}", ones), np.bool_) for side in SIDES], axis=1)
    loaded = seen & np.isfinite(cop).all(axis=2) & np.isfinite(force).all(axis=2)
    free = np.stack(
        [np.asarray(data.get(f"free_moment_{side}", np.zeros((len(time_s), 3))), float) for side in SIDES], axis=1
    )
    force, cop, free = (np.where(loaded[:, :, None], part, 0.0) for part in (force, cop, free))
    return Trial(path.stem, time_s, names, q, force, cop, free, seen, mass, _model(path.parent), references, stated)


def _measured_knees(data: dict[str, Any], time_s: F64) -> dict[str, F64]:
    """Keys `kcf_...` [N] at `time_s`, or at times of their own in `kcf_t`: NaN where a neighbour is unknown or none."""
    found = {}
    for key in (key for key in data if key.startswith("kcf_") and key != "kcf_t"):
        values, at = np.asarray(data[key], float), np.asarray(data.get("kcf_t", time_s), float)
        if values.shape != at.shape:
            raise ValueError(f"{key} needs one value per time")
        own = "kcf_t" not in data
        found[key.removeprefix("kcf_")] = values if own else np.interp(time_s, at, values, np.nan, np.nan)
    return with_totals(found)


def with_totals(knee_n: dict[str, F64]) -> dict[str, F64]:
    """Adds medial and lateral up where a side has both and no total."""
    sums = {
        side: knee_n[f"medial_{side}"] + knee_n[f"lateral_{side}"]
        for side in SIDES
        if side not in knee_n and {f"medial_{side}", f"lateral_{side}"} <= knee_n.keys()
    }
    return knee_n | sums


def _to_si(q: F64, names: Sequence[str]) -> F64:
    """Degrees to rad, metres untouched."""
    return np.where([name.endswith(("_tx", "_ty", "_tz")) for name in names], q, np.radians(q))


def _model(folder: Path) -> Path | None:
    models = sorted(folder.glob("*.osim"))
    return models[0] if len(models) == 1 else None


def _read_folder(path: Path, more: Path | None) -> Trial:
    table = read_table(path)
    columns = [column for column in table.columns if not column.startswith("/") or column.endswith("/value")]
    names = tuple(leaf(column) for column in columns)
    q = np.stack([table.columns[column] for column in columns], axis=1)
    beside: dict[str, list[Path]] = {}
    folders = [path.parent, *([more] if more else [])]
    for other in sorted(p for folder in folders for p in folder.iterdir() if p.suffix in SUFFIXES and p != path):
        try:
            beside.setdefault(kind_of(other, column_names(other)), []).append(other)
        except UserError:
            continue
    feet = read_feet(path, table.time_s)
    references = _read_references(path, beside, table.time_s)
    seen = np.ones((len(q), len(SIDES)), np.bool_)
    si = _to_si(q, names) if table.degrees else q
    return Trial(path.parent.name, table.time_s, names, si, *feet, seen, None, _model(path.parent), references)


def _read_references(path: Path, beside: dict[str, list[Path]], time_s: F64) -> References:
    found: dict[str, dict[str, F64]] = {}
    for kind in ("moments", "activation", "emg", "contact", "reaction"):
        if kind in beside:
            table = read_table(closest(path, beside[kind]))
            at = table.at(time_s, list(table.columns))
            found[kind] = {name: at[:, i] for i, name in enumerate(table.columns)}
    moments = {_bare(name, "_moment", "_force"): values for name, values in found.get("moments", {}).items()}
    emg = {_bare(name, "_activation"): values for name, values in found.get("emg", {}).items()}
    activation = {
        _bare(name.removeprefix("/forceset/"), "/activation"): v for name, v in found.get("activation", {}).items()
    }
    knee = {name.removeprefix("kcf_"): v for name, v in found.get("contact", {}).items() if name.startswith("kcf_")}
    return References(moments, activation, emg, with_totals(knee | compression(found.get("reaction", {}))))


def _bare(name: str, *endings: str) -> str:
    for ending in endings:
        name = name.removesuffix(ending)
    return name


def compression(reaction: dict[str, Any]) -> dict[str, F64]:
    """{side: axial compression} from OpenSim's JointReaction columns, where they are on the tibia in tibia axes."""
    found = {}
    for name, values in reaction.items():
        for side in SIDES:
            if name.endswith(f"_on_tibia_{side}_in_tibia_{side}_fy"):
                found[side] = -np.asarray(values, float)
    return found
