"""The committed weights of the inpainter and what they say about themselves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from engines.errors import EngineError
from engines.folds import fold_file

ZOO_PATH: Final = Path(__file__).resolve().parents[1] / "zoo" / "inpaint_gait.onnx"
METADATA_KEY: Final = "exo_edge_inpaint"


@dataclass(frozen=True)
class Facts:
    """People by name, seen in training and kept from it; what a filled leg adds to the deviation of ground reaction.

    `force_sd_bw_per_rad` [3]: body weights per rad of the filled joints' mean deviation, axes x, y, z.
    """

    trained: tuple[str, ...]
    held_out: tuple[str, ...]
    force_sd_bw_per_rad: tuple[float, float, float]


def folds_of(onnx_path: Path) -> Path:
    """The folder beside `onnx_path` of the weights of the other folds: built alike, without other people."""
    return onnx_path.parent / "inpaint_folds"


def fold_path(fold: int, onnx_path: Path = ZOO_PATH) -> Path:
    """Where the weights of one fold lie beside `onnx_path`."""
    return fold_file(fold, folds_of(onnx_path))


def read_facts(onnx_path: Path) -> Facts:
    """The facts in the metadata of `onnx_path`. EngineError: no such file, damaged, or it does not say."""
    if not onnx_path.is_file():
        raise EngineError(f"engine file {onnx_path} is missing: train it with python -m engines.training.inpaint")
    return _facts(onnx_path, onnx_path.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _facts(onnx_path: Path, _changed_ns: int) -> Facts:
    """What the file says about itself; read again when it changes."""
    import onnxruntime as ort

    try:
        session: Any = ort.InferenceSession(str(onnx_path), providers=["CPUExecutionProvider"])
        said = json.loads(session.get_modelmeta().custom_metadata_map[METADATA_KEY])
        x, y, z = said["force_sd_bw_per_rad"]
        return Facts(tuple(said["trained"]), tuple(said["held_out"]), (x, y, z))
    except KeyError:
        raise EngineError(f"engine file {onnx_path} does not name its training people: train it again") from None
    except Exception as error:  # onnxruntime raises one class per status code, all of them bare Exceptions
        raise EngineError(f"engine file {onnx_path} is damaged: restore it from the repository") from error
