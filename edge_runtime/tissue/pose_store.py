"""Solved cuff poses on disk, a line each: an identification that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

from edge_runtime.errors import UserError

_LAYOUT: Final = 2


@dataclass(frozen=True, slots=True)
class Solved:
    """Load [3] (N, N, Nm) that holds a cuff at a pose, the smallest volume ratio of the tissue, and the loss matrix
    there (`CuffStatics.loss`) as a row [6] in the order of `energy.PAIRS`."""

    load: tuple[float, ...]
    min_det_f: float
    loss: tuple[float, ...]


class PoseStore:
    """Answers by key, kept in `path` (None: in memory only), None for a pose at which the tissue is crushed.

    `about` says all that the answers depend on.

    A file made for something else is begun anew. Use as a context manager.
    """

    def __init__(self, path: Path | None, about: str) -> None:
        self._path = path
        self._file: IO[str] | None = None
        self._answers: dict[str, Solved | None] = {}
        self._head = {"layout": _LAYOUT, "about": hashlib.sha256(about.encode()).hexdigest()}

    def __enter__(self) -> PoseStore:
        if self._path is not None:
            try:
                self._file = self._open(self._path)
            except OSError as error:
                raise UserError(f"{self._path}: cannot be written ({error.strerror}); name a folder of yours") from None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()

    def __contains__(self, key: str) -> bool:
        return key in self._answers

    def __getitem__(self, key: str) -> Solved | None:
        return self._answers[key]

    def __len__(self) -> int:
        return len(self._answers)

    def put(self, key: str, answer: Solved | None) -> None:
        """Keep an answer, on disk at once."""
        self._answers[key] = answer
        if self._file is not None:
            row = None if answer is None else [*answer.load, answer.min_det_f, *answer.loss]
            self._file.write(json.dumps([key, row]) + "\n")
            self._file.flush()

    def _open(self, path: Path) -> IO[str]:
        rows = _rows(path)
        if rows and rows[0] == self._head:
            for key, row in rows[1:]:
                self._answers[key] = None if row is None else Solved(tuple(row[:3]), row[3], tuple(row[4:]))
        file = path.open("w", encoding="utf-8")
        file.write(json.dumps(self._head) + "\n")
        file.flush()
        answers, self._answers, self._file = self._answers, {}, file
        for key, answer in answers.items():
            self.put(key, answer)
        return file


def _rows(path: Path) -> list[Any]:
    """All whole lines of the file; the last may have been cut."""
    rows = []
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                break
    return rows
