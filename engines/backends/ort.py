"""What both of ONNX Runtime's runners share: buffers of a session, and what a caller sees of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from engines.backends.base import Buffers
from engines.errors import EngineError

_DTYPES: Final[dict[str, type[np.generic]]] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}


class OrtRunner:
    """An open session with arrays of its own for every input and output. EngineError: they cannot be bound."""

    WARM_RUNS = 3
    """The first run grows the arena, the second still touches new pages; the third is the check."""

    def __init__(self, session: Any, path: Path) -> None:
        self._session: Any = session
        self._binding: Any = session.io_binding()
        self._inputs = {a.name: _buffer_for(a, path) for a in session.get_inputs()}
        self._outputs = {a.name: _buffer_for(a, path) for a in session.get_outputs()}

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """The runner itself: a copy of what uses it goes on with the same session and the same buffers."""
        memo.update({id(array): array for array in (*self._inputs.values(), *self._outputs.values())})
        return self

    @property
    def inputs(self) -> Buffers:
        """Input arrays by name, to be written in place."""
        return self._inputs

    def warm(self) -> None:
        """Run `WARM_RUNS` times on whatever the inputs hold."""
        for _ in range(self.WARM_RUNS):
            self.infer()

    def infer(self) -> Buffers:
        """Run once; returns the output arrays by name, filled again by the next call."""
        self._refuse_closed()
        self._session.run_with_iobinding(self._binding)
        return self._outputs

    def _refuse_closed(self) -> None:
        if self._session is None:
            raise ValueError("infer() on a closed runner")


def _buffer_for(argument: Any, path: Path) -> npt.NDArray[Any]:
    """Zeros for an input or output of a session. EngineError: a shape or type that cannot be bound."""
    dtype = _DTYPES.get(argument.type)
    if dtype is None or not all(isinstance(n, int) for n in argument.shape):
        raise EngineError(
            f"engine file {path}: tensor {argument.name!r} is {argument.type} {argument.shape}, "
            "only static shapes of float, double, int64 or bool are supported"
        )
    return np.zeros(argument.shape, dtype)
