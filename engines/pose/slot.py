"""The slot for pose networks: lite, full and heavy by name, or any other by an engine file of its own."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engines.cache import sha256_hex
from engines.errors import EngineError
from engines.fetch import onnx_path
from engines.manifest import PointsSpec, load_manifest, parse

ENGINES: Final = {"lite": "pose_landmark_lite", "full": "pose_landmark", "heavy": "pose_landmark_heavy"}
"""Names for people, and the networks of manifest.toml behind them."""

DEFAULT: Final = "full"


@dataclass(frozen=True, slots=True)
class PoseEngine:
    """A pose network ready to be opened by any backend: `name`, its ONNX file, and how to read it."""

    name: str
    onnx: Path
    points: PointsSpec


@dataclass(frozen=True, slots=True)
class EngineFile:
    """An engine file: a network from elsewhere. `onnx` relative to the file, `sha256` of it in hex."""

    onnx: str
    sha256: str
    licence: str
    points: PointsSpec


def pose_engine(choice: str) -> PoseEngine:
    """The engine called `choice`: lite, full, heavy, or the path of an engine file (docs/cameras.md).

    EngineError, one line: not fetched, no such name or file, wrong key, or the ONNX is not the one it pins.
    """
    if choice in ENGINES:
        points = load_manifest().engines[ENGINES[choice]].points
        assert points is not None
        return PoseEngine(choice, onnx_path(ENGINES[choice]), points)
    path = Path(choice)
    if path.suffix != ".toml":
        raise EngineError(f"pose engine {choice!r}: choose {', '.join(ENGINES)}, or name an engine file (.toml)")
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise EngineError(f"engine file {path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise EngineError(f"engine file {path}: not valid TOML ({error})") from None
    file: EngineFile = parse(EngineFile, document, path)
    onnx = path.parent / file.onnx
    if not onnx.is_file():
        raise EngineError(f"engine file {path}: key onnx names {onnx}, which is not there")
    if (found := sha256_hex(onnx)) != file.sha256:
        raise EngineError(
            f"engine file {path}: {onnx.name} has sha256 {found[:12]}…, key sha256 says {file.sha256[:12]}…"
        )
    return PoseEngine(path.stem, onnx, file.points)
