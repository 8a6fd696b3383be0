"""`exo-edge engines bench`: latency, parity, idle, overhead of every plan that this device offers."""

from __future__ import annotations

import argparse
from typing import Any

from edge_runtime.commands.options import add_engines, add_json, chosen_engines, positive_float, show

HELP = "latency of every backend that this device offers, alone; parity, first call after idle, overhead"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which engines, for how long."""
    add_engines(parser)
    parser.add_argument("--seconds", type=positive_float, default=5.0, metavar="S", help="of calls per plan (5)")
    parser.add_argument("--idle", type=positive_float, default=10.0, metavar="S", help="rest before a first call (10)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    from edge_runtime.benchmarks.progress import bar
    from edge_runtime.certify.bench import measure_engines
    from edge_runtime.config import load_device
    from engines.certify import Depth

    depth = Depth(seconds=arguments.seconds, idle_s=arguments.idle)
    with bar("engines bench") as progress:
        result = measure_engines(chosen_engines(arguments), depth, load_device().certificate_days, progress)
    show(result, arguments, lines)
    return 0


def lines(result: dict[str, Any]) -> list[str]:
    """The result as a person reads it."""
    head = f"{'ms':<18}{'plan':<18}{'p50':>9}{'p99':>9}{'p99.9':>9}{'max':>9}{'1st after idle':>16}{'cold':>9}"
    out = [f"{head}{'runner us':>11}{'watch us':>10}{'held B':>8}"]
    for name, found in result["engines"].items():
        for plan, row in found["backends"].items():
            if "latency_ms" not in row:
                out.append(f"{name:<18}{plan:<18}  {row['problem']}")
                continue
            times = "".join(f"{row['latency_ms'][key]:>9.3f}" for key in ("p50", "p99", "p99_9", "max"))
            runner = "–" if row["overhead_us"] is None else f"{row['overhead_us']:.1f}"
            out.append(
                f"{name:<18}{plan:<18}{times}{row['first_after_idle_ms']:>16.3f}{row['first_after_idle_cold_ms']:>9.3f}"
                f"{runner:>11}{row['watch_us']:>10.1f}{row['allocations']['held_bytes']:>8}"
            )
    out += [f"not offered: {name}: {why}" for name, why in result["not_offered"].items()]
    return [*out, *_rtx(result["rtx_build"])]


def _rtx(found: dict[str, Any]) -> list[str]:
    if "skipped" in found:
        return [f"TensorRT-RTX builder: {found['skipped']}"]
    rows = [f"{name}: " + ", ".join(f"{p} {said}" for p, said in by.items()) for name, by in found.items()]
    return [f"TensorRT-RTX builder, {row}" for row in rows]
