"""`exo-edge doctor`: what this machine can and cannot do."""

from __future__ import annotations

import argparse

from edge_runtime.commands.options import add_json

HELP = "what this machine can and cannot do"


def configure(parser: argparse.ArgumentParser) -> None:
    """Table or JSON."""
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the findings."""
    import dataclasses

    from rich.console import Console

    from edge_runtime.doctor import examine, table
    from edge_runtime.stats import host_block, to_json

    findings = examine()
    if arguments.json:
        print(to_json({"checks": [dataclasses.asdict(f) for f in findings]} | host_block()))
    else:
        Console().print(table(findings))
    return 0
