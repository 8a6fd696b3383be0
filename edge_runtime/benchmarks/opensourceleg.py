"""opensourceleg's SoftRealtimeLoop beside ours, in an environment of its own: it pins an older numpy."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

import numpy as np

from edge_runtime.benchmarks.slices import PERIOD_US, RATE_HZ, Slice, Slot, missed_of
from edge_runtime.errors import UserError
from engines.cache import cache_dir

VERSION: Final = "3.5.0"
DEFINITIONS: Final = {
    "default": "magnitude of period minus 1 ms: this mode has no absolute deadline (maintain_original_phase=False)",
    "phase": "after an absolute deadline (maintain_original_phase=True)",
}
_SCRIPT: Final = Path(__file__).with_name("opensourceleg_loop.py")
_INSTALL_TIMEOUT_S: Final = 300.0
_GRACE_S: Final = 60.0


def prepare() -> str:
    """Install it into the user's cache where it is not there yet; why that failed, "" where it is there."""
    folder = _folder()
    if (folder / "ready").exists():
        return ""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        venv.create(folder, with_pip=True)
        pip = [str(_python()), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        subprocess.run(
            [*pip, f"opensourceleg=={VERSION}"],
            check=True, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_S,
        )  # fmt: skip
    except subprocess.CalledProcessError as error:
        lines = str(error.stderr or error.output or "").strip().splitlines()
        return f"opensourceleg {VERSION} cannot be installed: {lines[-1] if lines else 'no message'}"
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"opensourceleg {VERSION} cannot be installed: {error}"
    (folder / "ready").touch()
    return ""


def run(mode: str, slot: Slot, seconds: float) -> Slice:
    """One slice of `mode` ("default" or "phase"); its interpreter has nothing else to do."""
    command = [
        str(_python()),
        "-I",
        str(_SCRIPT),
        mode,
        str(slot.core),
        str(slot.priority),
        str(round(seconds * RATE_HZ)),
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=2 * seconds + _GRACE_S, check=False, env=environment
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"opensourceleg did not end within {2 * seconds + _GRACE_S:.0f} s") from None
    if done.returncode != 0:
        raise UserError(f"opensourceleg failed: {(done.stderr.strip() or 'no message').splitlines()[-1]}")
    return read(mode, np.array(json.loads(done.stdout.splitlines()[0]), np.float64))


def read(mode: str, stamps: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Slice:
    """A slice from [n, 2] rows (woke, deadline), s; `default` knows no deadline and is held against its period."""
    woke = stamps[:, 0]
    if mode == "default":
        late_us = np.abs(np.diff(woke) * 1e6 - PERIOD_US)
    else:
        late_us = (woke - stamps[:, 1]) * 1e6
    return Slice(late_us, missed_of(late_us), float(woke[-1] - woke[0]), len(woke) - 1)


def _folder() -> Path:
    return cache_dir() / f"opensourceleg-{VERSION}-py{sys.version_info.major}{sys.version_info.minor}"


def _python() -> Path:
    return _folder() / "bin" / "python"
