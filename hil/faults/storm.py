"""Storms: random episodes and scenarios under random faults against the real loop and governor for virtual hours;
each failure is made small and kept."""

from __future__ import annotations

import json
import multiprocessing
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from calibration.profile import load_profile
from edge_runtime.config import load_device
from edge_runtime.errors import UserError
from hil.faults.draw import Case, draw_case
from hil.faults.episode import read_episode, write_episode
from hil.faults.judge import Finding, Judgement, judge
from hil.faults.player import play
from hil.faults.scenario_case import ScenarioCase, play_scenario_case, read_scenario_case, write_scenario_case
from hil.faults.shrink import shrink
from hil.faults.trace import Trace
from hil.toml_schema import load_toml

MINIMAL_FILE: Final = "minimal.toml"
WHOLE_FILE: Final = "whole.toml"
APPLIED_FILE: Final = "applied.npy"
VERDICT_FILE: Final = "verdict.json"
_QUANTILES: Final = (("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99_9", 99.9), ("max", 100.0))


@dataclass(frozen=True, slots=True)
class StormPlan:
    """So many virtual hours of cases drawn from `seed`, for this wearer; failures go to `out`."""

    hours: float
    seed: int
    profile_path: Path
    out: Path
    jobs: int = 1

    @property
    def cases(self) -> list[Case]:
        """As many as fill those hours."""
        cases: list[Case] = []
        left_s = self.hours * 3600.0
        while left_s > 0.0:
            cases.append(draw_case(self.seed, len(cases)))
            left_s -= cases[-1].seconds
        return cases


@dataclass(slots=True)
class Storm:
    """What came of it so far."""

    episodes: int = 0
    scenarios: int = 0
    virtual_s: float = 0.0
    violations: int = 0
    hangs: int = 0
    unexplained: list[str] = field(default_factory=list)
    by_kind: dict[str, Counter[str]] = field(default_factory=dict)
    safe_ms: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add(self, number: int, case: Case, judgement: Judgement) -> None:
        """Count one case."""
        self.scenarios += isinstance(case, ScenarioCase)
        self.episodes += not isinstance(case, ScenarioCase)
        self.virtual_s += case.seconds
        self.violations += judgement.output.violations
        self.hangs += bool(judgement.hang)
        self.unexplained += [f"case {number}: {line}" for line in judgement.unexplained]
        for finding in judgement.findings:
            counts = self.by_kind.setdefault(finding.fault.kind, Counter())
            counts[_outcome(finding)] += 1
            if finding.safe_ms is not None:
                self.safe_ms.append(finding.safe_ms)

    def document(self) -> dict[str, Any]:
        """The figures, as BENCH.md names them, and more."""
        total: Counter[str] = sum(self.by_kind.values(), Counter())
        return {
            "virtual_hours": self.virtual_s / 3600.0,
            "faults": total.total(),
            "violations": self.violations,
            "hangs": self.hangs,
            "unexplained": len(self.unexplained),
            "episodes": self.episodes,
            "scenarios": self.scenarios,
            "outcomes": dict(sorted(total.items())),
            "by_kind": {kind: dict(sorted(counts.items())) for kind, counts in sorted(self.by_kind.items())},
            "fault_to_safe_ms": _quantiles(self.safe_ms),
            "unexplained_lines": self.unexplained,
            "failures": self.failures,
        }


def _outcome(finding: Finding) -> str:
    if finding.safe_ms is not None:
        return "safe"
    return "noticed" if finding.noticed else "harmless"


def _quantiles(values: list[float]) -> dict[str, float | int | None]:
    found = {name: float(np.percentile(values, q)) if values else None for name, q in _QUANTILES}
    return {"n": len(values)} | found


def run_storm(plan: StormPlan, progress: Callable[[str], None]) -> Storm:
    """Play all of it. Each failing episode leaves a folder in `plan.out`: whole, minimal, record and verdict."""
    storm, cases = Storm(), plan.cases
    for number, (case, judgement) in enumerate(zip(cases, _judged(plan, cases), strict=True), 1):
        storm.add(number, case, judgement)
        if not judgement.passed:
            folder = plan.out / f"case-{plan.seed}-{number}"
            keep_failure(case, judgement, folder, plan.profile_path)
            storm.failures.append(str(folder))
            progress(f"case {number} failed: {_why(judgement)}; kept in {folder}")
        if number % 20 == 0 or number == len(cases):
            progress(f"{storm.virtual_s / 3600.0:.2f} of {plan.hours:g} h, {len(storm.failures)} failures")
    return storm


def _judged(plan: StormPlan, cases: Sequence[Case]) -> Iterator[Judgement]:
    one = partial(_verdict_of, plan.profile_path)
    if plan.jobs == 1:
        yield from map(one, cases)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(plan.jobs, context) as pool:
        yield from pool.map(one, cases)


def _verdict_of(profile_path: Path, case: Case) -> Judgement:
    return play_and_judge(case, profile_path)[1]


def play_and_judge(case: Case, profile_path: Path) -> tuple[Trace, Judgement]:
    """One case and its verdict; a scenario brings its own wearer."""
    if isinstance(case, ScenarioCase):
        with tempfile.TemporaryDirectory(prefix="exo-edge-") as folder:
            trace = play_scenario_case(case, Path(folder))
    else:
        trace = play(case, load_profile(profile_path), profile_path, load_device())
    return trace, judge(trace, case.faults)


def read_case(path: Path) -> Case:
    """Read the file of an episode or a scenario. UserError, one line, names file and key."""
    return read_scenario_case(path) if "schema" in load_toml(path) else read_episode(path)


def write_case(case: Case, path: Path, remarks: tuple[str, ...]) -> None:
    """Write the file that `read_case` reads; `remarks` go to its head."""
    if isinstance(case, ScenarioCase):
        write_scenario_case(case, path, remarks)
    else:
        write_episode(case, path, remarks)


def keep_failure(case: Case, judgement: Judgement, folder: Path, profile_path: Path) -> None:
    """Shrink a failing case and keep both, with the smaller one's record. UserError where that cannot be written."""
    minimal = shrink(case, lambda simpler: _same_failure(play_and_judge(simpler, profile_path)[1], judgement))
    trace, verdict = play_and_judge(minimal, profile_path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_case(case, folder / WHOLE_FILE, (_why(judgement),))
        write_case(minimal, folder / MINIMAL_FILE, (_why(verdict), f"output {trace.digest}"))
        np.save(folder / APPLIED_FILE, trace.applied)
        (folder / VERDICT_FILE).write_text(json.dumps(_verdict(trace, verdict), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror}); pass another --out") from error


def _same_failure(found: Judgement, wanted: Judgement) -> bool:
    """A smaller one must fail in the same way: a limit, a hang, or something unexplained of the same code."""
    if wanted.output.violations:
        return found.output.violations > 0
    if wanted.hang:
        return bool(found.hang)
    return bool(_codes(found) & _codes(wanted))


def _codes(judgement: Judgement) -> set[str]:
    return {line.partition(": ")[2].partition(" ")[0] for line in judgement.unexplained}


def _why(judgement: Judgement) -> str:
    if judgement.output.violations:
        out = judgement.output
        return f"limits broken: torque {out.torque}, slew {out.slew}, window {out.window}, states {out.shortcuts}"
    return judgement.hang or "; ".join(judgement.unexplained) or "passed"


def _verdict(trace: Trace, judgement: Judgement) -> dict[str, Any]:
    return {
        "why": _why(judgement),
        "output_sha256": trace.digest,
        "findings": [f"{finding.fault.kind}: {finding.outcome}" for finding in judgement.findings],
        "events": [list(event) for event in trace.events],
    }


def replay(path: Path, profile_path: Path) -> tuple[dict[str, Any], bool]:
    """Play a case's file again: its verdict, and whether the output is bit for bit that of the record beside it
    (True where there is none)."""
    trace, judgement = play_and_judge(read_case(path), profile_path)
    kept = path.with_name(APPLIED_FILE)
    same = path.name != MINIMAL_FILE or not kept.exists() or np.load(kept).tobytes() == trace.applied.tobytes()
    return _verdict(trace, judgement) | {"passed": judgement.passed, "as_recorded": same}, same
