"""Golden vectors of a network: a small .npz with real inputs and what the original network made of them."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from engines.errors import EngineError
from engines.manifest import load_manifest

FOLDER: Final = Path(__file__).parent
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Golden:
    """`count` real inputs by tensor name, each [count, ...], and what the original network made of them.

    Of its outputs [count, k] the flat entries `at` [k] (None: all); `effect` [count, ...]: what they come to in the
    end, in the unit of the terms.
    """

    count: int
    inputs: Arrays
    outputs: Arrays
    at: dict[str, npt.NDArray[np.int64] | None]
    effect: npt.NDArray[np.float64]


def golden_path(engine: str) -> Path:
    """Where the golden vectors of an engine lie. EngineError: the manifest gives it no terms."""
    terms = load_manifest().engines[engine].terms
    if terms is None:
        raise EngineError(f"engine {engine} has no terms in manifest.toml: nothing to hold it to")
    return FOLDER / terms.golden


def load_golden(engine: str) -> Golden:
    """The golden vectors of an engine. EngineError: missing or damaged."""
    path = golden_path(engine)
    try:
        with np.load(path, allow_pickle=False) as file:
            data = {key: file[key] for key in file.files}
        return _unpack(data)
    except FileNotFoundError:
        raise EngineError(f"golden vectors {path} are missing: restore them from the repository") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise EngineError(f"golden vectors {path} are damaged ({error}): restore them from the repository") from None


def pack(inputs: Arrays, outputs: Arrays, at: Arrays, effect: npt.NDArray[np.float64]) -> Arrays:
    """Arrays to store. Inputs of type uint8 [count, H, W, 3] are pictures: kept as PNG, fed as `scale` says."""
    data = {"effect": effect, **{f"at.{k}": v for k, v in at.items()}, **{f"out.{k}": v for k, v in outputs.items()}}
    for name, value in inputs.items():
        if value.dtype != np.uint8:
            data[f"in.{name}"] = value
            continue
        for i, picture in enumerate(value):
            ok, png = cv2.imencode(".png", picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
            if not ok:
                raise EngineError(f"picture {i} for {name} cannot be encoded: {picture.shape}")
            data[f"png.{name}.{i}"] = png
    return data


def _unpack(data: Arrays) -> Golden:
    inputs = {key[3:]: value.astype(np.float32) for key, value in data.items() if key.startswith("in.")}
    for name in {key.split(".")[1] for key in data if key.startswith("png.")}:
        count = sum(key.startswith(f"png.{name}.") for key in data)
        inputs[name] = np.stack([_picture(data[f"png.{name}.{i}"], *data[f"scale.{name}"]) for i in range(count)])
    outputs = {key[4:]: value for key, value in data.items() if key.startswith("out.")}
    at = {name: data.get(f"at.{name}") for name in outputs}
    return Golden(len(data["effect"]), inputs, outputs, at, data["effect"])


def _picture(png: npt.NDArray[np.uint8], gain: float, offset: float) -> npt.NDArray[np.float32]:
    """Network input [1, 3, H, W] of a PNG."""
    bgr = cv2.imdecode(png, cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError("a picture does not decode")
    planes = np.multiply(bgr[..., ::-1].transpose(2, 0, 1), np.float32(gain), dtype=np.float32)
    return (planes + np.float32(offset))[None]
