"""A missed deadline with its evidence, and the one sentence that says what most likely caused it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_MOST: Final = 0.5  # a delay that explains at least this share of the lateness is named as the cause
_PERIOD_MS: Final = 1.0  # a cycle that overran had its own period for what takes it some hundredths of one


@dataclass(frozen=True, slots=True)
class Miss:
    """One stall of the torque loop: `periods` in a row without a cycle.

    The loop's own counts (faults, switches, `cpu_ms`) span the `since_ms` before its end. What the operating system
    shows (`steal_ms` of its core, `run_delay_ms`: ready to run but not running, `rival`: the thread that ran most on
    that core, for `rival_ms`) spans `interval_ms`, which is longer; -1 and "" where it shows nothing. Steal is counted
    in steps of the kernel's tick, usually 10 ms.
    """

    t_ns: int
    periods: int
    wake_ms: float  # from the deadline to the wake-up
    overrun_ms: float  # the cycle before was at work for so long past its period
    minor_faults: int
    major_faults: int
    voluntary: int
    involuntary: int
    cpu_ms: float
    since_ms: float
    steal_ms: float = -1.0
    run_delay_ms: float = -1.0
    rival: str = ""
    rival_ms: float = -1.0
    interval_ms: float = -1.0
    cause: str = ""


def explain(miss: Miss) -> str:
    """What most likely caused it: the first of page faults, stolen time, waiting for the core that explains enough."""
    worked_ms = _PERIOD_MS + miss.overrun_ms if miss.overrun_ms > 0.0 else 0.0
    late_ms = max(miss.wake_ms, worked_ms)
    if miss.major_faults > 0:
        return f"{miss.major_faults} pages had to come from disk: memory is not locked"
    if miss.steal_ms >= _MOST * late_ms:
        return f"the hypervisor gave the core to somebody else for {miss.steal_ms:.0f} ms"
    if miss.run_delay_ms >= _MOST * late_ms:
        return f"ready to run, but without its core for {miss.run_delay_ms:.1f} ms{_rival(miss)}"
    if worked_ms > miss.wake_ms:
        return _long_cycle(miss)
    return "woke too late without having waited for its core: interrupts, power saving, or the host of this machine"


def _rival(miss: Miss) -> str:
    return f"; {miss.rival} ran {miss.rival_ms:.1f} ms on it" if miss.rival else ""


def _long_cycle(miss: Miss) -> str:
    if miss.minor_faults > 0:
        return f"its cycle met {miss.minor_faults} page faults: memory was not warm"
    if miss.involuntary > 0:
        return f"its cycle was interrupted {miss.involuntary} times{_rival(miss)}"
    return "its cycle took too long without being interrupted: stopped from outside, or the host of this machine"
