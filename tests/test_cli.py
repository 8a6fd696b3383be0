"""The command line: usage errors, doctor, generated files, and code compiled from the present sources only."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge_runtime.cli import main
from edge_runtime.doctor import examine

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    "line", [["run", "--passes", "0"], ["run", "--crop", "1,2"], ["run", "--frames", "x"], ["nonsense"], []]
)
def test_a_wrong_line_is_a_usage_error(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(line)
    assert caught.value.code == 2
    assert "usage: exo-edge" in capsys.readouterr().err


def test_doctor_names_every_matter_with_advice_where_something_lacks() -> None:
    findings = examine()
    assert {"real-time priority", "CAN in the kernel", "GPU", "tensorrt", "C compiler"} <= {f.what for f in findings}
    assert all(f.advice for f in findings if f.status == "no")


def run(*line: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge_runtime", *line]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=dict(os.environ))


def test_doctor_json_is_one_object() -> None:
    document = json.loads(run("doctor", "--json").stdout)
    assert {"checks", "host", "version", "commit", "date"} <= document.keys()


def test_nothing_generated_is_stale() -> None:
    done = run("can", "generate", "--check")
    assert (done.returncode, done.stdout) == (0, "")


def test_compiled_code_is_kept_per_state_of_the_sources(tmp_path: Path) -> None:
    copy = tmp_path / "checkout"
    for package in ("edge_runtime", "firmware_bridge", "engines", "calibration"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__", "zoo"))
    script = (
        "import os; from pathlib import Path; from edge_runtime.codecache import use_code_cache;"
        f"use_code_cache(Path({str(tmp_path)!r})); print(os.environ['NUMBA_CACHE_DIR'])"
    )

    def folder() -> str:
        command = [sys.executable, "-c", script]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=copy).stdout.strip()

    first = folder()
    assert folder() == first
    limiter = copy / "edge_runtime" / "rt" / "limiter.py"
    limiter.write_text(limiter.read_text() + "# another rule\n")
    assert folder() != first


def test_a_cache_that_cannot_be_written_is_replaced_by_a_temporary_one() -> None:
    script = (
        "import os; from pathlib import Path; from edge_runtime.codecache import use_code_cache;"
        "use_code_cache(Path('/sys/nowhere')); print(os.environ['NUMBA_CACHE_DIR'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "/sys" not in done.stdout
