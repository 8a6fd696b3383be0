"""One slice of one variant, and what follows from many of them: quantiles, missed periods, ratios to a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from edge_runtime.stats import QUANTILES, quantiles
from edge_runtime.types import F64

RATE_HZ: Final = 1000
PERIOD_US: Final = 1_000_000 // RATE_HZ
RATIO_KEYS: Final = ("p50", "p90", "p99", "p99_9")


@dataclass(frozen=True, slots=True)
class Slot:
    """Where and how every variant runs: the same core and the same SCHED_FIFO priority (0: ordinary)."""

    core: int
    priority: int


@dataclass(frozen=True, slots=True)
class Slice:
    """Wake-ups of one variant: how late each was, us; `span_s` and `periods` from first to last, where known."""

    late_us: F64
    missed: int
    span_s: float = 0.0
    periods: int = 0
    compute_us: F64 = field(default_factory=lambda: np.zeros(0))


def schedule(names: Sequence[str], rounds: int, seed: int) -> list[tuple[int, str]]:
    """(round, variant) for each slice: every variant once per round, in an order drawn anew for each."""
    rng = np.random.default_rng(seed)
    return [(k, names[i]) for k in range(rounds) for i in rng.permutation(len(names))]


def missed_of(late_us: F64) -> int:
    """Periods that passed whole while a wake-up was late."""
    return int(np.sum(np.maximum(late_us, 0.0) // PERIOD_US))


def variant_block(slices: Sequence[Slice], definition: str) -> dict[str, Any]:
    """`wake_us` over all slices, `missed`, `rate_error` (None where the variant does not tell), and the definition."""
    return {
        "wake_us": quantiles(np.concatenate([s.late_us for s in slices])),
        "missed": sum(s.missed for s in slices),
        "rate_error": rate_error(slices),
        "latency_is": definition,
    }


def rate_error(slices: Sequence[Slice]) -> float | None:
    """How far the mean period is from nominal, relative; missed periods count as periods, they are told apart."""
    periods = sum(s.periods for s in slices)
    if not periods:
        return None
    return abs(sum(s.span_s for s in slices) * RATE_HZ / periods - 1.0)


def ratios(slices: Sequence[Slice], reference: Sequence[Slice]) -> dict[str, float]:
    """Median over rounds of quantile / quantile of the reference in the same round."""
    found: dict[str, list[float]] = {key: [] for key in RATIO_KEYS}
    for ours, theirs in zip(slices, reference, strict=True):
        for key in RATIO_KEYS:
            found[key].append(quantile(ours, key) / quantile(theirs, key))
    return {key: float(np.median(values)) for key, values in found.items()}


def quantile(found: Slice, key: str) -> float:
    """One of RATIO_KEYS of a slice, us."""
    return float(np.quantile(found.late_us, QUANTILES[key]))


def all_ratios(slices: Mapping[str, Sequence[Slice]], reference: str) -> dict[str, dict[str, float]]:
    """`ratios` of every variant but the reference; empty where the reference was not run."""
    if reference not in slices:
        return {}
    return {name: ratios(found, slices[reference]) for name, found in slices.items() if name != reference}
