"""The governor's C without a warning: gcc and clang at their strictest, cppcheck, its MISRA C:2012 addon."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import unavailable

ROOT: Final = Path(__file__).resolve().parents[2]
GOVERNOR: Final = ROOT / "firmware_bridge" / "governor"
SUPPRESSIONS: Final = Path(__file__).with_name("misra_suppressions.txt")
SOURCES: Final = sorted(GOVERNOR.glob("*.c"))
STRICT: Final = (
    "-std=c99",
    "-pedantic",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wsign-conversion",
    "-Wshadow",
    "-Werror",
)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("level", ["-O0", "-O2"])
def test_compiles_without_a_warning(compiler: str, level: str) -> None:
    if shutil.which(compiler) is None:
        unavailable(f"{compiler} is not installed")
    line = [compiler, *STRICT, level, "-fsyntax-only", f"-I{GOVERNOR}", *map(str, SOURCES)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def cppcheck(*arguments: str) -> list[str]:
    """Findings, one per line."""
    if shutil.which("cppcheck") is None:
        unavailable("cppcheck is not installed")
    line = [
        "cppcheck",
        "--quiet",
        "--std=c99",
        "--platform=unix32",
        "--inline-suppr",
        "--enable=warning,style,performance,portability",
    ]
    line += [
        "--suppress=missingIncludeSystem",
        "--template={file}:{line}: {id}: {message}",
        f"-I{GOVERNOR}",
        *arguments,
    ]
    done = subprocess.run([*line, *map(str, SOURCES)], cwd=ROOT, capture_output=True, text=True, check=False)
    return [entry for entry in done.stderr.splitlines() if entry.strip()]


def test_cppcheck_finds_nothing() -> None:
    assert cppcheck() == []


def test_misra_finds_nothing_but_what_is_explained() -> None:
    assert cppcheck("--addon=misra", f"--suppressions-list={SUPPRESSIONS}") == []


def test_every_deviation_has_its_reason() -> None:
    lines = SUPPRESSIONS.read_text(encoding="utf-8").splitlines()
    for before, line in zip(["", *lines], lines, strict=False):
        assert line.startswith("//") or not line or before.startswith("//"), f"no reason above: {line}"
