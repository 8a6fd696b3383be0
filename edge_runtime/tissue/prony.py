"""Prony arms from what is known of a tissue's relaxation: its loss tangent over frequency, or its modulus over time.

Generalized Maxwell model: modulus over the lasting one  1 + sum g_i exp(-t / T_i), so at angular frequency w
    storage  1 + sum g_i (w T_i)^2 / (1 + (w T_i)^2)        loss  sum g_i w T_i / (1 + (w T_i)^2)
(Ferry 1980, Viscoelastic Properties of Polymers, ch. 3). Choices of times are tried; the shares follow by least
squares, none below zero.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from calibration.reduced_tissue import ARMS
from edge_runtime.errors import UserError
from edge_runtime.types import F64

_MARKS: Final = 14
"""Times that are tried, in all choices of three: evenly spaced by logarithm, to e times beyond the data's range."""
_STRIDES: Final = (0.1, 0.05, 0.02, 0.01, 0.005)
"""By how much the times are then moved, one at a time."""


class Arms(NamedTuple):
    """Shares of the lasting stiffness [3], times [3] s."""

    share: tuple[float, ...]
    time_s: tuple[float, ...]


def storage_and_loss(arms: Arms, frequency_hz: F64) -> tuple[F64, F64]:
    """Storage and loss modulus over the lasting modulus, shaped as the frequencies."""
    wt = 2.0 * np.pi * np.asarray(frequency_hz)[..., None] * np.array(arms.time_s)
    share = np.array(arms.share)
    return 1.0 + (share * wt**2 / (1.0 + wt**2)).sum(axis=-1), (share * wt / (1.0 + wt**2)).sum(axis=-1)


def arms_from_loss(frequency_hz: F64, loss_tangent: F64) -> Arms:
    """Arms whose loss tangent is nearest to the given one [n] at frequencies [n]. Raises UserError on bad values."""
    _check(frequency_hz, loss_tangent, "loss tangent")
    if loss_tangent.max() >= 1.0:
        raise UserError(f"loss tangent: {loss_tangent.max():g} is no soft tissue's; give values below 1")

    def fitted(times: F64) -> tuple[float, Arms]:
        wt = 2.0 * np.pi * frequency_hz[:, None] * times
        rows = (wt - loss_tangent[:, None] * wt**2) / (1.0 + wt**2) / loss_tangent[:, None]
        arms = _arms(_not_below_zero(rows, np.ones(len(rows))), times)
        storage, loss = storage_and_loss(arms, frequency_hz)
        return float(np.abs(loss / storage / loss_tangent - 1.0).max()), arms

    return _best(fitted, 1.0 / (2.0 * np.pi * frequency_hz.max()), 1.0 / (2.0 * np.pi * frequency_hz.min()))


def arms_from_relaxation(time_s: F64, modulus: F64) -> Arms:
    """Arms of a relaxation [n] (any unit) at times [n] after a sudden strain; the last value counts as lasting."""
    _check(time_s, modulus, "relaxation")
    rise = modulus / modulus[-1] - 1.0

    def fitted(times: F64) -> tuple[float, Arms]:
        rows = np.exp(-time_s[:, None] / times)
        share = _not_below_zero(rows, rise)
        return float(np.abs(rows @ share - rise).max()), _arms(share, times)

    return _best(fitted, float(time_s.min()), float(time_s.max()) / 3.0)


def _best(fitted: Callable[[F64], tuple[float, Arms]], shortest: float, longest: float) -> Arms:
    """Of all layouts the arms with the least error; then each time is moved as long as that helps."""
    layouts = _layouts(shortest, longest)
    errors = [fitted(times)[0] for times in layouts]
    times, least = layouts[int(np.argmin(errors))], min(errors)
    for stride in _STRIDES:
        for arm in (*range(ARMS), *range(ARMS)):
            for factor in (1.0 + stride, 1.0 / (1.0 + stride)):
                moved = times * np.where(np.arange(ARMS) == arm, factor, 1.0)
                while (error := fitted(moved)[0]) < least:
                    times, least = moved, error
                    moved = times * np.where(np.arange(ARMS) == arm, factor, 1.0)
    return fitted(times)[1]


def _layouts(shortest: float, longest: float) -> list[F64]:
    """Times [3] to try: from a first and a last one, with the middle one between them, all by their logarithm."""
    marks = np.linspace(np.log(shortest) - 1.0, np.log(longest) + 1.0, _MARKS)
    choices = combinations(range(_MARKS), ARMS)
    return [np.exp(marks[list(choice)]) for choice in choices]


def _not_below_zero(rows: F64, right: F64) -> F64:
    """Least squares with no share below zero: the best of all choices of arms in use (there are seven)."""
    best, least = np.zeros(ARMS), float(np.sum(right**2))
    for count in range(1, ARMS + 1):
        for used in map(list, combinations(range(ARMS), count)):
            share = np.linalg.lstsq(rows[:, used], right, rcond=None)[0]
            wrong = float(np.sum((rows[:, used] @ share - right) ** 2))
            if share.min() >= 0.0 and wrong < least:
                best, least = np.zeros(ARMS), wrong
                best[used] = share
    return best


def _arms(share: F64, time_s: F64) -> Arms:
    return Arms(tuple(map(float, share)), tuple(map(float, time_s)))


def _check(at: F64, values: F64, what: str) -> None:
    if len(at) != len(values) or len(at) < ARMS:
        raise UserError(f"{what}: {len(at)} places and {len(values)} values; give as many, at least {ARMS}")
    if not (np.isfinite(at).all() and np.isfinite(values).all() and at.min() > 0.0 and values.min() > 0.0):
        raise UserError(f"{what}: places and values must be finite and above zero")


def read_relaxation(path: Path) -> tuple[F64, F64]:
    """Times [n], s, and moduli [n] from a text file of rows `seconds,modulus`. Raises UserError naming the file."""
    try:
        rows = np.loadtxt(path, delimiter=",", ndmin=2, comments="#")
    except OSError:
        raise UserError(f"{path}: cannot be read; name a file of rows `seconds,modulus`") from None
    except ValueError as error:
        raise UserError(f"{path}: {error}; rows must be `seconds,modulus`") from None
    if rows.shape[1] != 2 or np.any(np.diff(rows[:, 0]) <= 0.0):
        raise UserError(f"{path}: rows must be `seconds,modulus`, the seconds rising")
    return rows[:, 0], rows[:, 1]
