"""Where numba keeps compiled code: one folder per state of the sources.

Numba checks only the file of the function it loads, not the files of what that function calls: after an update it
would run a torque loop compiled from old rules. So the folder's name is a hash over every source of the compiled
packages. Must run before numba is imported.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

KEPT: Final = 16
PACKAGES: Final = ("edge_runtime", "firmware_bridge", "engines", "calibration")


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
    digest = hashlib.sha256(sys.version.encode())
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    digest.update((root / "firmware_bridge" / "limits.toml").read_bytes())
    return digest.hexdigest()[:16]
