"""`exo-edge tissue watch`: what the tissue observer finds in simulated walking, finite elements on both sides."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from edge_runtime.commands.options import add_json, show

HELP = "what the tissue observer finds in simulated walking: slip, wrong stiffness, no false flag"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which trials, and for how long."""
    parser.add_argument("--trial", action="append", metavar="NAME", help="only this trial; may be repeated (all)")
    parser.add_argument("--limit-s", type=float, default=900.0, metavar="S", help="begin none after so long (900)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Walk; 1 where a trial ends otherwise than expected."""
    import time

    from edge_runtime.stats import host_block
    from edge_runtime.tissue.watch_trials import run_trials

    result = run_trials(
        arguments.trial or [], arguments.limit_s, time.monotonic, lambda line: print(line, file=sys.stderr, flush=True)
    )
    show(result | host_block(), arguments, _lines)
    return 0 if result["trials"] and all(row["as_expected"] for row in result["trials"]) else 1


def _lines(result: dict[str, Any]) -> list[str]:
    lines = [f"{'leg':<26}{'found':<20}{'first':>8}{'full':>8}{'gain':>8}{'slip':>9}"]
    for row in result["trials"]:
        times = "".join(f"{_seconds(row[f'{name}_doubt_s']):>8}" for name in ("first", "full"))
        wrong = "" if row["as_expected"] else f"  expected {row['expected'] or 'nothing'}"
        fit = f"{row['gain']:>8.2f}{row['slip_deg']:>5.1f} deg"
        lines.append(f"{row['leg']:<26}{row['cause'] or 'nothing':<20}{times}{fit}{wrong}")
    return lines + [f"left out, no time: {name}" for name in result["left_out"]]


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"
