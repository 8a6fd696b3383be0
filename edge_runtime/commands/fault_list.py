"""`exo-edge fault list`: the faults that a bench can bring about."""

from __future__ import annotations

import argparse

from edge_runtime.commands.options import add_json

HELP = "kinds of faults, their parameters, and what must come of each"


def configure(parser: argparse.ArgumentParser) -> None:
    """Only the form."""
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    from edge_runtime.stats import to_json
    from hil.faults.table import document, lines

    print(to_json(document()) if arguments.json else "\n".join(lines()))
    return 0
