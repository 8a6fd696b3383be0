"""The whole chain over a real CAN interface in a box: bit for bit what it does over a socket."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_runtime.config import DEFAULT_PATH
from edge_runtime.record.reader import Record, load
from edge_runtime.run import Clock, View, execute
from firmware_bridge.table import STATES
from hil.canbox import Box, Time
from tests.e2e.test_virtual import plan_for
from tests.hil.boxes import EXO_EDGE, inside, require_kernel

pytestmark = [pytest.mark.e2e, pytest.mark.assets, pytest.mark.uml]
ROOT = Path(__file__).resolve().parents[2]
MEMORY_MB = 3000


@pytest.fixture(scope="module")
def over_socket(assets: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Record:
    """On the host; this also compiles what the box then reads."""
    return load(
        execute(plan_for(assets["demo_clip"], tmp_path_factory.mktemp("socket"), 1), Clock.VIRTUAL, View.NONE).folder
    )


def test_the_bus_makes_no_difference(over_socket: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_kernel(Time.REAL)
    monkeypatch.chdir(ROOT)
    device = tmp_path / "device.toml"
    text = DEFAULT_PATH.read_text(encoding="utf-8")
    device.write_text(text.replace('bus = "unix:"', 'bus = "socketcan:vcan0"'), encoding="utf-8")
    assert "vcan0" in device.read_text()
    command = [*EXO_EDGE, "run", "--clock", "virtual", "--passes", "1", "--view", "none", "--device", str(device)]
    box = Box([*command, "--out", str(tmp_path)], memory_mb=MEMORY_MB, writable=(tmp_path,), timeout_s=280)
    status, _, err = inside(box)
    assert status == 0, err
    (folder,) = (p for p in tmp_path.iterdir() if p.is_dir())
    over_can = load(folder)
    assert (over_can.cycles["governor_state"] == STATES["ENGAGED"]).any()
    for name, values in over_socket.cycles.items():
        assert np.array_equal(values, over_can.cycles[name], equal_nan=True), name
