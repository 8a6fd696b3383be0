"""`exo-edge engines clean`: removes plans that nothing on this device would open."""

from __future__ import annotations

import argparse
from typing import Any

from edge_runtime.commands.options import add_json, show

HELP = "remove plans of other weights, libraries, devices or power modes; with --all every plan"


def configure(parser: argparse.ArgumentParser) -> None:
    """All, or what is stale."""
    parser.add_argument("--all", action="store_true", help="also those in use: engines then run uncertified")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Remove them; says which and how many bytes."""
    from edge_runtime.stats import host_block
    from engines.plans import remove, stale, stored

    folders = stored() if arguments.all else stale()
    freed = remove(folders)
    result = {"removed": [str(folder) for folder in folders], "bytes": freed}
    show(result | host_block(), arguments, lines)
    return 0


def lines(result: dict[str, Any]) -> list[str]:
    """The result as a person reads it."""
    count = len(result["removed"])
    return [*result["removed"], f"{count} {'plan' if count == 1 else 'plans'} removed, {result['bytes'] / 1e6:.1f} MB"]
