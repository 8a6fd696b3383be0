"""The committed weights and what they say about themselves: people seen, people held out, set sizes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engines.errors import EngineError

ZOO_PATH: Final = Path(__file__).resolve().parents[1] / "zoo" / "grf_gait.onnx"
METADATA_KEY: Final = "exo_edge_grf"


@dataclass(frozen=True)
class Split:
    """People by name: those whose trials trained the weights and those kept from them."""

    trained: tuple[str, ...]
    held_out: tuple[str, ...]


def read_split(onnx_path: Path) -> Split:
    """Who trained the weights in `onnx_path`, from its metadata. EngineError: no such file, or it does not say."""
    if not onnx_path.is_file():
        raise EngineError(f"engine file {onnx_path} is missing: train it with python -m engines.training.grf")
    import onnxruntime as ort

    try:
        session: Any = ort.InferenceSession(str(onnx_path), providers=["CPUExecutionProvider"])
        said = json.loads(session.get_modelmeta().custom_metadata_map[METADATA_KEY])
        return Split(tuple(said["trained"]), tuple(said["held_out"]))
    except KeyError:
        raise EngineError(f"engine file {onnx_path} does not name its training people: train it again") from None
    except Exception as error:  # onnxruntime raises one class per status code, all of them bare Exceptions
        raise EngineError(f"engine file {onnx_path} is damaged: restore it from the repository") from error
