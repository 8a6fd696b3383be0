"""What came of the faults of an episode: limits at the governor's output, time to zero, who noticed, what is left.

An independent look: it uses the governor's output, the true motion of the knees, the events and the loop's counters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import degrees, radians
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from firmware_bridge.table import LIMITER_REASONS, STATES, TABLE
from hil.faults.kinds import KINDS
from hil.faults.model import Fault
from hil.faults.trace import Trace
from hil.output_check import OutputCheck, check_output

_LINGERS_S: Final = 2.0  # what a fault did may show so long after it: SAFE is left after a second, streams start anew
_LET_GO_NM: Final = 0.02  # two steps of the command's resolution
_DAMPING_SLACK: Final = 1.5  # the governor damps by the velocity that the encoder's filter shows, a little late
_LET_GO_STEPS: Final = 10  # zero is reached where it stays so for 10 ms
_COUNTERS: Final = (
    "missed",
    "rejected",
    "rx_dropped",
    "tx_full",
    "e2e_lost",
    "e2e_gaps",
    "e2e_repeats",
    "e2e_crc",
    "governor_crc",
    "governor_gaps",
    "governor_repeats",
    "governor_rejected",
)
_FOLLOWS: Final = (  # what every SAFE brings with it, and the way back
    "firmware_safe", "host_safe", "cleared", "no_host", "none", "handshake_complete", "armed", "estimate_valid",
    "disengaged", "rights_missing", "stop_requested", "mode", "not_armed",
)  # fmt: skip
_MISLEADING: Final = ("encoder_stuck", "encoder_offset", "encoder_delayed")
_MISLED_RAD: Final = radians(35.0)
_MISLED_S: Final = 1.0
"""An encoder may be wrong unnoticed by so much, root mean square over so long: what the watch promises
(docs/reasons/encoder_implausible.md), and what the made-up camera errs."""
_NORMAL_LIMITS: Final = (  # what the limiter does in a run without faults too
    "none", "torque", "slew_up", "slew_down", "window", "tracking", "kcf", "disengaged", "power", "opposing", "i2t",
    "soft_stop", "velocity", "age",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: milliseconds from its beginning to SAFE and to zero torque (None: never, within its time), the reason
    the governor gave, and everything by which it showed; empty where it did no harm and nobody noticed."""

    fault: Fault
    safe_ms: float | None
    safe_reason: str
    zero_ms: float | None
    noticed: tuple[str, ...]

    @property
    def outcome(self) -> str:
        """One line for people."""
        if self.safe_ms is not None:
            return f"SAFE after {self.safe_ms:.0f} ms: {self.safe_reason}"
        if self.noticed:
            return f"noticed: {', '.join(self.noticed)}"
        return "harmless: the governor's output kept every limit"


@dataclass(frozen=True, slots=True)
class Judgement:
    """`output`: the limits; `unexplained`: lines about what no fault accounts for; `hang`: why it did not end."""

    output: OutputCheck
    findings: tuple[Finding, ...]
    unexplained: tuple[str, ...]
    hang: str

    @property
    def passed(self) -> bool:
        """No limit broken, no hang, nothing unexplained."""
        return not (self.output.violations or self.hang or self.unexplained)


def judge(trace: Trace, faults: Sequence[Fault]) -> Judgement:
    """Judge what `faults` did to the run that left `trace`."""
    output = check_output(trace.applied, TABLE.joints["knee_r"], STATES, TABLE.safe.damping_max_nm)
    let_go = let_go_steps(trace.applied)
    findings = tuple(_finding(trace, let_go, fault) for fault in faults)
    return Judgement(output, findings, tuple(_unexplained(trace, faults)), trace.hang)


def let_go_steps(applied: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """[n] True where both joints have no torque, or in SAFE no more than damping that takes energy out."""
    command = applied["command_nm"]
    rate = np.gradient(applied["hinge_rad"], 1e-3, axis=0) if len(applied) > 1 else np.zeros_like(command)
    damps = (applied["state"] == STATES["SAFE"])[:, None] & (command * rate <= 0.0)
    damping_nm = np.minimum(_DAMPING_SLACK * TABLE.safe.damping_nm_s_per_rad * np.abs(rate), TABLE.safe.damping_max_nm)
    allowed = np.where(damps, damping_nm, 0.0)
    return np.asarray((np.abs(command) <= allowed + _LET_GO_NM).all(axis=1))


def zero_from_ms(trace: Trace, let_go: npt.NDArray[np.bool_], start_s: float) -> float | None:
    """Milliseconds from `start_s` until torque is gone and stays gone for 10 ms; None where it never is."""
    first = int(np.searchsorted(trace.applied_s, start_s - 1e-6))
    after = let_go[first:]
    if len(after) < _LET_GO_STEPS:
        return None
    runs = np.lib.stride_tricks.sliding_window_view(after, _LET_GO_STEPS).all(axis=1)
    steady = np.flatnonzero(runs)
    return None if steady.size == 0 else float(1e3 * (trace.applied_s[first + steady[0]] - start_s))


def _span(fault: Fault) -> tuple[float, float]:
    """Within this time what happens may be its doing."""
    end_s = np.inf if _lasts(fault) else fault.start_s + fault.duration_s + _LINGERS_S
    return fault.start_s - 1e-6, end_s


def _lasts(fault: Fault) -> bool:
    """True for what does not end by itself: the dead stay dead, and a clock that leapt has leapt."""
    return fault.duration_s == 0.0 or fault.kind in ("process_kill", "process_oom")


def _finding(trace: Trace, let_go: npt.NDArray[np.bool_], fault: Fault) -> Finding:
    begin_s, end_s = _span(fault)
    reasons = KINDS[fault.kind].reasons
    within = (trace.applied_s >= begin_s) & (trace.applied_s <= end_s)
    state = trace.applied["state"]
    entries = np.flatnonzero(within[1:] & (state[1:] == STATES["SAFE"]) & (state[:-1] != STATES["SAFE"])) + 1
    safe_ms, safe_reason = None, ""
    if entries.size:
        safe_ms = float(1e3 * (trace.applied_s[entries[0]] - fault.start_s))
        safe_reason = TABLE.reason_name(int(trace.applied["reason"][entries[0]]))
    seen = _events(trace, begin_s, end_s) | _in_rows(trace, begin_s, end_s)
    seen |= {TABLE.reason_name(int(code)) for code in np.unique(trace.applied["reason"][within])}
    return Finding(
        fault=fault,
        safe_ms=safe_ms,
        safe_reason=safe_reason,
        zero_ms=zero_from_ms(trace, let_go, fault.start_s),
        noticed=tuple(reason for reason in dict.fromkeys(reasons) if reason in seen),
    )


def _in_rows(trace: Trace, begin_s: float, end_s: float) -> set[str]:
    """Limiter reasons other than those of normal life, and counters that moved."""
    within = (trace.rows_s >= begin_s - 1e-3) & (trace.rows_s <= end_s)
    seen: set[str] = set()
    for side in "rl":
        seen |= {LIMITER_REASONS[int(code)] for code in np.unique(trace.column(f"limiter_{side}")[within])}
    for name in _COUNTERS:
        values = trace.column(name)[within]
        if values.size and (values != values[0]).any():
            seen.add(name)
    return seen


def _unexplained(trace: Trace, faults: Sequence[Fault]) -> list[str]:
    """Trips and faults of the state machine that no fault of the episode accounts for."""
    lines = []
    for event in trace.events:
        if event.level == "error" and event.code not in _accounted(faults, event.at_s):
            lines.append(f"{event.at_s:.3f} s: {event.code} ({event.text})")
    return lines + _not_back(trace, faults) + [line for fault in faults for line in _misled(trace, fault)]


def _misled(trace: Trace, fault: Fault) -> list[str]:
    """An encoder's fault that made it wrong by much, for long, while torque was on, and that nobody noticed."""
    begin_s, end_s = _span(fault)
    if fault.kind not in _MISLEADING or _events(trace, begin_s, end_s) & set(KINDS[fault.kind].reasons):
        return []
    live = trace.column("governor_state") == STATES["ENGAGED"]
    within = live & (trace.rows_s >= begin_s) & (trace.rows_s <= fault.start_s + (fault.duration_s or np.inf))
    steps = round(_MISLED_S * 1e3)
    if np.count_nonzero(within) < steps:
        return []
    for side, name in enumerate("rl"):
        hinge = np.interp(trace.rows_s[within], trace.applied_s, trace.applied["hinge_rad"][:, side])
        off = trace.column(f"position_rad_{name}")[within] - hinge
        worst = float(np.sqrt(np.convolve(off**2, np.ones(steps) / steps, "valid").max()))
        if worst > _MISLED_RAD:
            return [f"{fault.start_s:.3f} s: {fault.kind} (wrong by {degrees(worst):.0f} deg, unnoticed)"]
    return []


def _events(trace: Trace, begin_s: float, end_s: float) -> set[str]:
    return {event.code for event in trace.events if begin_s <= event.at_s <= end_s}


def _accounted(faults: Sequence[Fault], at_s: float) -> set[str]:
    known = set(_FOLLOWS)
    for fault in faults:
        begin_s, end_s = _span(fault)
        if begin_s <= at_s <= end_s + _LINGERS_S:
            known |= set(KINDS[fault.kind].reasons)
    return known


def _not_back(trace: Trace, faults: Sequence[Fault]) -> list[str]:
    """A run whose faults are all over for long must assist again by its end."""
    if trace.hang or not len(trace.applied) or any(_lasts(f) and f.kind != "clock_jump" for f in faults):
        return []
    calm_s = float(trace.applied_s[-1]) - max((f.start_s + f.duration_s for f in faults), default=0.0)
    state = int(trace.applied["state"][-1])
    if calm_s < RECOVERY_S or state == STATES["ENGAGED"]:
        return []
    return [f"not assisting {calm_s:.1f} s after the last fault: {TABLE.reason_name(int(trace.applied['reason'][-1]))}"]


RECOVERY_S: Final = 8.0
"""So long after the last fault assistance is back: SAFE for a second, the way through IDLE, a clock learnt anew."""
