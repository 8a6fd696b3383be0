"""Mutation testing of the safety code: `python -m tests.assurance.mutate [--changed] [--files F …] [--budget-s S]`.

Each mutant of the C governor replays a tape whose results an independent reference gave; each mutant of a
Python module runs the tests of that module. A mutant that no test notices survives and fails the run, unless
equivalents.toml lists it with the reason. Verdicts are kept beside the build: a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.assurance.killers import Killer, killers_of, suite_key
from tests.assurance.mutant import Mutant
from tests.assurance.mutate_c import mutants_of_c
from tests.assurance.mutate_py import mutants_of_python

ROOT: Final = Path(__file__).resolve().parents[2]
EQUIVALENTS: Final = Path(__file__).with_name("equivalents.toml")
EQUIVALENTS_MAX: Final = 3
GOVERNOR: Final = "firmware_bridge/governor"
GENERATED: Final = "exo_limits.h"
PYTHON: Final = (
    "edge_runtime/rt/limiter.py",
    "edge_runtime/rt/window.py",
    "edge_runtime/states.py",
    "firmware_bridge/wire.py",
)
SAMPLE: Final = 150  # without git nobody knows what changed: so many, the same ones each time


def targets() -> list[str]:
    """Files whose mutants must die."""
    c_files = sorted(path.name for kind in "ch" for path in (ROOT / GOVERNOR).glob(f"*.{kind}"))
    return [f"{GOVERNOR}/{name}" for name in c_files if name != GENERATED] + list(PYTHON)


def mutants_of(path: str) -> list[Mutant]:
    """Every mutant of one target."""
    source = (ROOT / path).read_text(encoding="utf-8")
    return mutants_of_python(path, source) if path.endswith(".py") else mutants_of_c(path, source)


def equivalents() -> dict[str, str]:
    """Mutants known to change nothing: name without line number -> reason."""
    listed = tomllib.loads(EQUIVALENTS.read_text(encoding="utf-8"))
    return {entry["mutant"]: entry["reason"] for entry in listed.get("equivalent", [])}


def changed_files() -> list[str] | None:
    """Targets that differ from the main line, or on it from the commit before; None without git."""
    for base in ("origin/main", "main"):
        found = _git("merge-base", "HEAD", base)
        if found and found != _git("rev-parse", "HEAD"):
            break
    else:
        found = _git("rev-parse", "HEAD~1")
    if not found:
        return None
    names = (_git("diff", "--name-only", found) or "").splitlines()
    return [name for name in targets() if name in names]


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def run(mutants: Sequence[Mutant], budget_s: float, workers: int) -> dict[str, str]:
    """Verdict per mutant name, as far as the budget goes: killed, survived or stillborn (does not compile)."""
    known = _Verdicts({mutant.path for mutant in mutants})
    todo = [mutant for mutant in mutants if mutant.name not in known.verdicts]
    end = time.monotonic() + budget_s

    def judge(pair: tuple[Mutant, Killer]) -> tuple[str, str]:
        mutant, killer = pair
        return mutant.name, killer(mutant) if time.monotonic() < end else ""

    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ThreadPoolExecutor(workers) as pool:
        for name, verdict in _progress(pool.map(judge, killers_of(todo, Path(folder))), len(todo)):
            if verdict:
                known.add(name, verdict)
    return {mutant.name: known.verdicts[mutant.name] for mutant in mutants if mutant.name in known.verdicts}


def _progress(results: Iterator[tuple[str, str]], total: int) -> Iterator[tuple[str, str]]:
    began, survived = time.monotonic(), 0
    for number, (name, verdict) in enumerate(results, 1):
        survived += verdict == "survived"
        if sys.stderr.isatty() or number % 100 == 0 or number == total:
            bar = "#" * (30 * number // total)
            spent = time.monotonic() - began
            text = f"[{bar:<30}] {number}/{total} mutants, {survived} alive, {spent:.0f} s"
            print(text, end="\r" if sys.stderr.isatty() and number < total else "\n", file=sys.stderr, flush=True)
        yield name, verdict


class _Verdicts:
    """Verdicts on disk, each valid for exactly its sources and tests."""

    def __init__(self, paths: set[str]) -> None:
        folder = ROOT / ".build" / "assurance"
        folder.mkdir(parents=True, exist_ok=True)
        self.files = {path: folder / f"mutants-{suite_key(path)}.jsonl" for path in paths}
        self.verdicts: dict[str, str] = {}
        for file in set(self.files.values()):
            if file.is_file():
                for line in file.read_text(encoding="utf-8").splitlines():
                    self.verdicts.update(json.loads(line))

    def add(self, name: str, verdict: str) -> None:
        self.verdicts[name] = verdict
        with self.files[name.partition(":")[0]].open("a", encoding="utf-8") as file:
            file.write(json.dumps({name: verdict}) + "\n")


def without_line(name: str) -> str:
    """The name as equivalents.toml has it: file and change, so that lines may move."""
    path, _, change = name.split(":", 2)
    return f"{path}: {change.strip()}"


def report(mutants: Sequence[Mutant], verdicts: dict[str, str]) -> dict[str, object]:
    """Counts, the survivors, and what equivalents.toml excuses."""
    excused = equivalents()
    survivors = [name for name, verdict in verdicts.items() if verdict == "survived"]
    alive = [name for name in survivors if without_line(name) not in excused]
    counts = {kind: sum(verdict == kind for verdict in verdicts.values()) for kind in ("killed", "stillborn")}
    return {
        "mutants": len(mutants) - counts["stillborn"],
        "killed": counts["killed"],
        "survived": alive,
        "equivalent": {name: excused[without_line(name)] for name in survivors if without_line(name) in excused},
        "equivalents_listed": len(excused),
        "not_reached": len(mutants) - len(verdicts),
    }


def chosen(arguments: argparse.Namespace) -> list[Mutant]:
    """The mutants asked for; with a budget in an order that samples them evenly."""
    files = arguments.files or targets()
    sampled = False
    if arguments.changed:
        found = changed_files()
        files, sampled = (targets(), True) if found is None else (found, False)
    mutants = [mutant for path in files for mutant in mutants_of(path)]
    if sampled or arguments.budget_s < float("inf"):
        random.Random(1).shuffle(mutants)
    return mutants[:SAMPLE] if sampled else mutants


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; 0 where every mutant reached was killed or is listed, and at most three are listed."""
    parser = argparse.ArgumentParser(prog="mutate", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--changed", action="store_true", help="only files that differ from the main line")
    parser.add_argument("--files", nargs="+", metavar="FILE", help="only these targets")
    parser.add_argument("--budget-s", type=float, default=float("inf"), help="start no mutant after so many seconds")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args(argv)
    mutants = chosen(arguments)
    result = report(mutants, run(mutants, arguments.budget_s, arguments.workers))
    print(json.dumps(result, indent=2))
    return 1 if result["survived"] or len(equivalents()) > EQUIVALENTS_MAX else 0


if __name__ == "__main__":
    sys.exit(main())
