"""`exo-edge bench loop`: timing of the torque loop beside its peers, its mailbox, and what the death of others does."""

from __future__ import annotations

import argparse
from typing import Any

from edge_runtime.commands.options import add_json, positive_float, positive_int, show

HELP = "timing of the torque loop beside cyclictest and others; mailbox torture; death of the estimator"

PEERS = ("cyclictest", "opensourceleg", "python")


def configure(parser: argparse.ArgumentParser) -> None:
    """How long, against whom, under what load."""
    parser.add_argument("--seconds", type=positive_float, default=60.0, metavar="S", help="per variant (60)")
    parser.add_argument("--busy", action="store_true", help="also with the loop's own interpreter busy")
    parser.add_argument("--load", action="store_true", help="with every core loaded by ordinary processes")
    parser.add_argument(
        "--against", type=peers, default=("cyclictest", "python"), metavar="A,B",
        help="peers: cyclictest, opensourceleg (installed into the cache), python (cyclictest,python)",
    )  # fmt: skip
    parser.add_argument("--core", type=core, metavar="N", help="core of every variant (loop_core of the device file)")
    parser.add_argument("--priority", type=priority, metavar="P", help="SCHED_FIFO priority, 0: none (loop_priority)")
    parser.add_argument("--reads", type=positive_int, default=100_000_000, metavar="N", help="of the mailbox (1e8)")
    parser.add_argument("--kills", type=positive_int, default=1000, metavar="N", help="of the estimator (1000)")
    parser.add_argument("--seed", type=positive_int, default=1, metavar="N", help="order of slices, random moments (1)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    from edge_runtime.benchmarks.load import Load
    from edge_runtime.benchmarks.loop import LoopBench, measure_loop
    from edge_runtime.benchmarks.progress import bar
    from edge_runtime.benchmarks.slices import Slot
    from edge_runtime.benchmarks.variants import BUSY, chosen
    from edge_runtime.config import load_device

    device = load_device()
    slot = Slot(
        device.loop_core if arguments.core is None else arguments.core,
        device.loop_priority if arguments.priority is None else arguments.priority,
    )
    bench = LoopBench(
        slot=slot,
        variants=chosen(arguments.against, BUSY if arguments.busy else ()),
        seconds=arguments.seconds,
        loads=(Load.CPU,) if arguments.load else (),
        reads=arguments.reads,
        deaths=arguments.kills,
        seed=arguments.seed,
    )
    with bar("bench loop") as progress:
        result = measure_loop(bench, progress)
    show(result, arguments, lines)
    return 0


def lines(result: dict[str, Any]) -> list[str]:
    """The result as a person reads it."""
    head = f"{'wake-up, us':<24}{'n':>8}{'p50':>9}{'p90':>9}{'p99':>9}{'p99.9':>9}{'max':>10}{'missed':>8}"
    rows = [f"{name:<24}{_quantiles(v['wake_us'])}{v['missed']:>8}" for name, v in result["variants"].items()]
    ratio = [
        f"{f'{name} / {reference}':<32}" + "".join(f"{values[key]:>9.2f}" for key in ("p50", "p90", "p99", "p99_9"))
        for reference in ("cyclictest", "cyclictest_busy")
        for name, values in result[f"ratio_to_{reference}"].items()
    ]
    computed = [f"{f'cycle, {name}':<24}{_quantiles(q)}" for name, q in result["cycle_compute_us"].items()]
    mailbox, killed = result["mailbox"], result["kills"]
    return [
        head, *rows, *computed, *ratio,
        f"rate error {result['rate_error']:.2e}; median of {result['slices']} slices each",
        f"mailbox: {mailbox['reads']} reads, {mailbox['torn']} torn; broken ones caught: {mailbox['broken_caught']}",
        f"estimator: {killed['sigkill']} killed, {killed['sigstop']} stopped; torque gone in time "
        f"{killed['zero_in_time']} times, at worst {killed['worst_ms']:.0f} of {killed['bound_ms']:.0f} ms",
        *(f"skipped {name}: {why}" for name, why in result["skipped"].items()),
        *([f"without {result['rights_missing']}"] if result["rights_missing"] else []),
    ]  # fmt: skip


def _quantiles(q: dict[str, Any]) -> str:
    values = "".join(f"{q[key]:>9.1f}" for key in ("p50", "p90", "p99", "p99_9"))
    return f"{q['n']:>8}{values}{q['max']:>10.1f}"


def peers(text: str) -> tuple[str, ...]:
    """Names separated by commas."""
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if unknown := [name for name in names if name not in PEERS]:
        raise argparse.ArgumentTypeError(f"knows {', '.join(PEERS)}, got {unknown[0]}")
    return names


def core(text: str) -> int:
    """A core of this machine."""
    import os

    if not text.isdecimal() or int(text) not in os.sched_getaffinity(0):
        cores = ", ".join(map(str, sorted(os.sched_getaffinity(0))))
        raise argparse.ArgumentTypeError(f"must be a core of this machine ({cores}), got {text}")
    return int(text)


def priority(text: str) -> int:
    """0 (ordinary) to 90."""
    if not text.isdecimal() or int(text) > 90:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to 90, got {text}")
    return int(text)
