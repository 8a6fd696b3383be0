"""Judging people fairly: nobody by weights that have seen them while there are others, each file opened once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from engines.errors import EngineError
from engines.folds import ByPerson, fold_file
from engines.inpaint import weights as inpaint_weights
from engines.inpaint.fair import FairInpainters
from engines.training.grf_data import FOLDS


@dataclass(frozen=True)
class Names:
    trained: tuple[str, ...]
    held_out: tuple[str, ...]


def weights(tmp_path: Path) -> tuple[Path, Path, dict[Path, Names]]:
    main, folder = tmp_path / "main.onnx", tmp_path / "folds"
    folder.mkdir()
    said = {
        main: Names(("a", "b", "c"), ("d",)),
        fold_file(1, folder): Names(("b", "c", "d"), ("a",)),
        fold_file(2, folder): Names(("a", "c", "d"), ("b",)),
    }
    for path in said:
        path.touch()
    return main, folder, said


def test_nobody_is_judged_by_weights_that_have_seen_them_where_there_are_others(tmp_path: Path) -> None:
    main, folder, said = weights(tmp_path)
    opened: list[Path] = []

    def open_engine(path: Path) -> Path:
        opened.append(path)
        return path

    engines = ByPerson(main, folder, said.__getitem__, open_engine)
    assert [engines.of(name) for name in ("d", "new", "a", "b")] == [main, main, *list(said)[1:]]
    assert not any(engines.seen(name) for name in ("d", "new", "a", "b"))
    assert [name for name in ("d", "new", "a", "b") if engines.by_fold(name)] == ["a", "b"]
    assert engines.of("c") == main and engines.seen("c")  # no fold without c
    assert engines.of("a") == engines.of("a") and len(opened) == 3


def test_the_committed_folds_of_the_inpainter_hold_out_everybody_once() -> None:
    main = inpaint_weights.read_facts(inpaint_weights.ZOO_PATH)
    paths = sorted(inpaint_weights.folds_of(inpaint_weights.ZOO_PATH).glob("fold*.onnx"))
    facts = [main, *(inpaint_weights.read_facts(path) for path in paths)]
    held_out = [name for one in facts for name in one.held_out]
    assert len(facts) == FOLDS and len(set(held_out)) == len(held_out) == 30
    people = {*main.trained, *main.held_out}
    for one in facts:
        assert not set(one.trained) & set(one.held_out) and {*one.trained, *one.held_out} == people
    inpainters = FairInpainters()
    assert not any(inpainters.seen(name) for name in held_out)
    assert inpainters.of("somebody new") is inpainters.of(main.held_out[0])


def test_a_file_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="missing"):
        FairInpainters(tmp_path / "none.onnx")
