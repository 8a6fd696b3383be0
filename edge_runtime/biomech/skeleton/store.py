"""Compiled models by path: an `.npz` is read, an `.osim` compiled once and kept in the user's cache."""

from __future__ import annotations

import hashlib
from pathlib import Path

from edge_runtime.biomech.skeleton.format import Compiled, load, save
from edge_runtime.biomech.skeleton.sample import Progress
from engines.cache import cache_dir


def _silent(done: int, count: int) -> None:
    """No progress shown."""


def compiled_model(path: Path, progress: Progress = _silent) -> Compiled:
    """The model in `path`. Raises UserError where it is missing, broken, or OpenSim is needed and absent.

    The cache is keyed by the file's content and by the compiler's own sources.
    """
    if path.suffix == ".npz" or not path.is_file():
        return load(path)
    kept = cache_dir() / "models" / f"{path.stem}-{_key(path)}.npz"
    if kept.is_file():
        return load(kept)
    from edge_runtime.biomech.skeleton.compile import compile_model

    model, _ = compile_model(path, progress=progress)
    kept.parent.mkdir(parents=True, exist_ok=True)
    partial = kept.with_suffix(".part")
    save(partial, model)
    partial.replace(kept)
    return model


def _key(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
