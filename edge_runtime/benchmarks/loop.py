"""`bench loop`: the torque loop and its peers in interleaved slices, then its mailbox and its deaths."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge_runtime.benchmarks import compute, kills
from edge_runtime.benchmarks.load import Load, loaded
from edge_runtime.benchmarks.slices import RATE_HZ, Slice, Slot, all_ratios, ratios, schedule, variant_block
from edge_runtime.benchmarks.variants import BUSY_REFERENCE, REFERENCE, VARIANTS
from edge_runtime.errors import UserError
from edge_runtime.rt import rights
from edge_runtime.rt.forked import in_process
from edge_runtime.rt.torture import Box, Place, broken_caught, hammer, kill_writers
from edge_runtime.stats import host_block, jsonable, quantiles

ROUNDS: Final = 6  # at least; of at most SLICE_S each
SLICE_S: Final = 10.0
_COMPUTE_CYCLES: Final = 5_000
_BROKEN_S: Final = 20.0
_KILLED_WRITERS: Final = 200
_BROKEN_KILLS: Final = 40

Progress = Callable[[str, float], None]
"""Takes what is being done, and how much of the whole is done, 0 to 1."""


@dataclass(frozen=True, slots=True)
class LoopBench:
    """What to measure: `seconds` per variant, `reads` of the mailbox, so many `deaths` of the estimator."""

    slot: Slot
    variants: Sequence[str]
    seconds: float
    loads: Sequence[Load]
    reads: int
    deaths: int
    seed: int


def measure_loop(bench: LoopBench, progress: Progress) -> dict[str, Any]:
    """The JSON of `bench loop`; raises UserError where the torque loop itself cannot be measured."""
    missing, problems = in_process(rights.claim, bench.slot.core, bench.slot.priority)
    with tempfile.TemporaryDirectory(prefix="exo-edge-") as folder, loaded(bench.loads, Path(folder)) as said:
        slices, skipped = run_slices(bench, lambda what, part: progress(what, 0.7 * part))
        progress("time of a cycle", 0.7)
        cycles = min(_COMPUTE_CYCLES, round(bench.seconds * RATE_HZ))
        compute_us = compute.run(bench.slot, cycles)
    result = summarise(slices) | {
        "skipped": skipped,
        "rights_missing": missing.words(),
        "rights_refused": problems,
        "core": bench.slot.core,
        "priority": bench.slot.priority,
        "slices": len(slices["ours"]),
        "seconds_per_variant": bench.seconds,
        "seed": bench.seed,
        "load": said,
        "cycle_compute_us": {name: quantiles(values) for name, values in compute_us.items()},
        "mailbox": mailbox_block(bench.reads, bench.seed, lambda what, part: progress(what, 0.75 + 0.1 * part)),
        "kills": kills_block(bench.deaths, bench.seed, lambda what, part: progress(what, 0.85 + 0.15 * part)),
    }
    found = jsonable(result | host_block())
    assert isinstance(found, dict)
    return found


def run_slices(bench: LoopBench, progress: Progress) -> tuple[dict[str, list[Slice]], dict[str, str]]:
    """Slices by variant, one per round, and why the others were skipped."""
    skipped = {name: why for name in bench.variants if (why := VARIANTS[name].absent())}
    slices: dict[str, list[Slice]] = {name: [] for name in bench.variants if name not in skipped}
    rounds = max(ROUNDS, round(bench.seconds / SLICE_S))
    plan = schedule(list(slices), rounds, bench.seed)
    for done, (number, name) in enumerate(plan):
        if name in skipped:
            continue
        progress(f"{name}, slice {number + 1} of {rounds}", done / len(plan))
        try:
            slices[name].append(VARIANTS[name].run(bench.slot, bench.seconds / rounds))
        except UserError as error:
            if name == "ours":
                raise
            skipped[name] = str(error)
            slices.pop(name)
    return slices, skipped


def summarise(slices: dict[str, list[Slice]]) -> dict[str, Any]:
    """Quantiles, misses, rates and ratios of all variants."""
    variants = {name: variant_block(found, VARIANTS[name].latency_is) for name, found in slices.items()}
    to_busy = {}
    if BUSY_REFERENCE in slices and "ours_busy" in slices:
        to_busy["ours_busy"] = ratios(slices["ours_busy"], slices[BUSY_REFERENCE])
    return {
        "rate_hz": RATE_HZ,
        "variants": variants,
        "ratio_to_cyclictest": all_ratios(slices, REFERENCE),
        "ratio_to_cyclictest_busy": to_busy,
        "rate_error": variants["ours"]["rate_error"],
    }


def mailbox_block(reads: int, seed: int, progress: Progress) -> dict[str, Any]:
    """Torture of the real mailbox, and whether the same torture catches the broken ones."""

    def report(done: int) -> None:
        progress("mailbox torture", done / reads)

    ring = hammer(Box.RING, Place.PROCESS, reads, report)
    killed = in_process(kill_writers, Box.RING, _KILLED_WRITERS, seed)
    caught = broken_caught(_BROKEN_S, _BROKEN_KILLS, seed)
    return {
        "reads": ring.reads,
        "torn": ring.torn + killed.torn,
        "broken_caught": all(caught.values()),
        "broken": caught,
        "fresh": ring.fresh,
        "failed": ring.failed,
        "backwards": ring.backwards + killed.backwards,
        "writes": ring.writes,
        "writers_killed": killed.rounds,
        "killed_in_write": killed.in_write,
        "readers_starved": killed.starved,
    }


def kills_block(deaths: int, seed: int, progress: Progress) -> dict[str, Any]:
    """SIGKILL and SIGSTOP of the estimator."""
    return kills.summary(kills.run(deaths, seed, lambda done: progress("estimator killed and stopped", done / deaths)))
