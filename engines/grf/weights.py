"""The committed weights and what they say about themselves: people seen, people held out, set sizes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from engines.errors import EngineError
from engines.folds import fold_file

ZOO_PATH: Final = Path(__file__).resolve().parents[1] / "zoo" / "grf_gait.onnx"
METADATA_KEY: Final = "exo_edge_grf"


@dataclass(frozen=True)
class Split:
    """People by name: those whose trials trained the weights and those kept from them."""

    trained: tuple[str, ...]
    held_out: tuple[str, ...]


@dataclass(frozen=True)
class Limits:
    """What people unseen in training taught about the weights' doubt.

    A motion counts as unlike training with a smoothed `novelty` (by block) or `disagreement_bw` (vertical), or a
    difference `unexplained` between force and motion, at its limit; `usual` 0..1 is the part of a limit that is rarely
    passed: doubt begins there. `sd_scale` [2][3]: factors on the deviation in walking and running, by axis.
    """

    novelty: tuple[float, ...]
    disagreement_bw: float
    unexplained: float
    usual: float
    sd_scale: tuple[tuple[float, ...], ...]


def read_split(onnx_path: Path) -> Split:
    """Who trained the weights in `onnx_path`, from its metadata. EngineError: no such file, or it does not say."""
    said = _read(onnx_path)
    try:
        return Split(tuple(said["trained"]), tuple(said["held_out"]))
    except KeyError:
        raise EngineError(f"engine file {onnx_path} does not name its training people: train it again") from None


def folds_of(onnx_path: Path) -> Path:
    """The folder beside `onnx_path` of the folds' weights: built alike, without a fifth of the training people."""
    return onnx_path.parent / "grf_folds"


def fold_path(fold: int, onnx_path: Path = ZOO_PATH) -> Path:
    """Where the weights of one fold lie beside `onnx_path`."""
    return fold_file(fold, folds_of(onnx_path))


def read_limits(onnx_path: Path) -> Limits:
    """When the weights in `onnx_path` must not be believed. EngineError: no such file, or it does not say."""
    said = _read(onnx_path)
    try:
        limits = said["limits"]
        scale = tuple(tuple(float(x) for x in row) for row in limits["sd_scale"])
        top = tuple(float(x) for x in limits["novelty"])
        return Limits(
            top, float(limits["disagreement_bw"]), float(limits["unexplained"]), float(limits["usual"]), scale
        )
    except (KeyError, TypeError):
        raise EngineError(f"engine file {onnx_path} does not say what it was trained for: train it again") from None


def _read(onnx_path: Path) -> dict[str, Any]:
    if not onnx_path.is_file():
        raise EngineError(f"engine file {onnx_path} is missing: train it with python -m engines.training.grf")
    return _said(onnx_path, onnx_path.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _said(onnx_path: Path, _changed_ns: int) -> dict[str, Any]:
    """What the file says about itself; read again when it changes."""
    import onnxruntime as ort

    try:
        session: Any = ort.InferenceSession(str(onnx_path), providers=["CPUExecutionProvider"])
        said: dict[str, Any] = json.loads(session.get_modelmeta().custom_metadata_map[METADATA_KEY])
    except KeyError:
        raise EngineError(f"engine file {onnx_path} is not a GRF network: train it again") from None
    except Exception as error:  # onnxruntime raises one class per status code, all of them bare Exceptions
        raise EngineError(f"engine file {onnx_path} is damaged: restore it from the repository") from error
    return said
