"""`exo-edge bench governor`: what the governor's two functions cost on this machine, per call."""

from __future__ import annotations

import argparse
from typing import Any

from edge_runtime.commands.options import add_json, positive_float, show

HELP = "the firmware's governor: ns per frame and per step on this machine"


def configure(parser: argparse.ArgumentParser) -> None:
    """How many steps of the governor, in its own time."""
    parser.add_argument("--seconds", type=positive_float, default=60.0, metavar="S", help="of the governor's time (60)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compile, run, and take the clock's own cost off."""
    import numpy as np

    from edge_runtime.stats import host_block, quantiles
    from engines.cache import cache_dir
    from firmware_bridge.timing import measure

    cost = measure(cache_dir() / "firmware", max(1, round(arguments.seconds * 1e3)))
    clock_ns = float(np.median(cost.clock_ns))
    result = {
        "on_frame_ns": quantiles(np.maximum(cost.frame_ns - clock_ns, 0.0)),
        "step_ns": quantiles(np.maximum(cost.step_ns - clock_ns, 0.0)),
        "clock_ns": clock_ns,
    }
    show(result | host_block(), arguments, _lines)
    return 0


def _lines(result: dict[str, Any]) -> list[str]:
    head = f"{'ns':<16}{'n':>9}{'p50':>9}{'p99':>9}{'max':>9}"
    rows = {"gov_on_frame": result["on_frame_ns"], "gov_step": result["step_ns"]}
    body = [f"{name:<16}{q['n']:>9}{q['p50']:>9.0f}{q['p99']:>9.0f}{q['max']:>9.0f}" for name, q in rows.items()]
    return [head, *body, f"two readings of the clock, {result['clock_ns']:.0f} ns, are taken off"]
