"""Hill-type muscle with anatomical lengths and a rigid tendon: force-length-velocity as compiled functions."""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from edge_runtime.types import F64

MAX_VELOCITY: Final = 10.0
"""Fastest shortening, optimal lengths per second: that of the source's muscles."""
SOURCE_MASS_KG: Final = 75.0
"""Body mass of the person whom Rajagopal et al. 2016 describe; `anatomy.csv` has its optimal forces."""

_SHORT, _STEP = 0.40, 0.05
_ACTIVE: Final = (
    0.2041, 0.3078, 0.4117, 0.5156, 0.6190, 0.7194, 0.8007, 0.8483, 0.8873, 0.9250, 0.9624, 0.9961, 1.0000, 0.9965,
    0.9613, 0.9038, 0.8428, 0.7809, 0.7186, 0.6562, 0.5937, 0.5312, 0.4688, 0.4063, 0.3438, 0.2813, 0.2189, 0.1566,
    0.0946, 0.0340, 0.0,
)  # fmt: skip
"""Active force-length from 0.40 optimal lengths in steps of 0.05, straight between: the curve of Millard et al. 2013 (J
Biomech Eng 135:021005) with the width that Uhlrich et al. 2022 give it. `anatomy.csv` has their fibre lengths."""
# Other curves of De Groote et al. 2016, Ann Biomed Eng 44:2922-2936.
# Force-velocity; first and last as in OpenSim's DeGrooteFregly2016Muscle, where -1 gives 0 and 0 gives 1 exactly.
_D1, _D2, _D3, _D4 = -0.3211346127989808, -8.149, -0.374, 0.8825327733249912
_PASSIVE_SHAPE: Final = 4.0
_SHORTEST: Final = 1e-3  # of the fibre along the tendon, optimal lengths; a slack muscle pulls nothing


class Hill(NamedTuple):
    """Parameters [k]: `force_n` optimal force, `optimal_m` fibre and `slack_m` tendon length, `sine` of the pennation
    at optimal length (the muscle keeps its thickness), `strain` of the fibre that the optimal force gives at rest."""

    force_n: F64
    optimal_m: F64
    slack_m: F64
    sine: F64
    strain: F64


@njit(cache=True, nogil=True)
def force_length(length: float) -> float:
    """Active force over optimal force at fibre length `length` (optimal lengths); NaN stays NaN."""
    at = (length - _SHORT) / _STEP
    if np.isnan(at):
        return at
    if at < 0.0:
        return max(0.0, _ACTIVE[0] + at * (_ACTIVE[1] - _ACTIVE[0]))
    i = int(at)
    if i >= len(_ACTIVE) - 1:
        return 0.0
    return _ACTIVE[i] + (at - i) * (_ACTIVE[i + 1] - _ACTIVE[i])


@njit(cache=True, nogil=True)
def force_velocity(velocity: float) -> float:
    """Active force over isometric force; `velocity` in maximal ones, lengthening positive; none beyond -1."""
    return max(0.0, _D1 * np.arcsinh(_D2 * velocity + _D3) + _D4)


@njit(cache=True, nogil=True)
def passive_force(length: float, strain: float) -> float:
    """Passive force over optimal force at fibre length `length` (optimal lengths); 1 at the `strain`."""
    return max(0.0, np.expm1(_PASSIVE_SHAPE * (length - 1.0) / strain) / np.expm1(_PASSIVE_SHAPE))


@njit(cache=True, nogil=True)
def tensions(length_m: F64, velocity_mps: F64, which: npt.NDArray[np.int64], hill: Hill, out_n: F64) -> None:
    """Fill columns `which` [k] of `out_n` [2, n], tension at full activation and at rest.

    `length_m`, `velocity_mps` [n] of the whole muscles; `hill` has the parameters of those k.
    """
    for k in range(which.shape[0]):
        i = which[k]
        along = max((length_m[i] - hill.slack_m[k]) / hill.optimal_m[k], _SHORTEST)
        fibre = np.sqrt(along**2 + hill.sine[k] ** 2)
        cosine = along / fibre
        velocity = velocity_mps[i] * cosine / (hill.optimal_m[k] * MAX_VELOCITY)
        out_n[0, i] = hill.force_n[k] * cosine * force_length(fibre) * force_velocity(velocity)
        out_n[1, i] = hill.force_n[k] * cosine * passive_force(fibre, hill.strain[k])


def anatomical(muscles: tuple[str, ...], neutral_m: F64, force_scale: float) -> tuple[npt.NDArray[np.int64], Hill]:
    """Indices [k] of those `muscles` (Rajagopal's names with _r or _l) that `anatomy.csv` has, and their parameters.

    `neutral_m` [n] lengths of all in the model's neutral pose, of which fibre and tendon are fixed shares, so that they
    scale with the person; `force_scale` multiplies the optimal forces.
    """
    lines = files(__package__).joinpath("anatomy.csv").read_text().splitlines()
    rows = {row["muscle"]: row for row in csv.DictReader(line for line in lines if not line.startswith("#"))}
    known = np.array([i for i, name in enumerate(muscles) if name[:-2] in rows])
    used = [rows[muscles[i][:-2]] for i in known]
    force, pennation, optimal, slack, strain = (
        np.array([float(row[key]) for row in used])
        for key in ("force_n", "pennation_rad", "optimal_ratio", "slack_ratio", "passive_strain")
    )
    length = neutral_m[known]
    return known, Hill(force * force_scale, optimal * length, slack * length, np.sin(pennation), strain)
