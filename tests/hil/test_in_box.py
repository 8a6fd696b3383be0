"""Tests of the bridge once more inside a box, where CAN sockets are real; in virtual time, so that no load disturbs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hil.canbox import Box, Time
from tests.hil.boxes import compiled, inside, require_kernel

pytestmark = pytest.mark.uml
__all__ = ["compiled"]
ROOT = Path(__file__).resolve().parents[2]
FILES = (
    "tests/box/real_can.py",
    "tests/firmware_bridge/test_vcan.py",
    "tests/firmware_bridge/test_bus.py",
    "tests/firmware_bridge/test_simulator.py",
)


def test_the_bridge_in_a_box(compiled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    require_kernel(Time.VIRTUAL)
    monkeypatch.chdir(ROOT)
    box = Box([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *FILES], time=Time.VIRTUAL, timeout_s=280)
    status, out, err = inside(box)
    assert status == 0, out + err
    assert "skipped" not in out and "passed" in out, out
