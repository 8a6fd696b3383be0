"""Weights that judge a person fairly: those at a path, or of the folds beside them whose training did not see them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar

E = TypeVar("E")


class People(Protocol):
    """Whom weights name in their metadata."""

    @property
    def trained(self) -> tuple[str, ...]:
        """Those whose trials trained them."""

    @property
    def held_out(self) -> tuple[str, ...]:
        """Those kept from them."""


def fold_file(fold: int, folder: Path) -> Path:
    """Where the weights of one fold lie in `folder`."""
    return folder / f"fold{fold}.onnx"


def unseen_by(subject: str, onnx_path: Path, folder: Path, read: Callable[[Path], People]) -> Path:
    """The weights to judge `subject` with: `onnx_path`, or where that was trained on them the fold that was not.

    `onnx_path` itself where `folder` holds no such fold. `read` tells whom weights have seen.
    """
    if subject not in read(onnx_path).trained:
        return onnx_path
    return next((path for path in sorted(folder.glob("fold*.onnx")) if subject in read(path).held_out), onnx_path)


class ByPerson(Generic[E]):
    """One engine per set of weights, opened when the first person needs it, and shared from then on.

    `read` and `open_engine` raise EngineError where a file is missing, damaged, or does not name its people.
    """

    def __init__(
        self, onnx_path: Path, folder: Path, read: Callable[[Path], People], open_engine: Callable[[Path], E]
    ) -> None:
        self._path, self._folder = onnx_path, folder
        self._read, self._open = read, open_engine
        self._engines: dict[Path, E] = {}
        read(onnx_path)

    def of(self, subject: str) -> E:
        """The engine to judge `subject` with."""
        path = self._weights(subject)
        if path not in self._engines:
            self._engines[path] = self._open(path)
        return self._engines[path]

    def seen(self, subject: str) -> bool:
        """True where even that engine was trained on `subject`."""
        return subject in self._read(self._weights(subject)).trained

    def by_fold(self, subject: str) -> bool:
        """True where `subject` is judged by the weights of a fold."""
        return self._weights(subject) != self._path

    def _weights(self, subject: str) -> Path:
        return unseen_by(subject, self._path, self._folder, self._read)
