"""`exo-edge can generate`: write, or check, what follows from the limits table."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "write C header and codec, DBC, host tables, boundary values, docs"


def configure(parser: argparse.ArgumentParser) -> None:
    """Write or check."""
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 where a file is stale")


def run(arguments: argparse.Namespace) -> int:
    """Status 1 where something is stale under --check."""
    from firmware_bridge.codegen import generate, stale

    root = Path(__file__).resolve().parents[2]
    paths = stale(root) if arguments.check else generate(root)
    for path in paths:
        print(f"{'stale' if arguments.check else 'written'}  {path}")
    return 1 if arguments.check and paths else 0
