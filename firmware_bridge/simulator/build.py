"""Compiles the governor: as the simulated firmware, or as a shared library that a test can call."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from firmware_bridge.errors import BridgeError

SIMULATOR: Final = Path(__file__).resolve().parent
GOVERNOR: Final = SIMULATOR.parent / "governor"
COMPILERS: Final = ("cc", "gcc", "clang")
FLAGS: Final = (
    "-std=c99",
    "-Wall",
    "-Wextra",
    "-Wshadow",
    "-Wconversion",
    "-Wsign-conversion",
    "-Werror",
    "-O2",
    "-ffp-contract=off",
)


def build(out_dir: Path) -> Path:
    """Compile the simulated firmware into `out_dir`; returns the executable, at once where it exists.

    Raises BridgeError with one line where no compiler is installed or it fails.
    """
    sources = [path for folder in (SIMULATOR, GOVERNOR) for path in folder.glob("*.c") if path.name != "embedded.c"]
    return compile_sources(out_dir, "firmware", sorted(sources), [SIMULATOR, GOVERNOR], [])


def build_library(out_dir: Path) -> Path:
    """Compile the governor alone as a shared library into `out_dir`; same rules as `build`."""
    return _compiled(out_dir, "governor.so", [GOVERNOR], ["-shared", "-fPIC"])


def build_program(out_dir: Path, name: str, source: Path) -> Path:
    """Compile the governor and the C files of `source` into an executable in `out_dir`; same rules as `build`."""
    return _compiled(out_dir, name, [source, GOVERNOR], [])


def _compiled(out_dir: Path, name: str, folders: Sequence[Path], extra: Sequence[str]) -> Path:
    sources = sorted(path for folder in folders for path in folder.glob("*.c"))
    return compile_sources(out_dir, name, sources, folders, extra)


def compile_sources(
    out_dir: Path, name: str, sources: Sequence[Path], folders: Sequence[Path], extra: Sequence[str]
) -> Path:
    """Compile `sources` with the headers of `folders` into `out_dir`; same rules as `build`."""
    headers = sorted(path for folder in folders for path in folder.glob("*.h"))
    flags = [*FLAGS, *extra, *(f"-I{folder}" for folder in folders)]
    target = out_dir / f"{_key([*sources, *headers], [*FLAGS, *extra])}-{name}"
    if not target.is_file():
        _run_compiler(out_dir, target, [*flags, *map(str, sources)])
    return target


def _key(files: Sequence[Path], flags: Sequence[str]) -> str:
    digest = hashlib.sha256(" ".join([os.uname().machine, *flags]).encode())
    for path in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _run_compiler(out_dir: Path, target: Path, arguments: Sequence[str]) -> None:
    compiler = next((found for name in COMPILERS if (found := shutil.which(name))), None)
    if compiler is None:
        raise BridgeError("no C compiler found (cc, gcc or clang); install one, on Debian: apt install gcc libc6-dev")
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=out_dir, prefix=".compiling-")
    except OSError as error:
        raise BridgeError(f"cannot write the compiled firmware to {out_dir}: {error.strerror}") from error
    os.close(handle)
    done = subprocess.run([compiler, *arguments, "-o", scratch, "-lm"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        Path(scratch).unlink()
        first = next((line for line in done.stderr.splitlines() if "error" in line), "no message")
        raise BridgeError(f"{compiler} cannot compile the governor: {first}")
    os.replace(scratch, target)
