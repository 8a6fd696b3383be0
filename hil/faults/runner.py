"""An engine that fails on order: a `Runner` around a real one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engines.backends.base import Buffers, Runner


@dataclass(slots=True)
class EngineTrouble:
    """What the engines of a run suffer now; shared by all of them."""

    nan: bool = False
    wrong_shape: bool = False


class FaultyRunner:
    """Implements `Runner`: the engine's own outputs, or what `trouble` makes of them."""

    def __init__(self, runner: Runner, trouble: EngineTrouble) -> None:
        self._runner, self._trouble = runner, trouble

    def __deepcopy__(self, memo: dict[int, Any]) -> FaultyRunner:
        """The runner itself, as for every engine."""
        memo.update({id(array): array for array in self.inputs.values()})
        return self

    @property
    def inputs(self) -> Buffers:
        """See `Runner`."""
        return self._runner.inputs

    def warm(self) -> None:
        """See `Runner`."""
        self._runner.warm()

    def infer(self) -> Buffers:
        """See `Runner`."""
        outputs = self._runner.infer()
        if self._trouble.nan:
            return {name: np.full_like(value, np.nan) for name, value in outputs.items()}
        if self._trouble.wrong_shape:
            return {name: value[..., :-1] for name, value in outputs.items()}
        return outputs

    def close(self) -> None:
        """See `Runner`."""
        self._runner.close()
