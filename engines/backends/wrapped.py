"""A runner around another, for those who watch or change only what a call does."""

from __future__ import annotations

from typing import Any, Self

from engines.backends.base import Buffers, Runner


class WrappedRunner:
    """A `Runner` that hands everything on; who wraps one overrides `infer`."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """The runner itself, as for every engine: a copy of what uses it goes on with the same buffers."""
        memo.update({id(array): array for array in self.inputs.values()})
        return self

    @property
    def inputs(self) -> Buffers:
        """Input arrays of the runner."""
        return self._runner.inputs

    def warm(self) -> None:
        """Warm the runner by its own calls, not by `infer` of this class."""
        self._runner.warm()

    def infer(self) -> Buffers:
        """Run once."""
        return self._runner.infer()

    def close(self) -> None:
        """Close the runner."""
        self._runner.close()
