"""`exo-edge engines build`: plans and certificates for this device, off-line; arming never builds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge_runtime.commands.options import add_engines, add_json, chosen_engines, positive_float, show

HELP = "build, prove and choose the engines of this device; writes the certificates that arming asks for"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which engines, what to measure them on, for how long."""
    add_engines(parser)
    parser.add_argument("--data", type=Path, metavar="DIR", help="measured gait, for accuracy (golden parity alone)")
    parser.add_argument("--poses", type=Path, metavar="DIR", help="filmed people with known angles, likewise")
    parser.add_argument("--seconds", type=positive_float, default=30.0, metavar="S", help="in situ, per backend (30)")
    parser.add_argument("--idle", type=positive_float, default=10.0, metavar="S", help="rest before a first call (10)")
    parser.add_argument("--again", action="store_true", help="also where the certificates hold")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Build what is not certified; 1 where an engine does not keep its terms."""
    from edge_runtime.benchmarks.progress import bar
    from edge_runtime.certify.build import Order, build
    from edge_runtime.certify.gate import distrusted_now
    from edge_runtime.certify.pose_accuracy import pose_accuracy
    from edge_runtime.certify.report import built
    from edge_runtime.stats import host_block
    from engines.accuracy import measured_accuracy
    from engines.certify import Depth

    names = chosen_engines(arguments)
    if not arguments.again:
        doubted = {found.engine for found in distrusted_now(names)}
        names = tuple(name for name in names if name in doubted)
    if names:
        measured = {} if arguments.data is None else measured_accuracy(arguments.data)
        filmed = {} if arguments.poses is None else pose_accuracy(arguments.poses)
        order = Order(names, measured | filmed or None, Depth(idle_s=arguments.idle), arguments.seconds)
        with bar("engines build") as progress:
            build(order, progress)
    result: dict[str, Any] = built(chosen_engines(arguments), names)
    show(result | host_block(), arguments, lines)
    return 0 if result["trusted"] else 1


def lines(result: dict[str, Any]) -> list[str]:
    """The result as a person reads it."""
    out = [f"{'engine':<18}{'plan':<18}{'alone p50':>10}{'in situ p99.9':>15}{'budget ms':>11}  "]
    for name, found in result["engines"].items():
        for row in found["table"]:
            situ = row.get("in_situ_ms") or {}
            mark = "chosen" if row["candidate"] == found["chosen"] else row.get("rejected", "")
            alone = row.get("alone_ms", {}).get("p50")
            out.append(
                f"{name:<18}{row['candidate']:<18}{_ms(alone):>10}{_ms(situ.get('p99_9')):>15}"
                f"{found['budget_ms']:>11g}  {mark}"
            )
        if found["distrust"]:
            out.append(f"  NOT trusted: {found['distrust']}")
    if not result["built"]:
        out.append("all certificates hold; nothing was built (--again measures anew)")
    return out


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
