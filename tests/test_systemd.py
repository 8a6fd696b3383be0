"""The unit file: accepted by systemd itself, without a word."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path

from edge_runtime.startup import STUCK_S
from edge_runtime.supervisor import TICK_NS
from tests.conftest import unavailable

UNIT = Path(__file__).resolve().parents[1] / "systemd" / "exo-edge.service"


def test_systemd_accepts_the_unit() -> None:
    if shutil.which("systemd-analyze") is None:
        unavailable("systemd-analyze is not installed: apt-get install systemd")
    done = subprocess.run(["systemd-analyze", "verify", str(UNIT)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_watchdog_is_slower_than_the_supervisor() -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNIT)
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert float(service["WatchdogSec"]) >= 5 * TICK_NS * 1e-9
    assert float(service["TimeoutStartSec"]) > STUCK_S
    assert service["KillMode"] == "mixed"  # the stop signal is the main process's alone: it lets torque run down
