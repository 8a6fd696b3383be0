"""Where numba keeps compiled code: one folder per state of the sources.

Numba checks only the file of the function it loads, not the files of what that function calls: after an update it
would run a torque loop compiled from old rules. So the folder's name is a hash over every source that compiled code
can reach: the modules that use numba and all that these import. Must run before numba is imported.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

KEPT: Final = 16
PACKAGES: Final = ("edge_runtime", "firmware_bridge", "engines", "calibration")
_IMPORT: Final = re.compile(r"^\s*(?:from\s+([\w.]+)\s+import\s+(\([^)]*\)|[^\n]*)|import\s+([\w.]+))", re.MULTILINE)


def use_code_cache(cache: Path) -> None:
    """Point numba at `cache`/code/<hash>, or at a temporary folder where that cannot be written."""
    if "numba" in sys.modules:
        raise RuntimeError("use_code_cache must run before numba is imported")
    folder = cache / "code" / _sources_hash()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="exo-edge-code-"))  # ours alone: cached code is loaded, not checked
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    else:
        _forget_old(folder)
    os.environ["NUMBA_CACHE_DIR"] = str(folder)


def _forget_old(folder: Path) -> None:
    """Keep the newest few states of the sources."""
    with contextlib.suppress(OSError):  # another process may be at the same
        os.utime(folder)
        for old in sorted(folder.parent.iterdir(), key=lambda path: path.stat().st_mtime)[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)


def _sources_hash() -> str:
    root = Path(__file__).resolve().parents[1]
    sources = {
        path.relative_to(root).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"): path.read_text()
        for package in PACKAGES
        for path in (root / package).rglob("*.py")
    }
    digest = hashlib.sha256(sys.version.encode())
    for name in sorted(reachable(sources)):
        digest.update(f"{name}\0{sources[name]}".encode())
    digest.update((root / "firmware_bridge" / "limits.toml").read_bytes())
    return digest.hexdigest()[:16]


def reachable(sources: dict[str, str]) -> set[str]:
    """Names of the modules in `sources` (name: text) that use numba, and of all that these import, at any depth."""
    waiting = [name for name, text in sources.items() if any(m.startswith("numba") for m in _imported(text))]
    found = set(waiting)
    while waiting:
        name = waiting.pop()
        new = ({name.rpartition(".")[0]} | _imported(sources[name])) & sources.keys() - found
        found |= new
        waiting += new
    return found


def _imported(text: str) -> set[str]:
    """Modules that the import statements of `text` may mean, wherever they stand."""
    names: set[str] = set()
    for package, members, module in _IMPORT.findall(text):
        names |= {package or module, *(f"{package}.{member}" for member in re.findall(r"\w+", members))}
    return names
