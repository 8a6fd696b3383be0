"""The original BlazePose networks in the TFLite runtime: what the converted ones are held to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy.typing as npt

from engines.errors import EngineError


class TfliteNet:
    """A TFLite file; tensors go in and come out in the converted layout (NCHW). EngineError: no runtime installed."""

    def __init__(self, path: Path) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError:
            raise EngineError("the TFLite runtime is not installed: pip install ai-edge-litert") from None
        self._net: Any = Interpreter(str(path), num_threads=1)
        self._net.allocate_tensors()

    def infer(self, nchw: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
        """All outputs for one input [1, 3, H, W], by name."""
        self._net.set_tensor(self._net.get_input_details()[0]["index"], nchw.transpose(0, 2, 3, 1))
        self._net.invoke()
        found = {d["name"]: self._net.get_tensor(d["index"]) for d in self._net.get_output_details()}
        return {k: v.transpose(0, 3, 1, 2) if v.ndim == 4 else v for k, v in found.items()}
