"""Borrowed arrays: the same memory through any nesting of tuples, and no count of references that could go wrong."""

from __future__ import annotations

import gc
import sys
import weakref
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from edge_runtime.rt.borrow import borrowed
from edge_runtime.types import F64


class Inner(NamedTuple):
    values: F64
    fixed: npt.NDArray[np.int64]


class Outer(NamedTuple):
    first: F64
    inner: Inner
    number: int


@njit
def _write(outer: Outer, times: int) -> float:
    total = 0.0
    for k in range(times):
        mine = borrowed(outer)
        mine.first[0] += 1.0
        mine.inner.values[1, 1] = k
        part = mine.inner.fixed[1:]
        total += part.sum() + mine.number
    return total


def test_writes_reach_the_owner_and_counts_stay() -> None:
    outer = Outer(np.zeros(3), Inner(np.zeros((2, 2)), np.arange(3)), 7)
    before = [sys.getrefcount(array) for array in (outer.first, outer.inner.values, outer.inner.fixed)]
    assert _write(outer, 1_000) == 1_000 * (3 + 7)
    assert outer.first[0] == 1_000.0
    assert outer.inner.values[1, 1] == 999.0
    assert [sys.getrefcount(array) for array in (outer.first, outer.inner.values, outer.inner.fixed)] == before


def test_the_owner_is_freed_as_ever() -> None:
    outer = Outer(np.zeros(3), Inner(np.zeros((2, 2)), np.arange(3)), 7)
    _write(outer, 10)
    gone = [weakref.ref(array) for array in (outer.first, outer.inner.values, outer.inner.fixed)]
    del outer
    gc.collect()
    assert [reference() for reference in gone] == [None, None, None]
