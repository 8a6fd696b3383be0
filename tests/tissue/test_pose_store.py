"""Store of solved poses: a stopped identification goes on; a cut line or another leg's file does no harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_runtime.errors import UserError
from edge_runtime.tissue.pose_store import PoseStore, Solved

ANSWER = Solved((1.5, -2.0, 0.25), 0.8, (1.0, 2.0, 3.0, 4.0, 5.0, 6.0))


def test_what_was_solved_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "poses"
    with PoseStore(path, "leg") as store:
        store.put("a", ANSWER)
        store.put("b", None)
    with PoseStore(path, "leg") as store:
        assert store["a"] == ANSWER and store["b"] is None and "c" not in store and len(store) == 2


def test_a_line_cut_by_a_kill_is_dropped_and_written_over(tmp_path: Path) -> None:
    path = tmp_path / "poses"
    with PoseStore(path, "leg") as store:
        store.put("a", ANSWER)
        store.put("b", ANSWER)
    path.write_bytes(path.read_bytes()[:-7])
    with PoseStore(path, "leg") as store:
        assert "a" in store and "b" not in store
        store.put("b", ANSWER)
    with PoseStore(path, "leg") as store:
        assert store["b"] == ANSWER


def test_another_leg_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "poses"
    with PoseStore(path, "leg") as store:
        store.put("a", ANSWER)
    with PoseStore(path, "other leg") as store:
        assert len(store) == 0


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"), PoseStore(tmp_path / "no" / "poses", "leg"):
        pass
