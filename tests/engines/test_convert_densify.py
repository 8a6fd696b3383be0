"""Sparse weights: whatever is packed comes back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engines.convert.densify import SparseAxis, densify

Floats = npt.NDArray[np.float32]


def pack(stored: Floats, compressed: list[bool]) -> tuple[Floats, list[SparseAxis]]:
    """Store `stored` axis by axis, leaving out the all-zero slices of each compressed axis."""
    axes = []
    slices = [stored]
    for axis, is_compressed in enumerate(compressed):
        if not is_compressed:
            axes.append(SparseAxis(stored.shape[axis], None, None))
            slices = [part for block in slices for part in block]
            continue
        kept = [[i for i, part in enumerate(block) if np.any(part)] for block in slices]
        segments = np.cumsum([0, *map(len, kept)], dtype=np.int64)
        axes.append(SparseAxis(0, segments, np.array([i for row in kept for i in row], np.int64)))
        slices = [block[i] for block, row in zip(slices, kept, strict=True) for i in row]
    return np.array(slices, np.float32), axes


matrices = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=1, max_dims=4, max_side=5),
    elements=st.sampled_from([0.0, 0.0, 1.0, 2.5]),
)


@given(matrices, st.data())
def test_any_mix_of_dense_and_compressed_axes(full: Floats, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(full.ndim)))
    compressed = data.draw(st.lists(st.booleans(), min_size=full.ndim, max_size=full.ndim))
    values, axes = pack(full.transpose(order), compressed)
    np.testing.assert_array_equal(densify(values, full.shape, order, [], axes), full)


@given(hnp.arrays(np.float32, (8, 6), elements=st.sampled_from([0.0, 0.0, 0.0, 3.0])), st.booleans())
def test_blocks(full: Floats, inner_rows_first: bool) -> None:
    blocks = full.reshape(2, 4, 3, 2).transpose(0, 2, 1, 3)  # block row, block column, row and column inside
    order, block_map = [0, 1, 2, 3], [0, 1]
    if not inner_rows_first:
        blocks, order = blocks.transpose(0, 1, 3, 2), [0, 1, 3, 2]
    values, axes = pack(blocks, [False, True, False, False])
    np.testing.assert_array_equal(densify(values, (8, 6), order, block_map, axes), full)


def test_levels_and_order_must_agree() -> None:
    with pytest.raises(ValueError, match="zip"):
        densify(np.zeros(4, np.float32), (2, 2), [0, 1], [], [SparseAxis(2, None, None)])
