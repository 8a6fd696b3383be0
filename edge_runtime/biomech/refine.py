"""Ground reaction and whole-body acceleration made to agree: both move, each as far as its variance allows.

Unknown are each foot's wrench about its predicted centre of pressure and the whole body's acceleration, linear and
rotational. They minimize the squared distance to their predictions, weighted by the predicted variances, subject to
Newton and Euler (sum of forces = m (a - g), sum of moments about the centre of mass = rate of angular momentum), to
the friction pyramid of each foot and to a centre of pressure within the sole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from edge_runtime.biomech.cone_qp import solve_rows
from edge_runtime.biomech.model import GRAVITY_MPS2
from edge_runtime.biomech.wrench_update import BOTH, WRENCH, balance_update, fill_lever, sum_of_feet
from edge_runtime.types import F64

FRICTION: Final = 1.0
"""Largest shear over normal force. In 60 treadmill runs of 20 people (Fukuchi, Fukuchi & Duarte 2017) 99.9 % of the
samples above 10 % of body weight stay below it; level walking of 10 people stays below 0.51."""
PYRAMID_SIDES: Final = 8
"""The cone's edges; the flat pyramid lies inside the cone and misses at most 8 % of it."""
SOLE_X_M: Final = (-0.09, 0.24)
SOLE_Z_M: Final = (-0.08, 0.08)
"""Where a centre of pressure may lie from the ankle's centre, forward and sideways, whatever way the foot points:
a shoe of 31 cm, and the offsets seen in the same data."""
TORSION_M: Final = 0.045
"""Largest free moment over normal force: the most in two walking trials (OpenSim project; Uhlrich et al. 2022)."""
COP_SD_M: Final = (0.025, 0.012)
"""Deviation of the predicted centre of pressure, forward and sideways (card of the network), where it gives none."""
FREE_SD_M: Final = 0.008
"""Free moment over normal force, root mean square of the same two trials; its prediction is zero."""
NO_LOAD_N: Final = 1e-3
"""A lighter foot keeps its predicted centre of pressure."""
NO_CONTACT: Final = 0.05
"""A foot with a lower contact probability gets no force."""

ROWS: Final = PYRAMID_SIDES + 6

Work = tuple[F64, F64, F64, F64, F64, F64, npt.NDArray[np.int64], F64]
State = tuple[F64, F64, F64, F64, F64, F64, F64, F64]


@dataclass(frozen=True, slots=True)
class Predicted:
    """Ground reaction before refinement, sides r and l: `force_n`, `sd_n` [2, 3], `cop_ankle_m` [2, 3] from the ankle,
    `contact` [2] 0..1, `cop_sd_m` [2, 2] forward and sideways."""

    force_n: F64
    sd_n: F64
    cop_ankle_m: F64
    contact: F64
    cop_sd_m: F64


@njit(cache=True, nogil=True)
def _fill_rows(rows: F64, cop: F64) -> None:
    """Rows [14, 6] whose product with a foot's wrench about `cop` [3] (from its ankle) must not be negative."""
    rows[:] = 0.0
    inner = FRICTION * np.cos(np.pi / PYRAMID_SIDES)
    for k in range(PYRAMID_SIDES):
        angle = 2.0 * np.pi * k / PYRAMID_SIDES
        rows[k, 0], rows[k, 1], rows[k, 2] = np.cos(angle), inner, np.sin(angle)
    k = PYRAMID_SIDES  # a shift of the centre of pressure by (x, z) makes the moments (-z Fy, ., x Fy)
    rows[k, 5], rows[k, 1] = 1.0, cop[0] - SOLE_X_M[0]
    rows[k + 1, 5], rows[k + 1, 1] = -1.0, SOLE_X_M[1] - cop[0]
    rows[k + 2, 3], rows[k + 2, 1] = -1.0, cop[2] - SOLE_Z_M[0]
    rows[k + 3, 3], rows[k + 3, 1] = 1.0, SOLE_Z_M[1] - cop[2]
    rows[k + 4, 4], rows[k + 4, 1] = 1.0, TORSION_M
    rows[k + 5, 4], rows[k + 5, 1] = -1.0, TORSION_M


@njit(cache=True, nogil=True)
def _respect(wrench: F64, cov: F64, rows: F64, weight_n: float, work: Work) -> int:
    """Move `wrench` [12] to the optimum that also keeps `rows` [2, 14, 6] of both feet from being negative."""
    curvature, factor, slack, scale, pull, direction, held, spread = work
    m = 2 * ROWS
    violated = False
    for a in range(m):
        foot = a // ROWS
        slack[a] = 0.0
        for i in range(WRENCH):
            slack[a] += rows[foot, a % ROWS, i] * wrench[foot * WRENCH + i]
        violated |= slack[a] < 0.0
    if not violated:
        return 0
    for a in range(m):
        foot = a // ROWS
        for j in range(BOTH):
            spread[a, j] = 0.0
            for i in range(WRENCH):
                spread[a, j] += rows[foot, a % ROWS, i] * cov[foot * WRENCH + i, j]
        for b in range(a + 1):
            value = 0.0
            for j in range(WRENCH):
                value += spread[a, (b // ROWS) * WRENCH + j] * rows[b // ROWS, b % ROWS, j]
            curvature[a, b] = curvature[b, a] = value
        scale[a] = weight_n if curvature[a, a] > 0.0 else 0.0
    steps = solve_rows(curvature, slack, scale, pull, held, factor, direction)
    for a in range(m):
        for k in range(BOTH):
            wrench[k] += spread[a, k] * pull[a]
    return steps


@njit(cache=True, nogil=True)
def _prepare(
    predicted: tuple[F64, F64, F64, F64, F64], arms: F64, wrench: F64, variance: F64, lever: F64, rows: F64
) -> None:
    """Prediction, variance, lever arms [6, 12] and rows of both feet; a foot without contact is held at zero."""
    force, sd, cop, contact, cop_sd = predicted
    for foot in range(2):
        first = foot * WRENCH
        stands = contact[foot] >= NO_CONTACT
        load = max(force[foot, 1], 0.0)
        for i in range(3):
            wrench[first + i] = force[foot, i] if stands else 0.0
            wrench[first + 3 + i] = 0.0
            variance[first + i] = sd[foot, i] ** 2 if stands else 0.0
        variance[first + 3] = (cop_sd[foot, 1] * load) ** 2 if stands else 0.0
        variance[first + 4] = (FREE_SD_M * load) ** 2 if stands else 0.0
        variance[first + 5] = (cop_sd[foot, 0] * load) ** 2 if stands else 0.0
        fill_lever(lever[:, first : first + WRENCH], arms[foot])
        _fill_rows(rows[foot], cop[foot])


@njit(cache=True, nogil=True)
def _give(
    wrench: F64, cov: F64, predicted: tuple[F64, F64, F64, F64, F64], force: F64, sd: F64, cop: F64, free: F64
) -> None:
    """Force, deviation, centre of pressure and free moment of both feet from their wrenches.

    A foot held at zero keeps its predicted deviation: that it stands after all is not excluded.
    """
    sd_in, cop_in, contact = predicted[1], predicted[2], predicted[3]
    for foot in range(2):
        first = foot * WRENCH
        load = wrench[first + 1]
        shift_x, shift_z = 0.0, 0.0
        if load > NO_LOAD_N:  # the solution stays in the sole but for rounding, which a light load would blow up
            shift_x = min(max(wrench[first + 5] / load, SOLE_X_M[0] - cop_in[foot, 0]), SOLE_X_M[1] - cop_in[foot, 0])
            shift_z = min(max(-wrench[first + 3] / load, SOLE_Z_M[0] - cop_in[foot, 2]), SOLE_Z_M[1] - cop_in[foot, 2])
        for i in range(3):
            force[foot, i] = wrench[first + i]
            refined = np.sqrt(max(cov[first + i, first + i], 0.0))
            sd[foot, i] = refined if contact[foot] >= NO_CONTACT else sd_in[foot, i]
            cop[foot, i] = cop_in[foot, i]
        cop[foot, 0] += shift_x
        cop[foot, 2] += shift_z
        free[foot] = wrench[first + 4] - shift_z * wrench[first] + shift_x * wrench[first + 2]


@njit(cache=True, nogil=True)
def _refine(
    predicted: tuple[F64, F64, F64, F64, F64], arms: F64, asked: F64, asked_sd: F64, weight_n: float, state: State,
    work: Work, given: tuple[F64, F64, F64, F64, F64],
) -> tuple[int, float, float, float]:  # fmt: skip
    """One frame; gives steps of the active set (-1: none found), gap before and after (N), squared surprise."""
    wrench, variance, lever, rows, cov, innovation, gain, gap = state
    force, sd, cop, free, body = given
    _prepare(predicted, arms, wrench, variance, lever, rows)
    sum_of_feet(lever, wrench, body)
    for i in range(WRENCH):
        gap[i] = asked[i] - body[i]
    before = np.sqrt(gap[0] ** 2 + gap[1] ** 2 + gap[2] ** 2)
    asked_var = gain[2]
    for i in range(WRENCH):
        asked_var[i] = asked_sd[i] ** 2
    surprise = balance_update(wrench, variance, lever, gap, asked_var, cov, innovation, gain)
    steps = _respect(wrench, cov, rows, weight_n, work)
    sum_of_feet(lever, wrench, body)
    left = np.sqrt((asked[0] - body[0]) ** 2 + (asked[1] - body[1]) ** 2 + (asked[2] - body[2]) ** 2)
    _give(wrench, cov, predicted, force, sd, cop, free)
    return steps, before, left, surprise


def _finite(values: F64) -> bool:
    return bool(np.isfinite(values.sum()))


class Refiner:
    """Refines frame by frame for one person of `mass_kg`; its arrays are reused by every `step`.

    After `step`: `force_n`, `sd_n`, `cop_ankle_m` [2, 3], `free_nm` [2] vertical free moments; `body_wrench` [6] what
    the adjusted acceleration asks of the ground (force m (a - g), moment about the centre of mass); in body weights
    `before`, |sum of the predicted forces - what the motion asks|, `left`, the same after refinement as if nothing of
    the acceleration had been adjusted, and `after`, with what was; `surprise`, the squared gap of the balance over its
    six degrees of freedom as the variances have it (about 1 on average where they are right).
    """

    def __init__(self, mass_kg: float) -> None:
        self.weight_n = mass_kg * GRAVITY_MPS2
        self.force_n, self.sd_n, self.cop_ankle_m = np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 3))
        self.free_nm, self.body_wrench = np.zeros(2), np.zeros(WRENCH)
        self.before = self.left = self.after = self.surprise = 0.0
        self._arms = np.zeros((2, 3))
        m = 2 * ROWS
        self._state = (
            np.zeros(BOTH), np.zeros(BOTH), np.zeros((WRENCH, BOTH)), np.zeros((2, ROWS, WRENCH)),
            np.zeros((BOTH, BOTH)), np.zeros((WRENCH, WRENCH)), np.zeros((3, WRENCH)), np.zeros(WRENCH),
        )  # fmt: skip
        self._work = (
            np.zeros((m, m)), np.zeros((m, m)), np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(m),
            np.zeros(m, np.int64), np.zeros((m, BOTH)),
        )  # fmt: skip
        self._given = (self.force_n, self.sd_n, self.cop_ankle_m, self.free_nm, self.body_wrench)

    def step(self, predicted: Predicted, ankles_from_com_m: F64, asked: F64, asked_sd: F64) -> bool:
        """Refine one frame; False, with the prediction as it was, where something given or found is not finite.

        `ankles_from_com_m` [2, 3] ankle centres minus the centre of mass; `asked` [6] what the body's motion asks of
        the ground (`WholeBody.wrench`) and `asked_sd` [6] its deviation, positive and finite.
        """
        p = predicted
        np.add(ankles_from_com_m, p.cop_ankle_m, out=self._arms)
        inputs = (p.force_n, p.sd_n, p.cop_ankle_m, p.contact, p.cop_sd_m)
        steps, before, left, surprise = -1, 0.0, 0.0, 0.0
        if all(_finite(x) for x in (*inputs, self._arms, asked, asked_sd)) and asked_sd.min() > 0.0:
            steps, before, left, surprise = _refine(
                inputs, self._arms, asked, asked_sd, self.weight_n, self._state, self._work, self._given
            )
        if steps < 0 or not (np.isfinite(before + left + surprise) and all(_finite(x) for x in self._given)):
            self.free_nm[:] = 0.0
            self.force_n[:], self.sd_n[:], self.cop_ankle_m[:] = p.force_n, p.sd_n, p.cop_ankle_m
            self.before = self.left = self.after = self.surprise = float("nan")
            return False
        self.before, self.left, self.surprise = before / self.weight_n, left / self.weight_n, surprise / WRENCH
        apart = self.force_n.sum(axis=0) - self.body_wrench[:3]
        self.after = float(np.sqrt(apart @ apart)) / self.weight_n
        return True
