"""An engine that fails on order: a `Runner` around a real one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.backends.base import Buffers, Runner
from engines.backends.wrapped import WrappedRunner


@dataclass(slots=True)
class EngineTrouble:
    """What the engines of a run suffer now; shared by all of them."""

    nan: bool = False
    wrong_shape: bool = False


class FaultyRunner(WrappedRunner):
    """Implements `Runner`: the engine's own outputs, or what `trouble` makes of them."""

    def __init__(self, runner: Runner, trouble: EngineTrouble) -> None:
        super().__init__(runner)
        self._trouble = trouble

    def infer(self) -> Buffers:
        """See `Runner`."""
        outputs = super().infer()
        if self._trouble.nan:
            return {name: np.full_like(value, np.nan) for name, value in outputs.items()}
        if self._trouble.wrong_shape:
            return {name: value[..., :-1] for name, value in outputs.items()}
        return outputs
