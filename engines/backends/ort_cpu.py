"""Runs an ONNX file on ONNX Runtime's CPU provider with one thread and preallocated, bound buffers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from engines.backends.ort import OrtRunner
from engines.errors import EngineError


class OrtCpuRunner(OrtRunner):
    """A `Runner` on ONNX Runtime for an ONNX file with static shapes.

    EngineError: no such file, damaged, or shapes and types that cannot be bound.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(_open(path), path)
        for name, array in self._inputs.items():
            self._binding.bind_input(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
        for name, array in self._outputs.items():
            self._binding.bind_output(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)

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
