"""Engines that judge a person fairly: with weights whose training did not see them, where there are such."""

from __future__ import annotations

from pathlib import Path

from engines.grf.engine import GrfEngine
from engines.grf.weights import ZOO_PATH, read_split, unseen_by


class FairEngines:
    """One engine per set of weights: those at `onnx_path`, and of the folds beside them for their training people.

    EngineError: no such file, damaged, or it does not name its people.
    """

    def __init__(self, onnx_path: Path = ZOO_PATH) -> None:
        self._path = onnx_path
        self._engines: dict[Path, GrfEngine] = {}
        read_split(onnx_path)

    def of(self, subject: str) -> GrfEngine:
        """The engine to judge `subject` with."""
        path = unseen_by(subject, self._path)
        if path not in self._engines:
            self._engines[path] = GrfEngine(path)
        return self._engines[path]

    def seen(self, subject: str) -> bool:
        """True where even that engine was trained on `subject`."""
        return subject in read_split(unseen_by(subject, self._path)).trained

    def by_fold(self, subject: str) -> bool:
        """True where `subject` is judged by the weights of a fold."""
        return unseen_by(subject, self._path) != self._path
