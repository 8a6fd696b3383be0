"""Downloads pinned packages with pip or npm, so that the user's own index, proxy and certificates apply."""

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
from engines.manifest import Distribution, NpmPackage

_POLL_S: Final = 0.1
_COPIES: Final = 2
"""pip downloads to its temporary folder, npm to its cache; then both copy."""

_NO_NETWORK: Final = re.compile(
    r"from versions: none|connection (broken|aborted|interrupted)|failed to (establish|resolve)|timed out|"
    r"incomplete-download|name resolution|network is unreachable|proxyerror|sslerror|http error 5\d\d|"
    r"enotfound|econnrefused|econnreset|etimedout|eai_again|e5\d\d",
    re.IGNORECASE,
)
_DISK_FULL: Final = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_ERROR_LINE: Final = re.compile(r"(?:error:|npm error 404|npm err! 404)(.*\S.*)", re.IGNORECASE)


def download_wheel(name: str, distribution: Distribution, folder: Path, on_bytes: Callable[[int], None]) -> Path:
    """Path of the wheel of `name` in `folder`; `on_bytes` is told how much has arrived.

    Takes the wheel for the pinned platform, whatever this machine is. EngineError: no pip, no network, disk
    full, or no such version on the index.
    """
    if importlib.util.find_spec("pip") is None:
        raise EngineError(f"{sys.executable} has no pip: make the environment anew with `python3 -m venv`")
    what = f"{name} {distribution.version}"
    folder.mkdir(parents=True, exist_ok=True)
    _require_space(what, distribution.wheel_bytes, folder)
    return _download(what, _command(name, distribution, folder), folder, "*.whl", distribution.wheel_bytes, on_bytes)


def has_npm() -> bool:
    """Whether this machine can fetch from the npm registry."""
    return shutil.which("npm") is not None


def download_tarball(name: str, package: NpmPackage, folder: Path, on_bytes: Callable[[int], None]) -> Path:
    """Path of the tarball of an npm package in `folder`; nothing of it is installed or run. Errors as above."""
    if not has_npm():
        raise EngineError(f"cannot download {name} {package.version}: npm is not installed (Debian: apt install npm)")
    what = f"{name} {package.version}"
    folder.mkdir(parents=True, exist_ok=True)
    _require_space(what, package.tarball_bytes, folder)
    command = ["npm", "pack", f"{name}@{package.version}", "--ignore-scripts", "--no-audit", "--no-fund"]
    command += ["--no-update-notifier", "--pack-destination", str(folder), "--cache", str(folder / "cache")]
    return _download(what, command, folder, "*.tgz", package.tarball_bytes, on_bytes)


def _download(
    what: str, command: list[str], folder: Path, pattern: str, total_bytes: int, on_bytes: Callable[[int], None]
) -> Path:
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "TMPDIR": str(folder)},  # what it unpacks counts and stays on the same disk
    )
    try:
        log = _watch(process, folder, total_bytes, on_bytes)
    finally:
        process.kill()
        process.wait()
    found = sorted(folder.glob(pattern))
    if process.returncode != 0 or not found:
        raise EngineError(_explain(what, command[0], log))
    return found[0]


def _require_space(what: str, size_bytes: int, folder: Path) -> None:
    """Checked beforehand: recent versions of pip report a full disk as an interrupted connection."""
    needed, free = _COPIES * size_bytes, shutil.disk_usage(folder).free
    if free < needed:
        raise EngineError(
            f"cannot download {what}: disk full, {needed / 1e6:.0f} MB needed and "
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


def _explain(wanted: str, tool: str, log: str) -> str:
    what = f"cannot download {wanted}"
    if _DISK_FULL.search(log):
        return f"{what}: disk full; free some space or set EXO_EDGE_CACHE to a folder with space"
    if _NO_NETWORK.search(log):
        return f"{what}: no network, or the package index does not answer; connect and run `exo-edge fetch`"
    errors = [found[1].strip() for line in log.splitlines() if (found := _ERROR_LINE.match(line))]
    return f"{what}: {errors[-1] if errors else f'{Path(tool).name} failed without a word'}"
