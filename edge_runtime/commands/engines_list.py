"""`exo-edge engines list`: the networks, where they come from, what is built of them."""

from __future__ import annotations

import argparse
from typing import Any

from edge_runtime.commands.options import add_json, show

HELP = "networks, their source and licence, their plans in the cache and whether arming trusts them"


def configure(parser: argparse.ArgumentParser) -> None:
    """Lines or JSON."""
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print them."""
    from edge_runtime.certify.report import listed
    from edge_runtime.stats import host_block

    show(listed() | host_block(), arguments, lines)
    return 0


def lines(result: dict[str, Any]) -> list[str]:
    """The result as a person reads it."""
    out = []
    for name, found in result["engines"].items():
        plans = ", ".join(found["plans"].values()) or "none"
        out += [
            f"{name}: {found['trust'] if found['file'] else 'not fetched: run exo-edge fetch'}",
            f"  {found['source']} ({found['licence']}), sha256 {found['sha256'][:12]}…, card {found['card']}",
            f"  precisions {', '.join(found['precisions']) or '–'}; plans in the cache: {plans}",
        ]
    return out
