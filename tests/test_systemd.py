"""The unit file: accepted by systemd itself, without a word."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.conftest import unavailable

UNIT = Path(__file__).resolve().parents[1] / "systemd" / "exo-edge.service"


def test_systemd_accepts_the_unit() -> None:
    if shutil.which("systemd-analyze") is None:
        unavailable("systemd-analyze is not installed: apt-get install systemd")
    done = subprocess.run(["systemd-analyze", "verify", str(UNIT)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_watchdog_is_slower_than_the_supervisor() -> None:
    text = UNIT.read_text()
    assert "Type=notify" in text
    assert "WatchdogSec=1" in text  # ten ticks of the supervisor
