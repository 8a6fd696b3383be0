"""Cholesky factors of sparse symmetric matrices of one pattern: ordered once, factored again and again; compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from edge_runtime.types import F64

Ints = npt.NDArray[np.int64]


class SparseCholesky:
    """For matrices [n, n] whose entries lie in `pattern` [n, n] (symmetric, with its diagonal).

    Ordering by minimum degree (Tinney and Walker 1967, Proc. IEEE 55:1801), left-looking by columns. `values` holds the
    lower triangle before `factor` and the factor after it; `places` says which entry is where.
    """

    def __init__(self, pattern: npt.NDArray[np.bool_]) -> None:
        order, columns = _eliminate(pattern)
        n = len(order)
        self._order = order
        self._rank = np.empty(n, np.int64)
        self._rank[order] = np.arange(n)
        below = [np.sort(self._rank[list(column)]) for column in columns]
        counts = np.array([len(rows) + 1 for rows in below])
        self._adr = np.r_[0, np.cumsum(counts)]
        self._rows = np.concatenate([np.r_[j, rows] for j, rows in enumerate(below)])
        column_of = np.repeat(np.arange(n), counts)
        left = np.flatnonzero(self._rows != column_of)
        left = left[np.argsort(self._rows[left], kind="stable")]
        self._row_adr = np.searchsorted(self._rows[left], np.arange(n + 1))
        self._row_at, self._row_end = left, self._adr[column_of[left] + 1]
        self._work = np.zeros(n)
        self.values = np.zeros(len(self._rows))

    def places(self, rows: Ints, columns: Ints) -> Ints:
        """Index into `values` of entries [k], -1 where one lies in the upper triangle."""
        table = np.full((len(self._order), len(self._order)), -1, np.int64)
        table[self._rows, np.repeat(np.arange(len(self._order)), np.diff(self._adr))] = np.arange(len(self._rows))
        found: Ints = table[self._rank[rows], self._rank[columns]]
        return found

    def factor(self) -> None:
        """Turn the matrix in `values` into its factor; NaN where it is not positive definite."""
        _factor(self.values, self._adr, self._rows, self._row_adr, self._row_at, self._row_end, self._work)

    def solve(self, right: F64) -> F64:
        """Solution [n] for a right side [n], with the last factor."""
        x = right[self._order]
        _solve(self.values, self._adr, self._rows, x)
        return x[self._rank]


def _eliminate(pattern: npt.NDArray[np.bool_]) -> tuple[Ints, list[set[int]]]:
    """Order of elimination [n], and per step the unknowns left that the eliminated one is coupled with."""
    around = [set(np.flatnonzero(row).tolist()) - {i} for i, row in enumerate(pattern)]
    left, order, columns = set(range(len(around))), [], []
    while left:
        next_one = min(left, key=lambda i: (len(around[i]), i))
        coupled = around[next_one]
        for other in coupled:
            around[other] |= coupled
            around[other] -= {other, next_one}
        left.remove(next_one)
        order.append(next_one)
        columns.append(coupled)
    return np.array(order), columns


@njit(cache=True, nogil=True)
def _factor(values: Any, adr: Any, rows: Any, row_adr: Any, row_at: Any, row_end: Any, work: Any) -> None:
    for j in range(len(adr) - 1):
        for p in range(adr[j], adr[j + 1]):
            work[rows[p]] = values[p]
        for e in range(row_adr[j], row_adr[j + 1]):
            share = values[row_at[e]]
            for p in range(row_at[e], row_end[e]):
                work[rows[p]] -= share * values[p]
        scale = 1.0 / np.sqrt(work[j])
        for p in range(adr[j], adr[j + 1]):
            values[p] = scale * work[rows[p]]


@njit(cache=True, nogil=True)
def _solve(values: Any, adr: Any, rows: Any, x: Any) -> None:
    n = len(adr) - 1
    for j in range(n):
        x[j] /= values[adr[j]]
        for p in range(adr[j] + 1, adr[j + 1]):
            x[rows[p]] -= values[p] * x[j]
    for j in range(n - 1, -1, -1):
        for p in range(adr[j] + 1, adr[j + 1]):
            x[j] -= values[p] * x[rows[p]]
        x[j] /= values[adr[j]]
