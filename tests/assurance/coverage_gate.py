"""Coverage of the safety code: every line and every branch, or the run fails and names what is missing.

`python -m tests.assurance.coverage_gate`. The C governor is measured by gcov while it replays the tape; the Python
modules by coverage.py while their tests run without numba's compiler.
"""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from firmware_bridge.errors import BridgeError
from tests.assurance.killers import GOVERNOR, ROOT, TESTS, tape
from tests.assurance.pytest_killer import environment

PLAYER: Final = Path(__file__).with_name("replay.c")


def c_gaps() -> tuple[dict[str, int], list[str]]:
    """Lines and branches of the governor, and those that the tape never takes."""
    gcc, gcov = shutil.which("gcc"), shutil.which("gcov")
    if gcc is None or gcov is None:
        raise BridgeError("no gcc or gcov found; install them, on Debian: apt install gcc libc6-dev")
    with tempfile.TemporaryDirectory(prefix="coverage-") as name:
        folder = Path(name)
        sources = [*map(str, sorted(GOVERNOR.glob("*.c"))), str(PLAYER)]
        line = [gcc, "-std=c99", "-O0", "--coverage", f"-I{GOVERNOR}", *sources, "-o", "replay"]
        subprocess.run(line, cwd=folder, check=True)
        subprocess.run([str(folder / "replay"), str(tape())], cwd=folder, check=True)
        notes = sorted(str(path) for path in folder.glob("*.gcda"))
        subprocess.run(
            [gcov, "--json-format", "--branch-probabilities", *notes], cwd=folder, check=True, capture_output=True
        )
        reports = [json.loads(gzip.decompress(path.read_bytes())) for path in folder.glob("*.gcov.json.gz")]
    return _merged([file for report in reports for file in report["files"]])


def _merged(files: list[dict[str, Any]]) -> tuple[dict[str, int], list[str]]:
    """Sums the counts of headers, which several sources include."""
    lines: dict[tuple[str, int], int] = {}
    branches: dict[tuple[str, int, int], int] = {}
    for file in files:
        path = Path(file["file"])
        if path.parent.resolve() != GOVERNOR:
            continue
        for line in file["lines"]:
            place = (path.name, int(line["line_number"]))
            lines[place] = lines.get(place, 0) + int(line["count"])
            for number, branch in enumerate(line["branches"]):
                key = (*place, number)
                branches[key] = branches.get(key, 0) + int(branch["count"])
    gaps = [f"{name}:{line}: never run" for (name, line), count in sorted(lines.items()) if not count]
    gaps += [
        f"{name}:{line}: branch {number} never taken" for (name, line, number), n in sorted(branches.items()) if not n
    ]
    return {"lines": len(lines), "branches": len(branches)}, gaps


def python_gaps() -> tuple[dict[str, int], list[str]]:
    """Lines and branches of the Python modules, and those that their tests never take."""
    with tempfile.TemporaryDirectory(prefix="coverage-") as name:
        data, report = Path(name) / "data", Path(name) / "report.json"
        run = [sys.executable, "-m", "coverage"]
        include = f"--include={','.join(TESTS)}"
        tests = [test for names in TESTS.values() for test in names]
        line = [*run, "run", "--branch", include, f"--data-file={data}", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        subprocess.run([*line, "--noconftest", *tests], cwd=ROOT, env=environment(), check=True, stdout=sys.stderr)
        line = [*run, "json", f"--data-file={data}", include, "-o", str(report), "-q"]
        subprocess.run(line, cwd=ROOT, env=environment(), check=True)
        files = json.loads(report.read_text(encoding="utf-8"))["files"]
    counts, gaps = {"lines": 0, "branches": 0}, []
    for path in TESTS:
        file = files[path]
        counts["lines"] += file["summary"]["num_statements"]
        counts["branches"] += file["summary"]["num_branches"]
        gaps += [f"{path}:{line}: never run" for line in file["missing_lines"]]
        gaps += [f"{path}:{a}: never goes to line {b}" for a, b in file["missing_branches"]]
    return counts, gaps


def main() -> int:
    """Entry point; 0 where nothing is missing."""
    c_counts, c_missing = c_gaps()
    python_counts, python_missing = python_gaps()
    print(
        json.dumps({"governor": c_counts, "python": python_counts, "missing": [*c_missing, *python_missing]}, indent=2)
    )
    return 1 if c_missing or python_missing else 0


if __name__ == "__main__":
    sys.exit(main())
