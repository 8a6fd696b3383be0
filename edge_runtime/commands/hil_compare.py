"""`exo-edge hil compare`: two runs of the same scenario beside each other."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge_runtime.commands.options import add_json, positive_float, show

HELP = "how far the traces of two runs of one scenario are apart"


def configure(parser: argparse.ArgumentParser) -> None:
    """The two runs, and what is too far."""
    parser.add_argument("a", type=Path, metavar="A", help="run folder or record.mcap, the one to compare with")
    parser.add_argument("b", type=Path, metavar="B", help="run folder or record.mcap")
    parser.add_argument("--max", type=positive_float, metavar="PCT", help="fail where a channel's NRMSE is above this")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Status 1 where a channel is further apart than `--max`."""
    from edge_runtime.stats import host_block
    from hil.compare import compare

    found = compare(arguments.a, arguments.b)
    show(found | host_block(), arguments, _lines)
    apart = [channel["nrmse_pct"] for channel in found["channels"].values() if channel is not None]
    return 1 if arguments.max is not None and max(apart, default=0.0) > arguments.max else 0


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [f"{found['scenario']}, {found['seconds']:.1f} s in common: NRMSE % of the first run's range"]
    for name, channel in found["channels"].items():
        text = "not measured by both" if channel is None else f"{channel['nrmse_pct']:8.3f}   max {channel['max']:.4g}"
        lines.append(f"{name:18} {text}")
    return lines
