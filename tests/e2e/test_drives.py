"""The whole chain on emulated third-party drives, as a person starts it in three terminals; real ones are refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge_runtime.config import DEFAULT_PATH
from edge_runtime.record.reader import load
from firmware_bridge.actuators.examples import example_files
from firmware_bridge.table import STATES

pytestmark = [pytest.mark.e2e, pytest.mark.assets]
PATIENCE_S = 240.0  # compiling the loop on a busy machine


def start(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "edge_runtime", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(device: Path, out: Path, *more: str) -> tuple[int, str]:
    words = ("--device", str(device), "--passes", "1", "--view", "none", "--out", str(out), *more)
    process = start("run", *words)
    _, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, err


@pytest.fixture
def device(tmp_path: Path) -> Path:
    path = tmp_path / "device.toml"
    text = DEFAULT_PATH.read_text(encoding="utf-8").replace('"unix:"', f'"unix:{tmp_path / "host"}"')
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def session(tmp_path: Path) -> Iterator[None]:
    """Two emulated CubeMars drives and the session that leads them."""
    text = next(path for path in example_files() if path.stem == "cubemars").read_text(encoding="utf-8")
    text = text.replace("socketcan:can0", f"unix:{tmp_path / 'bus'}").replace(
        "reply_max_ms = 10.0", "reply_max_ms = 100.0"
    )
    drives = tmp_path / "drives.toml"
    drives.write_text(text.replace("guard_ms = 50.0", "guard_ms = 1000.0"), encoding="utf-8")
    processes = []
    for words in (("emulate",), ("run", "--host", f"unix:{tmp_path / 'host'}")):
        process = start("drive", words[0], "--drives", str(drives), *words[1:])
        processes.append(process)
        assert process.stdout is not None and process.stdout.readline()
    yield
    for process in reversed(processes):
        process.terminate()
        process.communicate(timeout=30)


def test_torque_reaches_emulated_drives(assets: dict[str, Path], device: Path, session: None, tmp_path: Path) -> None:
    status, err = run(device, tmp_path / "runs")
    assert status == 0, err
    (folder,) = (tmp_path / "runs").iterdir()
    cycles = load(folder).cycles
    engaged = cycles["governor_state"] == STATES["ENGAGED"]
    limited, measured = cycles["limited_nm_r"][engaged], cycles["measured_nm_r"][engaged]
    assert np.ptp(limited) > 2.0
    assert np.corrcoef(limited, measured)[0, 1] > 0.9
    assert "hinge on a spring, not a knee" in (folder / "report.html").read_text(encoding="utf-8")
    status, err = run(device, tmp_path / "virtual", "--clock", "virtual")
    assert status == 1 and "runs by its own clock" in err and err.count("\n") == 1


def test_what_may_be_real_is_refused(assets: dict[str, Path], device: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from firmware_bridge.bus import Listener; l = Listener(sys.argv[1]); print(flush=True); input()"
    )
    command = [sys.executable, "-c", program, f"unix:{tmp_path / 'host'}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as firmware:
        assert firmware.stdout is not None and firmware.stdout.readline()
        status, err = run(device, tmp_path / "runs")
        firmware.communicate("\n")
    assert status == 1 and "it leads to real drives" in err and err.count("\n") == 1
    assert not (tmp_path / "runs").exists()
