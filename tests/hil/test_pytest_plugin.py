"""The pytest plugin, as a bench uses it: in a pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = """
import pytest

@pytest.mark.hil("torque_ramp")
def test_alone():
    pass

@pytest.mark.hil("gel_medium")
def test_with_result(hil_result):
    assert hil_result.scores["r"] > 0.99

@pytest.mark.hil({broken!r})
def test_not_as_declared():
    pass

@pytest.mark.hil("nobody_wrote_this")
def test_unknown():
    pass
"""


def test_marked_tests_run_their_scenarios(tmp_path: Path) -> None:
    text = (ROOT / "hil/scenarios/torque_ramp.toml").read_text(encoding="utf-8").replace("max = 5.0", "max = 0.1")
    broken = tmp_path / "broken.toml"
    broken.write_text(text, encoding="utf-8")
    (tmp_path / "test_bench.py").write_text(TESTS.format(broken=str(broken)), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "hil.pytest_plugin",
        "-p",
        "no:cacheprovider",
        "-q",
        "test_bench.py",
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "2 passed" in done.stdout and ("2 failed" in done.stdout or "2 error" in done.stdout), done.stdout
    assert "is not as declared" in done.stdout and "at most 0.1 %" in done.stdout
    assert "no such scenario" in done.stdout
