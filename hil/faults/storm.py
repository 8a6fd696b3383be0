"""Storms: random episodes against the real loop and governor for virtual hours; each failure made small and kept."""

from __future__ import annotations

import json
import math
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from calibration.profile import load_profile
from edge_runtime.config import load_device
from edge_runtime.errors import UserError
from hil.faults.draw import EPISODE_S, draw_episode
from hil.faults.episode import Episode, read_episode, write_episode
from hil.faults.judge import Finding, Judgement, judge
from hil.faults.player import play
from hil.faults.shrink import shrink
from hil.faults.trace import Trace

MINIMAL_FILE: Final = "minimal.toml"
WHOLE_FILE: Final = "episode.toml"
APPLIED_FILE: Final = "applied.npy"
VERDICT_FILE: Final = "verdict.json"
_QUANTILES: Final = (("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99_9", 99.9), ("max", 100.0))


@dataclass(frozen=True, slots=True)
class StormPlan:
    """So many virtual hours of episodes drawn from `seed`, for this wearer; failures go to `out`."""

    hours: float
    seed: int
    profile_path: Path
    out: Path
    jobs: int = 1

    @property
    def episodes(self) -> int:
        """How many that are."""
        return max(1, math.ceil(self.hours * 3600.0 / EPISODE_S))


@dataclass(slots=True)
class Storm:
    """What came of it so far."""

    episodes: int = 0
    violations: int = 0
    hangs: int = 0
    unexplained: list[str] = field(default_factory=list)
    by_kind: dict[str, Counter[str]] = field(default_factory=dict)
    safe_ms: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add(self, number: int, judgement: Judgement) -> None:
        """Count one episode."""
        self.episodes += 1
        self.violations += judgement.output.violations
        self.hangs += bool(judgement.hang)
        self.unexplained += [f"episode {number}: {line}" for line in judgement.unexplained]
        for finding in judgement.findings:
            counts = self.by_kind.setdefault(finding.fault.kind, Counter())
            counts[_outcome(finding)] += 1
            if finding.safe_ms is not None:
                self.safe_ms.append(finding.safe_ms)

    def document(self) -> dict[str, Any]:
        """The figures, as BENCH.md names them, and more."""
        total: Counter[str] = sum(self.by_kind.values(), Counter())
        return {
            "virtual_hours": self.episodes * EPISODE_S / 3600.0,
            "faults": total.total(),
            "violations": self.violations,
            "hangs": self.hangs,
            "unexplained": len(self.unexplained),
            "episodes": self.episodes,
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
    storm = Storm()
    for number, judgement in _judged(plan):
        storm.add(number, judgement)
        if not judgement.passed:
            folder = plan.out / f"episode-{plan.seed}-{number}"
            keep_failure(draw_episode(plan.seed, number), judgement, folder, plan.profile_path)
            storm.failures.append(str(folder))
            progress(f"episode {number} failed: {_why(judgement)}; kept in {folder}")
        if storm.episodes % 20 == 0 or storm.episodes == plan.episodes:
            hours = storm.episodes * EPISODE_S / 3600.0
            progress(f"{hours:.2f} of {plan.hours:g} h, {len(storm.failures)} failures")
    return storm


def _judged(plan: StormPlan) -> Iterator[tuple[int, Judgement]]:
    one = partial(_play_one, plan.seed, plan.profile_path)
    if plan.jobs == 1:
        yield from map(one, range(plan.episodes))
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(plan.jobs, context) as pool:
        yield from pool.map(one, range(plan.episodes))


def _play_one(seed: int, profile_path: Path, number: int) -> tuple[int, Judgement]:
    _, judgement = play_and_judge(draw_episode(seed, number), profile_path)
    return number, judgement


def play_and_judge(episode: Episode, profile_path: Path) -> tuple[Trace, Judgement]:
    """One episode and its verdict."""
    trace = play(episode, load_profile(profile_path), profile_path, load_device())
    return trace, judge(trace, episode.faults)


def keep_failure(episode: Episode, judgement: Judgement, folder: Path, profile_path: Path) -> None:
    """Shrink a failing episode and keep both, with the smaller one's record. UserError where that cannot be written."""
    minimal = shrink(episode, lambda simpler: _same_failure(play_and_judge(simpler, profile_path)[1], judgement))
    trace, verdict = play_and_judge(minimal, profile_path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_episode(episode, folder / WHOLE_FILE, (_why(judgement),))
        write_episode(minimal, folder / MINIMAL_FILE, (_why(verdict), f"output {trace.digest}"))
        np.save(folder / APPLIED_FILE, trace.applied)
        (folder / VERDICT_FILE).write_text(json.dumps(_verdict(trace, verdict), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror}); pass another --out") from error


def _same_failure(found: Judgement, wanted: Judgement) -> bool:
    """A smaller episode must fail in the same way: a limit, a hang, or something unexplained of the same code."""
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
    """Play an episode's file again: its verdict, and whether the output is bit for bit that of the record beside it
    (True where there is none)."""
    trace, judgement = play_and_judge(read_episode(path), profile_path)
    kept = path.with_name(APPLIED_FILE)
    same = path.name != MINIMAL_FILE or not kept.exists() or np.load(kept).tobytes() == trace.applied.tobytes()
    return _verdict(trace, judgement) | {"passed": judgement.passed, "as_recorded": same}, same
