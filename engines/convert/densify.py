"""Expands TFLite's sparse weights (TACO format: one dense or compressed level per axis) to a full array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SparseAxis:
    """One storage level: dense with `size` entries, or compressed (`segments` and `indices` as in CSR)."""

    size: int
    segments: Ints | None
    indices: Ints | None


def densify(
    values: npt.NDArray[Any],
    shape: tuple[int, ...],
    traversal: Sequence[int],
    block_map: Sequence[int],
    axes: Sequence[SparseAxis],
) -> npt.NDArray[Any]:
    """Full array of `shape`, zero where `values` [n stored] has no entry.

    `traversal[k]` is the axis that storage level k walks; numbers from `len(shape)` on are block axes, which
    split the original axis `block_map[number - len(shape)]`. Source: TensorFlow Lite schema,
    `SparsityParameters`; Kjolstad et al. 2017, "The tensor algebra compiler".
    """
    rank = len(shape)
    block_size = {block_map[axis - rank]: axes[level].size for level, axis in enumerate(traversal) if axis >= rank}
    slots = np.zeros(1, np.int64)
    coordinates = np.zeros((rank, 1), np.int64)
    for axis, level in zip(traversal, axes, strict=True):
        parent, slots, index = _descend(slots, level)
        coordinates = coordinates[:, parent]
        if axis < rank:
            coordinates[axis] += index * block_size.get(axis, 1)
        else:
            coordinates[block_map[axis - rank]] += index
    out = np.zeros(shape, values.dtype)
    out[tuple(coordinates)] = values[slots]
    return out


def _descend(slots: Ints, level: SparseAxis) -> tuple[Ints, Ints, Ints]:
    """Children of each slot of the level above: (parent number, slot at this level, index on its axis)."""
    if level.segments is None or level.indices is None:
        parent = np.repeat(np.arange(slots.size), level.size)
        index = np.tile(np.arange(level.size), slots.size)
        return parent, slots[parent] * level.size + index, index
    counts = level.segments[slots + 1] - level.segments[slots]
    parent = np.repeat(np.arange(slots.size), counts)
    first = np.cumsum(counts) - counts
    child = level.segments[slots][parent] + np.arange(parent.size) - first[parent]
    return parent, child, level.indices[child]
