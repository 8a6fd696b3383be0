"""Functions of one coordinate as piecewise polynomials: what OpenSim's splines, lines and polynomials all become."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from edge_runtime.biomech.skeleton.format import Functions
from edge_runtime.types import F64

CUBIC: Final = 3


def hermite(x: F64, value: F64, slope: F64) -> tuple[F64, F64]:
    """Knots [n + 1] and coefficients [n + 1, 4] of the cubic through `value` with `slope` at `x` [n], linear outside.

    Exact for a cubic spline sampled at its own knots. Piece i starts at knots[i]; the first also serves below it.
    """
    step = np.diff(x)
    rise = np.diff(value) / step
    inner = np.stack(
        [value[:-1], slope[:-1], (3 * rise - 2 * slope[:-1] - slope[1:]) / step,
         (slope[:-1] + slope[1:] - 2 * rise) / step**2], axis=1,
    )  # fmt: skip
    first = [[value[0], slope[0], 0.0, 0.0]]
    last = [[value[-1], slope[-1], 0.0, 0.0]]
    return np.concatenate([x[:1], x]), np.concatenate([first, inner, last])


@njit(cache=True, nogil=True)
def evaluate(f: Functions, index: int, x: float) -> tuple[float, float, float]:
    """Value, first and second derivative of function `index` at `x`."""
    piece, last = f.first[index], f.first[index + 1] - 1
    while piece < last:  # the last piece that starts at or below x, else the first
        middle = (piece + last + 1) // 2
        if x >= f.knot[middle]:
            piece = middle
        else:
            last = middle - 1
    d = x - f.knot[piece]
    value, slope, bend = 0.0, 0.0, 0.0
    for k in range(f.coefficient.shape[1] - 1, -1, -1):
        bend = bend * d + 2.0 * slope
        slope = slope * d + value
        value = value * d + f.coefficient[piece, k]
    return value, slope, bend
