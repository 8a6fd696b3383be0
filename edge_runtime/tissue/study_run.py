"""Runs the cases of a study over the cores; each result goes to disk at once, so a killed run continues."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from edge_runtime.errors import UserError
from edge_runtime.progress import progress
from edge_runtime.tissue.study_case import COLUMNS, Result, row, solve
from edge_runtime.tissue.study_plan import Case

DONE_FILE: Final = "results.jsonl"
TABLE_FILE: Final = "results.csv"


def run_study(cases: list[Case], out: Path, jobs: int) -> list[Result]:
    """Results in the order of `cases`; those already in `out` are not computed again. Writes the table."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        done = _read(out / DONE_FILE)
        left = [case for case in cases if case.key not in done]
        with (out / DONE_FILE).open("a", encoding="utf-8") as file:
            for case, result in progress(_solved(left, jobs), len(left), "study"):
                file.write(json.dumps({"key": case.key, "result": asdict(result)}) + "\n")
                file.flush()
                os.fsync(file.fileno())
                done[case.key] = result
        results = [done[case.key] for case in cases]
        with (out / TABLE_FILE).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(row(case, result) for case, result in zip(cases, results, strict=True))
    except OSError as error:
        raise UserError(f"{out}: cannot be written ({error.strerror}); choose another --out") from None
    return results


def _solved(cases: list[Case], jobs: int) -> Iterator[tuple[Case, Result]]:
    """Each case with its result, as they come."""
    if jobs == 1 or len(cases) < 2:
        yield from ((case, solve(case)) for case in cases)
        return
    with multiprocessing.get_context("spawn").Pool(min(jobs, len(cases)), _one_thread) as pool:
        yield from pool.imap_unordered(_both, cases)


def _both(case: Case) -> tuple[Case, Result]:
    return case, solve(case)


def _one_thread() -> None:
    """Cores are shared out by cases; a worker's linear algebra keeps to its own."""
    os.environ["OMP_NUM_THREADS"] = "1"


def _read(path: Path) -> dict[str, Result]:
    """What a run before this one left; a last line cut short by a kill is dropped, also from the file."""
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    whole = [line for line in lines if line.endswith("\n")]
    if len(whole) < len(lines):
        path.write_text("".join(whole), encoding="utf-8")
    try:
        entries: list[dict[str, Any]] = [json.loads(line) for line in whole]
        return {entry["key"]: Result(**entry["result"]) for entry in entries}
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path}: not the results of a study; remove it, or choose another --out") from None
