"""MuJoCo's own muscle curves as compiled functions: what stock MyoLegs computes, kept for comparison."""

from __future__ import annotations

from typing import Final

from numba import njit

from edge_runtime.types import F64

_MIN_WIDTH: Final = 1e-15  # MuJoCo's mjMINVAL


@njit(cache=True, nogil=True)
def force_length(length: float, lmin: float, lmax: float) -> float:
    """Active force over optimal force at fibre length `length` (optimal lengths): MuJoCo's bump of four
    parabolas."""
    if length < lmin or length > lmax:
        return 0.0
    low, high = 0.5 * (lmin + 1.0), 0.5 * (1.0 + lmax)
    if length <= low:
        return 0.5 * ((length - lmin) / max(low - lmin, _MIN_WIDTH)) ** 2
    if length <= 1.0:
        return 1.0 - 0.5 * ((1.0 - length) / max(1.0 - low, _MIN_WIDTH)) ** 2
    if length <= high:
        return 1.0 - 0.5 * ((length - 1.0) / max(high - 1.0, _MIN_WIDTH)) ** 2
    return 0.5 * ((lmax - length) / max(lmax - high, _MIN_WIDTH)) ** 2


@njit(cache=True, nogil=True)
def force_velocity(velocity: float, fvmax: float) -> float:
    """Active force over isometric force; `velocity` in maximal shortening velocities, lengthening
    positive."""
    rise = fvmax - 1.0
    if velocity <= -1.0:
        return 0.0
    if velocity <= 0.0:
        return (velocity + 1.0) ** 2
    if velocity <= rise:
        return fvmax - (rise - velocity) ** 2 / max(rise, _MIN_WIDTH)
    return fvmax


@njit(cache=True, nogil=True)
def passive_force(length: float, lmax: float, fpmax: float) -> float:
    """Passive force over optimal force: MuJoCo's parabola from optimal length, then a line."""
    high = 0.5 * (1.0 + lmax)
    if length <= 1.0:
        return 0.0
    if length <= high:
        return fpmax * 0.5 * ((length - 1.0) / max(high - 1.0, _MIN_WIDTH)) ** 2
    return fpmax * (0.5 + (length - high) / max(high - 1.0, _MIN_WIDTH))


@njit(cache=True, nogil=True)
def tensions(length_m: F64, velocity_mps: F64, range_m: F64, prm: F64, out_n: F64) -> None:
    """Fill `out_n` [2, n], active at full activation and passive, from muscle-tendon length and velocity
    [n]; `range_m` [n, 2] is MuJoCo's actuator_lengthrange and `prm` [n, 9] its gain parameters: range (2),
    force, scale, lmin, lmax, vmax, fpmax, fvmax."""
    for i in range(length_m.shape[0]):
        optimal = (range_m[i, 1] - range_m[i, 0]) / max(prm[i, 1] - prm[i, 0], _MIN_WIDTH)
        length = prm[i, 0] + (length_m[i] - range_m[i, 0]) / max(optimal, _MIN_WIDTH)
        velocity = velocity_mps[i] / max(optimal * prm[i, 6], _MIN_WIDTH)
        active = force_length(length, prm[i, 4], prm[i, 5]) * force_velocity(velocity, prm[i, 8])
        out_n[0, i] = prm[i, 2] * active
        out_n[1, i] = prm[i, 2] * passive_force(length, prm[i, 5], prm[i, 7])
