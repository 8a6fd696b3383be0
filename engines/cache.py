"""The per-user cache: where it is, atomic writes, checksums, one writer at a time, errors in one line."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engines.errors import EngineError

_SCRATCH_PREFIX: Final = "fetch-"
_READ_ONLY: Final = (errno.EROFS, errno.EACCES, errno.EPERM)
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


def cache_dir() -> Path:
    """`$EXO_EDGE_CACHE`, else `$XDG_CACHE_HOME/exo-edge`, else `~/.cache/exo-edge` (XDG base directories)."""
    own = os.environ.get("EXO_EDGE_CACHE")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "exo-edge"


def sha256_hex(path: Path) -> str:
    """Checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all, also when power fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def scratch(cache: Path) -> Iterator[Path]:
    """An empty folder inside the cache, removed afterwards.

    Holds the cache's lock, so that of two fetches the second waits and finds everything there; what a killed
    fetch left behind goes. EngineError where the cache cannot be written.
    """
    with explained(cache):
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for stale in cache.glob(f"{_SCRATCH_PREFIX}*"):
                shutil.rmtree(stale, ignore_errors=True)
            with tempfile.TemporaryDirectory(dir=cache, prefix=_SCRATCH_PREFIX) as folder:
                yield Path(folder)


@contextlib.contextmanager
def explained(cache: Path) -> Iterator[None]:
    """Turn an OSError inside the block into an EngineError that says what to do about it."""
    try:
        yield
    except OSError as error:
        raise EngineError(os_error_line(error, cache)) from error


def os_error_line(error: OSError, cache: Path) -> str:
    """One line for a failed access to the cache."""
    advice = "set EXO_EDGE_CACHE to a folder with space"
    if error.errno in _FULL:
        return f"disk full while writing to {cache}: free some space or {advice}"
    if error.errno in _READ_ONLY:
        return f"cache folder {cache} cannot be written ({error.strerror}): set EXO_EDGE_CACHE to one that can"
    return f"cache folder {cache} cannot be used ({error.strerror or error}): set EXO_EDGE_CACHE to another"
