"""`exo-edge fetch`: bring the assets into the cache."""

from __future__ import annotations

import argparse
import sys

HELP = "bring networks and demo clip into the user's cache; works offline afterwards"


def configure(parser: argparse.ArgumentParser) -> None:
    """No options."""


def run(arguments: argparse.Namespace) -> int:
    """Fetch what is not there yet."""
    from rich.console import Console

    from engines.fetch import fetch_all
    from engines.manifest import load_manifest

    console = Console(stderr=True)
    paths = fetch_all(console if console.is_terminal else None)
    print(f"{len(paths)} assets and networks are in place", file=sys.stderr)
    if left_out := sorted(load_manifest().engines.keys() - paths.keys()):
        print(f"left out, because npm is not installed: {', '.join(left_out)}; no default needs it", file=sys.stderr)
    return 0
