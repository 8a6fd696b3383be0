"""The file of a compiled model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_runtime.biomech.skeleton import format as model_file
from edge_runtime.errors import UserError
from tests.biomech.skeleton.handmade import handmade


def test_a_saved_model_comes_back_whole(tmp_path: Path) -> None:
    path, model = tmp_path / "m.npz", handmade()
    model_file.save(path, model)
    again = model_file.load(path)
    assert again.names == model.names
    assert again.source == model.source
    for part in ("tree", "functions", "basis", "lengths", "pulls", "muscles"):
        for mine, theirs in zip(getattr(model.skeleton, part), getattr(again.skeleton, part), strict=True):
            assert np.array_equal(mine, theirs)


def test_each_fault_is_one_line_that_names_the_file(tmp_path: Path) -> None:
    broken, other = tmp_path / "broken.npz", tmp_path / "other.npz"
    broken.write_bytes(b"PK\x03\x04 no archive")
    np.savez(other, format=np.array(model_file.FORMAT))
    for path in (tmp_path / "absent.npz", broken, other):
        with pytest.raises(UserError) as error:
            model_file.load(path)
        assert str(path) in str(error.value)
        assert "exo-edge model compile" in str(error.value)
        assert "\n" not in str(error.value)


def test_another_format_asks_to_compile_again(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    model_file.save(path, handmade())
    with np.load(path) as data:
        arrays = dict(data)
    np.savez(path, **(arrays | {"format": np.array(1)}))
    with pytest.raises(UserError, match="compile it again"):
        model_file.load(path)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot write"):
        model_file.save(tmp_path / "absent" / "m.npz", handmade())
