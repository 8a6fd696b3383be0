"""Quantile blocks and the host block: what every JSON of a bench or an evaluation carries."""

from __future__ import annotations

import json
import math
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_runtime import __version__

QUANTILES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99_9": 0.999}

Quantiles = dict[str, float | int | None]


def quantiles(values: npt.ArrayLike) -> Quantiles:
    """`{"n", "p50", "p90", "p99", "p99_9", "max"}` of the finite `values` (any shape, any unit).

    The unit belongs in the caller's key (`wake_us`). Linear interpolation between order statistics (numpy's
    default, Hyndman & Fan 1996 type 7). Without a finite value `n` is 0 and the rest is None.
    """
    data = np.asarray(values, dtype=np.float64).ravel()
    data = data[np.isfinite(data)]
    if data.size == 0:
        return {"n": 0, **dict.fromkeys(QUANTILES), "max": None}
    found = np.quantile(data, list(QUANTILES.values()))
    return {
        "n": int(data.size),
        **dict(zip(QUANTILES, found.tolist(), strict=True)),
        "max": float(data.max()),
    }


def jsonable(value: object) -> object:
    """`value` with numpy types turned into Python's and NaN or infinity into None, ready for strict JSON."""
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return jsonable(value.tolist())
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, np.generic):
        return jsonable(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def to_json(value: object) -> str:
    """One strict JSON document: NaN becomes null; keys stay in order; ends without a newline."""
    return json.dumps(jsonable(value), indent=2, allow_nan=False, ensure_ascii=False)


def host_block(now: datetime | None = None) -> dict[str, object]:
    """What measured it: `host` {cpu, kernel, cores, gpu or null}, `version`, `commit` and `commit_dirty`
    (null outside a checkout) and `date` (ISO 8601, UTC; `now` where given)."""
    commit, dirty = _commit(Path(__file__).resolve().parents[1])
    return {
        "host": {
            "cpu": _cpu_name(),
            "kernel": f"{platform.system()} {platform.release()}",
            "cores": len(os.sched_getaffinity(0)),
            "gpu": _gpu_name(),
        },
        "version": __version__,
        "commit": commit,
        "commit_dirty": dirty,
        "date": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
    }


def _cpu_name() -> str:
    names = {"model name", "Model", "Hardware"}
    found = (line.partition(":") for line in _lines(Path("/proc/cpuinfo")))
    by_key = {key.strip(): value.strip() for key, _, value in found if key.strip() in names}
    board = "".join(_lines(Path("/proc/device-tree/model"))).strip("\0 ")
    return by_key.get("model name") or board or by_key.get("Model") or platform.machine()


def _lines(path: Path) -> Iterable[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return ()


def _gpu_name() -> str | None:
    """First GPU that NVIDIA's tool lists, or the board name on a Jetson; None without one."""
    if shutil.which("nvidia-smi"):
        out = _output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")
        if out:
            return out.splitlines()[0].strip()
    board = "".join(_lines(Path("/proc/device-tree/model"))).strip("\0 ")
    return board if "jetson" in board.lower() else None


def _commit(checkout: Path) -> tuple[str | None, bool | None]:
    if not (checkout / ".git").exists():  # installed, not a checkout: another repository may lie above
        return None, None
    head = _output("git", "-C", str(checkout), "rev-parse", "HEAD")
    if head is None:
        return None, None
    changed = _output("git", "-C", str(checkout), "status", "--porcelain", "--untracked-files=no")
    return head, bool(changed)


def _output(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
