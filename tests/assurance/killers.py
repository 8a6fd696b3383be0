"""What a mutant must get past: for C a tape replayed by the compiled mutant, for Python the tests of its module."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from firmware_bridge.errors import BridgeError
from tests.assurance import schemata
from tests.assurance.mutant import Mutant

ROOT: Final = Path(__file__).resolve().parents[2]
BUILD: Final = ROOT / ".build" / "assurance"
GOVERNOR: Final = ROOT / "firmware_bridge" / "governor"
EPISODES: Final = 1800
SEED: Final = 1
TEST_LIMIT_S: Final = 120.0
SANITIZE: Final = (
    "-fsanitize=bounds-strict,shift,signed-integer-overflow,integer-divide-by-zero",
    "-fsanitize-undefined-trap-on-error",
)
TESTS: Final = {
    "edge_runtime/rt/limiter.py": ("tests/assurance/test_limiter_oracle.py",),
    "edge_runtime/rt/window.py": ("tests/rt/test_window.py", "tests/assurance/test_limiter_oracle.py"),
    "edge_runtime/states.py": ("tests/assurance/test_states_table.py",),
    "firmware_bridge/wire.py": ("tests/assurance/test_wire_oracle.py",),
}
"""Tests that must kill the mutants of a Python module; quick, and valid without the compiler of numba."""

Killer = Callable[[Mutant], str]


def compiler() -> str:
    """A C compiler that knows the sanitizers. Raises BridgeError with one line where there is none."""
    found = shutil.which("gcc") or shutil.which("clang")
    if found is None:
        raise BridgeError("no gcc or clang found; install one, on Debian: apt install gcc libc6-dev")
    return found


def tape() -> Path:
    """The recorded tape, made anew when the reference, the traffic or the table changed."""
    path = BUILD / f"{_digest(_suite_files())}.tape"
    if not path.is_file():
        from tests.assurance.episodes import record

        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(".part")
        scratch.write_bytes(record(SEED, EPISODES))
        scratch.replace(path)
    return path


def suite_key(path: str) -> str:
    """Changes with everything that decides whether a mutant of this target dies."""
    if path.endswith(".py"):
        files = [ROOT / path, Path(__file__), *(ROOT / name for name in TESTS[path])]
    else:
        files = [*sorted(GOVERNOR.glob("*.[ch]")), *_suite_files(), Path(__file__).with_name("replay.c")]
    return _digest(files)


def _suite_files() -> list[Path]:
    here = Path(__file__).parent
    names = sorted(path.name for kind in ("reference*", "acts_*") for path in here.glob(f"{kind}.py"))
    names += ["episodes.py", "traffic.py", "tape.py", "rule_cases.py", "killers.py"]
    return [*(here / name for name in names), ROOT / "firmware_bridge" / "limits.toml"]


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def killers_of(mutants: Sequence[Mutant], folder: Path) -> Iterator[tuple[Mutant, Killer]]:
    """Each mutant with what judges it; C first, which is compiled once for all into `folder`."""
    in_c = [mutant for mutant in mutants if not mutant.path.endswith(".py")]
    if in_c:
        yield from _c_killers(in_c, folder)
    in_python = [mutant for mutant in mutants if mutant.path.endswith(".py")]
    if in_python:
        from tests.assurance.pytest_killer import kill_python

        yield from ((mutant, kill_python) for mutant in in_python)


def _c_killers(mutants: Sequence[Mutant], folder: Path) -> Iterator[tuple[Mutant, Killer]]:
    played = tape()
    chosen = [m for path in sorted({m.path for m in mutants}) for m in _choosable(path, mutants)]
    numbers = schemata.build(GOVERNOR, folder, chosen, _line(folder))
    if replay(folder / "replay", played, 0) != "survived":
        raise BridgeError("the governor differs from its reference: run the tests of tests/assurance first")
    chosen_names = {mutant.name for mutant in chosen}
    for mutant in mutants:
        if mutant.name in numbers:
            number = numbers[mutant.name]
            yield mutant, partial(_replay_number, folder / "replay", played, number)
        elif mutant.name in chosen_names:
            yield mutant, lambda _: "stillborn"
        else:
            yield mutant, lambda mutant: kill_alone(mutant, played)


def _replay_number(program: Path, played: Path, number: int, _mutant: Mutant) -> str:
    return replay(program, played, number)


def _choosable(path: str, mutants: Sequence[Mutant]) -> list[Mutant]:
    source = (ROOT / path).read_text(encoding="utf-8")
    return schemata.inside_functions(source, [mutant for mutant in mutants if mutant.path == path])


def kill_alone(mutant: Mutant, played: Path) -> str:
    """Compile the governor with this one mutant in it and play the tape: killed, survived or stillborn."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        folder = Path(name)
        for path in GOVERNOR.glob("*.[ch]"):
            shutil.copy(path, folder)
        own = folder / Path(mutant.path).name
        own.write_text(mutant.applied(own.read_text(encoding="utf-8")), encoding="utf-8")
        line = [*_line(folder), *map(str, sorted(folder.glob("*.c")))]
        built = subprocess.run(line, capture_output=True, check=False).returncode == 0
        return replay(folder / "replay", played, 0) if built else "stillborn"


def _line(folder: Path) -> list[str]:
    """The compiler's line up to the governor's sources."""
    player = str(Path(__file__).with_name("replay.c"))
    return [compiler(), "-std=c99", "-w", "-O0", *SANITIZE, f"-I{folder}", "-o", str(folder / "replay"), player]


def replay(program: Path, played: Path, number: int) -> str:
    """Play the tape with one mutant active; any difference, trap or endless loop is a kill."""
    done = subprocess.run([str(program), str(played), str(number)], capture_output=True, check=False)
    return "survived" if done.returncode == 0 else "killed"
