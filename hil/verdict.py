"""Passed or failed, with one line per check that says the value, the bound and the outcome."""

from __future__ import annotations

from dataclasses import dataclass

from edge_runtime.record.reader import Record
from edge_runtime.record.violations import TorqueLimits
from hil.measures import Measures, SafeLimits, Tracking, measure


@dataclass(frozen=True, slots=True)
class BenchLimits:
    """What a run on the bench must keep. `wire` and `safe` always; the rest only where given.

    `max_rmse_nm`, `min_r`, `min_transmitted`: tracking of each leg while ENGAGED; `max_missed`: deadlines;
    `max_safe_entries`: 0 for a run without faults; `min_engaged_share`: share of the cycles spent ENGAGED.
    """

    wire: TorqueLimits
    safe: SafeLimits
    max_rmse_nm: float | None = None
    min_r: float | None = None
    min_transmitted: float | None = None
    max_missed: int | None = None
    max_safe_entries: int | None = None
    min_engaged_share: float | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One check: `line` reads "name: value (bound)"."""

    passed: bool
    line: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`passed` only if every check did; `lines` for people; `measures` for JSON."""

    checks: tuple[Check, ...]
    measures: Measures

    @property
    def passed(self) -> bool:
        """True if every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def lines(self) -> tuple[str, ...]:
        """One line per check, "ok" or "FAIL" first."""
        return tuple(f"{'ok  ' if check.passed else 'FAIL'} {check.line}" for check in self.checks)


def verdict(record: Record, limits: BenchLimits, states: tuple[str, ...]) -> Verdict:
    """Judge a record. An empty or cut one fails, and so does a bound on what was not measured."""
    found = measure(record, limits.wire, limits.safe, states)
    cycles = record.cycles["t_ns"].size
    checks = [
        Check(cycles > 0, f"torque loop recorded: {cycles} cycles (more than 0)"),
        Check(record.complete, f"record closed properly: {'yes' if record.complete else 'no, it was cut'}"),
        *_wire(found, limits.wire),
        *_safe(found, limits),
    ]
    for leg in found.tracking:
        checks += _leg(leg, limits)
    if limits.min_engaged_share is not None:
        checks.append(_at_least("share of time engaged", found.engaged_share, limits.min_engaged_share))
    if limits.max_missed is not None:
        checks.append(_at_most("missed deadlines", found.missed, limits.max_missed, ""))
    return Verdict(tuple(checks), found)


def _wire(found: Measures, limits: TorqueLimits) -> list[Check]:
    seen, down_limit = found.violations, limits.slew_down_nm_per_s
    return [
        _none("torque on the wire", seen.torque, seen.worst_torque_nm, limits.torque_nm, "Nm"),
        _none("slew up on the wire", seen.slew_up, seen.worst_up_nm_per_s, limits.slew_up_nm_per_s, "Nm/s"),
        _none("slew down on the wire", seen.slew_down, seen.worst_down_nm_per_s, down_limit, "Nm/s"),
    ]


def _safe(found: Measures, limits: BenchLimits) -> list[Check]:
    checks = []
    times = found.times_to_zero_ms
    if limits.max_safe_entries is not None:
        checks.append(_at_most("entries into SAFE", len(times), limits.max_safe_entries, ""))
    if times:
        checks.append(_at_most("time to zero after SAFE", max(times), limits.safe.time_to_zero_ms, " ms"))
    return checks


def _leg(leg: Tracking, limits: BenchLimits) -> list[Check]:
    checks = []
    if limits.max_rmse_nm is not None:
        checks.append(_at_most(f"tracking RMSE {leg.side}", leg.rmse_nm, limits.max_rmse_nm, " Nm"))
    if limits.min_r is not None:
        checks.append(_at_least(f"tracking correlation {leg.side}", leg.r, limits.min_r))
    if limits.min_transmitted is not None:
        checks.append(_at_least(f"torque transmitted {leg.side}", leg.transmitted, limits.min_transmitted))
    return checks


def _none(name: str, count: int, worst: float, limit: float, unit: str) -> Check:
    return Check(count == 0, f"{name}: {count} violations, peak {worst:.2f} {unit} (limit {limit:.2f} {unit})")


def _at_most(name: str, value: float | None, bound: float, unit: str) -> Check:
    shown = "not measured" if value is None else f"{value:.4g}{unit}"
    return Check(value is not None and value <= bound, f"{name}: {shown} (at most {bound:g}{unit})")


def _at_least(name: str, value: float | None, bound: float) -> Check:
    shown = "not measured" if value is None else f"{value:.4g}"
    return Check(value is not None and value >= bound, f"{name}: {shown} (at least {bound:g})")
