"""Downloads one pinned wheel with pip, so that the user's own package index, proxy and certificates apply."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from engines.errors import EngineError
from engines.manifest import Distribution

_POLL_S: Final = 0.1
_COPIES: Final = 2
"""pip downloads the wheel to its temporary folder, then copies it."""

_NO_NETWORK: Final = re.compile(
    r"from versions: none|connection (broken|aborted|interrupted)|failed to (establish|resolve)|timed out|"
    r"incomplete-download|name resolution|network is unreachable|proxyerror|sslerror|http error 5\d\d",
    re.IGNORECASE,
)
_DISK_FULL: Final = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)


def download_wheel(name: str, distribution: Distribution, folder: Path, on_bytes: Callable[[int], None]) -> Path:
    """Path of the wheel of `name` in `folder`; `on_bytes` is told how much has arrived.

    Takes the wheel for the pinned platform, whatever this machine is. EngineError: no pip, no network, disk
    full, or no such version on the index.
    """
    if importlib.util.find_spec("pip") is None:
        raise EngineError(f"{sys.executable} has no pip: make the environment anew with `python3 -m venv`")
    folder.mkdir(parents=True, exist_ok=True)
    _require_space(name, distribution, folder)
    process = subprocess.Popen(
        _command(name, distribution, folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "TMPDIR": str(folder)},  # pip's unpacking counts and stays on the same disk
    )
    try:
        log = _watch(process, folder, distribution.wheel_bytes, on_bytes)
    finally:
        process.kill()
        process.wait()
    wheels = sorted(folder.glob("*.whl"))
    if process.returncode != 0 or not wheels:
        raise EngineError(_explain(name, distribution, log))
    return wheels[0]


def _require_space(name: str, distribution: Distribution, folder: Path) -> None:
    """Checked beforehand: recent versions of pip report a full disk as an interrupted connection."""
    needed, free = _COPIES * distribution.wheel_bytes, shutil.disk_usage(folder).free
    if free < needed:
        raise EngineError(
            f"cannot download {name} {distribution.version}: disk full, {needed / 1e6:.0f} MB needed and "
            f"{free / 1e6:.0f} MB free in {folder.parents[1]}; free some space or set EXO_EDGE_CACHE"
        )


def _command(name: str, distribution: Distribution, folder: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "pip", "download", f"{name}=={distribution.version}"),
        *("--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check"),
        *("--progress-bar", "off", "--retries", "2", "--dest", str(folder)),
        *("--platform", distribution.platform, "--python-version", distribution.python),
        *("--implementation", distribution.implementation, "--abi", distribution.abi),
    ]


def _watch(process: subprocess.Popen[str], folder: Path, total_bytes: int, on_bytes: Callable[[int], None]) -> str:
    """Report the size of the growing file until pip ends; what pip said."""
    while True:
        try:
            return process.communicate(timeout=_POLL_S)[0]
        except subprocess.TimeoutExpired:
            on_bytes(min(_largest_file(folder), total_bytes))


def _largest_file(folder: Path) -> int:
    largest = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                largest = max(largest, os.stat(os.path.join(parent, name)).st_size)
            except FileNotFoundError:  # pip moved it meanwhile
                continue
    return largest


def _explain(name: str, distribution: Distribution, log: str) -> str:
    what = f"cannot download {name} {distribution.version}"
    if _DISK_FULL.search(log):
        return f"{what}: disk full; free some space or set EXO_EDGE_CACHE to a folder with space"
    if _NO_NETWORK.search(log):
        return f"{what}: no network, or the package index does not answer; connect and run `exo-edge fetch`"
    errors = [line[6:].strip() for line in log.splitlines() if line.lower().startswith("error:")]
    return f"{what}: {errors[-1] if errors else 'pip failed without a word'}"
