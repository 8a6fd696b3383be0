"""GRF engines that judge a person fairly: with weights whose training did not see them, where there are such."""

from __future__ import annotations

from pathlib import Path

from engines.folds import ByPerson
from engines.grf.engine import GrfEngine
from engines.grf.weights import ZOO_PATH, folds_of, read_split


class FairEngines(ByPerson[GrfEngine]):
    """The weights at `onnx_path`, and for their training people those of the folds beside them.

    EngineError: no such file, damaged, or it does not name its people.
    """

    def __init__(self, onnx_path: Path = ZOO_PATH) -> None:
        super().__init__(onnx_path, folds_of(onnx_path), read_split, GrfEngine)
