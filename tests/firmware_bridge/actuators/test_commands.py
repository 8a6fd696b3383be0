"""`exo-edge drive emulate` and `exo-edge drive run` as a person starts them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.firmware_bridge.actuators.files import drives_text


def start(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "edge_runtime", "drive", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def end(process: subprocess.Popen[str]) -> tuple[str, str]:
    process.send_signal(signal.SIGTERM)
    return process.communicate(timeout=20)


@pytest.fixture
def emulated(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "drives.toml"
    path.write_text(drives_text("cia402").replace("unix:drives", f"unix:{tmp_path / 'bus'}"), encoding="utf-8")
    process = start("emulate", "--drives", str(path))
    assert first_line(process) == f"emulated drives at unix:{tmp_path / 'bus'}\n"
    yield path
    end(process)
    assert process.returncode == 0
    assert not (tmp_path / "bus").exists()


def test_run_leads_emulated_drives_until_asked_to_stop(emulated: Path, tmp_path: Path) -> None:
    host = f"unix:{tmp_path / 'host'}"
    process = start("run", "--drives", str(emulated), "--host", host, "--priority", "0")
    assert host in first_line(process)
    out, err = end(process)
    assert process.returncode == 0, err
    assert {"steps", "late_us", "worst_step_us"} == set(json.loads(out))
    assert not (tmp_path / "host").exists()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["run", "--drives", "{file}", "--host", "can0"], "must be unix:PATH"),
        (["run", "--drives", "{folder}/none.toml"], "cannot be read"),
        (["run", "--drives", "{file}"], "no such socket"),
        (["run", "--drives", "{file}", "--host", "unix:{file}"], "is no socket"),
        (["emulate", "--drives", "{folder}/real.toml"], "must be unix:PATH for emulated drives"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path: Path, words: list[str], line: str) -> None:
    path = tmp_path / "drives.toml"
    path.write_text(drives_text("odrive").replace("unix:drives", f"unix:{tmp_path / 'none'}"), encoding="utf-8")
    (tmp_path / "real.toml").write_text(drives_text("odrive").replace("unix:drives", "socketcan:can0"))
    process = start(*(word.format(file=path, folder=tmp_path) for word in words))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert line in err and err.count("\n") == 1
