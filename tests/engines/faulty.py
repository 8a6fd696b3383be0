"""A runner that does what a test tells it: right values, or one of the faults that an engine can have."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engines.backends.base import Buffers, Runner
from engines.backends.wrapped import WrappedRunner


class FaultyRunner(WrappedRunner):
    """Wraps a runner; `fault` is "", "nan", "inf", "shape", "missing", "lost" or "slow", which calls `dawdle`."""

    def __init__(self, runner: Runner, dawdle: Callable[[], None] = lambda: None) -> None:
        super().__init__(runner)
        self._dawdle = dawdle
        self.fault = ""
        self.calls = 0
        self.closed = False

    def infer(self) -> Buffers:
        self.calls += 1
        outputs = super().infer()
        if self.fault == "lost":
            raise RuntimeError("CUDA error 700: an illegal memory access was encountered\nmore")
        if self.fault == "slow":
            self._dawdle()
        name = list(outputs)[-1]
        if self.fault in ("nan", "inf"):
            spoilt = outputs[name].copy()
            spoilt.flat[-1] = float(self.fault)
            return {**outputs, name: spoilt}
        if self.fault == "shape":
            return {**outputs, name: np.zeros((1, 1), np.float32)}
        if self.fault == "missing":
            return {key: value for key, value in outputs.items() if key != name}
        return outputs

    def close(self) -> None:
        self.closed = True
