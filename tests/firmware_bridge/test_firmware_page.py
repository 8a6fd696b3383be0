"""docs/firmware.md: its program compiles against the governor, it names every reason, and its links lead somewhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from firmware_bridge.table import GOVERNOR_REASONS

DOCS = Path(__file__).resolve().parents[2] / "docs"
GOVERNOR = DOCS.parent / "firmware_bridge" / "governor"
TEXT = (DOCS / "firmware.md").read_text(encoding="utf-8")


def test_the_example_compiles_without_a_warning(tmp_path: Path) -> None:
    (block,) = re.findall(r"```c\n(.*?)```", TEXT, re.DOTALL)
    source = tmp_path / "control.c"
    source.write_text(block, encoding="utf-8")
    warnings = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Werror"]
    command = ["cc", *warnings, f"-I{GOVERNOR}", "-c", str(source), "-o", str(tmp_path / "control.o")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_reason_is_explained() -> None:
    for name in GOVERNOR_REASONS.keys() - {"none", "clear_request"}:
        assert f"[{name}](reasons/{name}.md)" in TEXT


def test_links_and_files_are_there() -> None:
    for target in re.findall(r"\]\(([^)]*)\)", TEXT):
        assert (DOCS / target).is_file(), target
    listed = set(re.findall(r"^\| `(\w+\.[ch])`", TEXT, re.MULTILINE))
    assert {path.name for path in GOVERNOR.glob("*.c")} <= listed
