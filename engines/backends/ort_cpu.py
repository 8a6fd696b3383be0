"""Runs an ONNX file on ONNX Runtime's CPU provider with one thread and preallocated, bound buffers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

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

WARM_RUNS: Final = 3
"""The first run grows the arena, the second still touches new pages; the third is the check."""


class OrtCpuRunner:
    """A `Runner` on ONNX Runtime for an ONNX file with static shapes.

    EngineError: no such file, damaged, or shapes and types that cannot be bound.
    """

    def __init__(self, path: Path) -> None:
        self._session: Any = _open(path)
        self._binding: Any = self._session.io_binding()
        self._inputs = {a.name: buffer_for(a, path) for a in self._session.get_inputs()}
        self._outputs = {a.name: buffer_for(a, path) for a in self._session.get_outputs()}
        for name, array in self._inputs.items():
            self._binding.bind_input(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
        for name, array in self._outputs.items():
            self._binding.bind_output(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)

    def __deepcopy__(self, memo: dict[int, Any]) -> OrtCpuRunner:
        """The runner itself: a copy of what uses it goes on with the same session and the same buffers."""
        memo.update({id(array): array for array in (*self._inputs.values(), *self._outputs.values())})
        return self

    @property
    def inputs(self) -> Buffers:
        """Input arrays by name, to be written in place."""
        return self._inputs

    def warm(self) -> None:
        """Run `WARM_RUNS` times on whatever the inputs hold."""
        for _ in range(WARM_RUNS):
            self.infer()

    def infer(self) -> Buffers:
        """Run once; returns the output arrays by name, filled again by the next call."""
        if self._session is None:
            raise ValueError("infer() on a closed runner")
        self._session.run_with_iobinding(self._binding)
        return self._outputs

    def bare_call(self) -> Callable[[], Any]:
        """The library's own call on these buffers, to measure this class against."""
        return partial(self._session.run_with_iobinding, self._binding)

    def close(self) -> None:
        """Free the session; calling it twice is harmless."""
        self._binding = None
        self._session = None


def _open(path: Path) -> Any:
    if not path.is_file():
        raise EngineError(f"engine file {path} is missing: run `exo-edge fetch`")
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1  # two threads gave 47 ms outliers on two cores
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3  # errors only
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises one class per status code, all of them bare Exceptions
        raise EngineError(f"engine file {path} is damaged: delete it, then run `exo-edge fetch`") from error


def buffer_for(argument: Any, path: Path) -> npt.NDArray[Any]:
    """Zeros for an input or output of a session. EngineError: a shape or type that cannot be bound."""
    dtype = _DTYPES.get(argument.type)
    if dtype is None or not all(isinstance(n, int) for n in argument.shape):
        raise EngineError(
            f"engine file {path}: tensor {argument.name!r} is {argument.type} {argument.shape}, "
            "only static shapes of float, double, int64 or bool are supported"
        )
    return np.zeros(argument.shape, dtype)
