"""Measured gaits that move synthetic people, and who of them is kept for evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from engines.errors import EngineError
from engines.training.people.bodies import F64
from engines.training.people.skeleton import TRUTH

HELD_OUT: Final = (
    "2014007", "2014019", "2014029", "RBDS015", "RBDS018", "RBDS021", "RBDS09", "opensim_core_walk",
)  # fmt: skip
"""People whose gait no training sees; opensim_core_walk is also another laboratory's."""

_LUMBAR: Final = ("lumbar_extension", "lumbar_bending", "lumbar_rotation")
_LENGTHS: Final = ("pelvis_tx", "pelvis_ty", "pelvis_tz")
_SHORTEST_S: Final = 3.0
_STRIDE_S: Final = (0.85, 1.5)


@dataclass(frozen=True)
class Gait:
    """Motion of one person: `fs` Hz, `q` [N, 13] rad in `TRUTH` order, `pelvis_m` [N, 3] forward, up, right; `lumbar`
    [N, 3] rad or None where not measured; `loops`: the last sample joins the first."""

    subject: str
    name: str
    fs: float
    q: F64
    pelvis_m: F64
    lumbar: F64 | None
    loops: bool


def load_gaits(data_dir: Path) -> list[Gait]:
    """All measured gaits under `data_dir` (layout of its README). EngineError where there are none."""
    gaits = [_from_npz(path) for folder in ("rbds_run", "schreiber2019_walk") for path in _files(data_dir, folder)]
    for path, factor in (("treadmill_walk_60s/results_ik.sto", 1.0), ("opensim_core_walk/coordinates.sto", np.nan)):
        if (data_dir / path).is_file():
            gaits.append(_from_sto(data_dir / path, angles_in_rad=bool(np.isnan(factor))))
    if not gaits:
        raise EngineError(f"{data_dir}: holds no measured gait; give --data the folder with rbds_run and others")
    return gaits


def _files(data_dir: Path, folder: str) -> list[Path]:
    return sorted((data_dir / folder).glob("*.npz"))


def _from_npz(path: Path) -> Gait:
    with np.load(path, allow_pickle=False) as file:
        names = [str(name) for name in file["q_names"]]
        return _gait(str(file["subject"]), path.stem, float(file["fs"]), file["q"], names, np.pi / 180.0)


def _from_sto(path: Path, angles_in_rad: bool) -> Gait:
    lines = path.read_text(encoding="utf-8").splitlines()
    end = next(i for i, line in enumerate(lines) if line.strip().lower() == "endheader")
    columns = [name.rstrip("/").removesuffix("/value").rsplit("/", 1)[-1] for name in lines[end + 1].split("\t")]
    table = np.array([[float(cell) for cell in line.split()] for line in lines[end + 2 :] if line.strip()])
    fs = 1.0 / float(np.median(np.diff(table[:, 0])))
    unit = 1.0 if angles_in_rad else np.pi / 180.0
    return _gait(path.parent.name, path.stem, fs, table, [name.strip() for name in columns], unit)


def _gait(subject: str, name: str, fs: float, table: F64, names: list[str], unit: float) -> Gait:
    def columns(wanted: tuple[str, ...]) -> F64:
        return np.asarray(table[:, [names.index(one) for one in wanted]], dtype=np.float64)

    lumbar = columns(_LUMBAR) * unit if all(one in names for one in _LUMBAR) else None
    gait = Gait(subject, name, fs, columns(TRUTH) * unit, columns(_LENGTHS), lumbar, False)
    return gait if len(gait.q) / fs >= _SHORTEST_S else _looped(gait)


def _looped(gait: Gait) -> Gait:
    """One stride of a short trial, its drift spread evenly so that it repeats without a jump."""
    low, high = (round(t * gait.fs) for t in _STRIDE_S)
    lengths = range(low, min(high, len(gait.q) - 2) + 1)
    miss = [float(np.square(gait.q[n] - gait.q[0]).sum() + np.square(gait.q[n + 1] - gait.q[1]).sum()) for n in lengths]
    n = lengths[int(np.argmin(miss))]
    share = (np.arange(n) / n)[:, None]

    def even(values: F64) -> F64:
        return np.asarray(values[:n] - share * (values[n] - values[0]))

    pelvis = even(gait.pelvis_m)
    pelvis[:, 0] = gait.pelvis_m[:n, 0]  # it walks on; `path` adds up the strides
    lumbar = None if gait.lumbar is None else even(gait.lumbar)
    return Gait(gait.subject, gait.name, gait.fs, even(gait.q), pelvis, lumbar, True)


def sample(gait: Gait, t_s: F64) -> tuple[F64, F64, F64 | None]:
    """`q` [N, 13], pelvis [N, 3] and lumbar [N, 3] at `t_s` from the gait's beginning; loops as long as needed."""
    at = t_s * gait.fs
    n = len(gait.q)
    if not gait.loops:
        if at[-1] > n - 1:
            raise ValueError(f"{gait.name}: lasts {(n - 1) / gait.fs:.2f} s, asked for {t_s[-1]:.2f} s")
        return _at(gait.q, at), _at(gait.pelvis_m, at), None if gait.lumbar is None else _at(gait.lumbar, at)
    turns, phase = np.divmod(at, n)
    closed = [np.vstack((part, part[:1])) for part in (gait.q, gait.pelvis_m)]
    stride_m = (gait.pelvis_m[-1, 0] - gait.pelvis_m[0, 0]) * n / (n - 1)
    closed[1][-1, 0] += stride_m
    pelvis = _at(closed[1], phase)
    pelvis[:, 0] += turns * stride_m
    lumbar = None if gait.lumbar is None else _at(np.vstack((gait.lumbar, gait.lumbar[:1])), phase)
    return _at(closed[0], phase), pelvis, lumbar


def _at(values: F64, at: F64) -> F64:
    grid = np.arange(len(values))
    return np.stack([np.interp(at, grid, values[:, k]) for k in range(values.shape[1])], axis=1)
