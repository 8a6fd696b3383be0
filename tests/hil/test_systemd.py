"""The unit under a real systemd, process 1 of a box: ready, killed by its watchdog, restarted, stopped in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.cache import cache_dir
from hil.canbox import Box, Time
from tests.conftest import unavailable
from tests.hil.boxes import EXO_EDGE, compiled, inside

pytestmark = pytest.mark.uml
__all__ = ["compiled"]
ROOT = Path(__file__).resolve().parents[2]


def test_watchdog_restart_and_stop(compiled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/lib/systemd/systemd").exists():
        unavailable("systemd is not installed: apt-get install systemd")
    monkeypatch.chdir(ROOT)
    command = [*EXO_EDGE, "hil", "loop", "--bus", "socketcan:vcan0", "--seconds", "1000", "--out", "/var/lib/exo-edge"]
    monkeypatch.setenv("EXO_EDGE_CACHE", str(cache_dir()))
    box = Box(command, time=Time.VIRTUAL, init=ROOT / "tests" / "hil" / "systemd_init.sh", timeout_s=200)
    status, out, err = inside(box)
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "started active running",
        "after 3 s active restarts 0",
        "after a hang active restarts 1 another process yes",
        "stopped inactive result success status 0",
    ]
