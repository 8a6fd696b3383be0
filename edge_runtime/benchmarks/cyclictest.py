"""The reference: cyclictest of rt-tests (Debian), on the same core, priority and period; its histogram read to 1 us."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Final

import numpy as np

from edge_runtime.benchmarks.slices import PERIOD_US, RATE_HZ, Slice, Slot, missed_of
from edge_runtime.errors import UserError
from edge_runtime.types import F64

DEFINITION: Final = "after an absolute deadline"
_BINS_US: Final = 100_000  # wake-ups later than that are counted as the latest one seen
_GRACE_S: Final = 20.0
_BIN = re.compile(r"^(\d{6,}) (\d{6,})$", re.MULTILINE)
_OVERFLOWS = re.compile(r"^# Histogram Overflows: (\d+)", re.MULTILINE)
_MAX = re.compile(r"^# Max Latencies: (\d+)", re.MULTILINE)


def absent() -> str:
    """Why it cannot be run here, "" where it can."""
    return "" if shutil.which("cyclictest") else "cyclictest is not installed: apt install rt-tests"


def run(slot: Slot, seconds: float) -> Slice:
    """One slice. Raises UserError with its own last line where it fails."""
    command = [
        "cyclictest", "--quiet", "--default-system", "--mlockall", "--threads=1", f"--affinity={slot.core}",
        f"--interval={PERIOD_US}", "--distance=0", f"--loops={round(seconds * RATE_HZ)}", f"--histogram={_BINS_US}",
    ]  # fmt: skip
    if slot.priority:
        command.append(f"--priority={slot.priority}")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + _GRACE_S, check=False)
    except subprocess.TimeoutExpired:
        raise UserError(f"cyclictest did not end within {seconds + _GRACE_S:.0f} s") from None
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise UserError(f"cyclictest failed: {last}")
    late_us = parse(done.stdout)
    return Slice(late_us, missed_of(late_us))


def parse(text: str) -> F64:
    """Latencies, us, of a histogram; those of one bin are spread evenly over it, since it holds whole microseconds."""
    bins = np.array([[int(a), int(b)] for a, b in _BIN.findall(text)], np.int64).reshape(-1, 2)
    found = [low + (np.arange(count) + 0.5) / count for low, count in bins[bins[:, 1] > 0]]
    overflows, latest = _OVERFLOWS.search(text), _MAX.search(text)
    if not found or overflows is None or latest is None:
        raise UserError("cyclictest printed no histogram; its version is not one of rt-tests 2")
    return np.concatenate([*found, np.full(int(overflows[1]), float(latest[1]))])
