"""Passed or failed: what must always hold, what the scenario expects to see, and its bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firmware_bridge.table import LIMITER_REASONS, STATES, TABLE
from hil.output_check import safe_entries
from hil.scenario import Bound, Scenario
from hil.scores import MEASURES
from hil.trace import Trace


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: `line` says value, bound and outcome for people; `bounded` where it is a bound of the scenario."""

    passed: bool
    line: str
    bounded: bool = False


def judge(trace: Trace, scenario: Scenario, found: dict[str, float | None]) -> list[Finding]:
    """Every check of a run, in the order in which a person asks."""
    armed = "no" if trace.problem else "yes"
    line = f"host and governor arm: {trace.problem or armed} (expected: {scenario.expect.arms})"
    findings = [Finding(armed == scenario.expect.arms, line)]
    findings.append(_none("limit violations at the governor's output", found["violations"]))
    findings += _safe(trace, scenario)
    codes = {event.code for event in trace.events}
    findings += [_seen("event", code, code in codes) for code in scenario.expect.events]
    limiter = trace.both("limiter")
    acted = {LIMITER_REASONS[int(code)] for code in np.unique(limiter[np.isfinite(limiter)])}
    findings += [_seen("limiter", name, name in acted) for name in scenario.expect.limiter]
    findings += [_bound(bound, found[bound.name]) for bound in scenario.measure]
    return findings


def as_declared(findings: list[Finding], scenario: Scenario) -> bool:
    """Whether the outcome is the one the scenario declares: a control must break a bound, and nothing else."""
    firm = all(f.passed for f in findings if not f.bounded)
    kept = all(f.passed for f in findings if f.bounded)
    return firm and kept == (scenario.expect.verdict == "pass")


def _none(name: str, value: float | None) -> Finding:
    return Finding(value == 0.0, f"{name}: {'not measured' if value is None else f'{value:.0f}'} (none)")


def _safe(trace: Trace, scenario: Scenario) -> list[Finding]:
    """SAFE is entered with each of the expected reasons, and with no other."""
    seen = {TABLE.reason_name(code) for code in safe_entries(trace.applied, STATES)}
    expected = set(scenario.expect.safe)
    shown, wanted = (", ".join(sorted(names)) or "never" for names in (seen, expected))
    return [Finding(seen == expected, f"entries into SAFE: {shown} (expected: {wanted})")]


def _seen(what: str, name: str, there: bool) -> Finding:
    return Finding(there, f"{what} {name}: {'seen' if there else 'not seen'} (expected)")


def _bound(bound: Bound, value: float | None) -> Finding:
    unit = "" if bound.unit == "1" else f" {bound.unit}"
    parts = [f"at least {bound.min:g}{unit}"] if bound.min is not None else []
    parts += [f"at most {bound.max:g}{unit}"] if bound.max is not None else []
    kept = value is not None
    kept = kept and (bound.min is None or value >= bound.min)  # type: ignore[operator]
    kept = kept and (bound.max is None or value <= bound.max)  # type: ignore[operator]
    shown = "not measured" if value is None else f"{value:.4g}{unit}"
    return Finding(kept, f"{MEASURES[bound.name].text}: {shown} ({', '.join(parts)})", bounded=True)
