"""`exo-edge hil list`: the shipped scenarios."""

from __future__ import annotations

import argparse
from typing import Any

from edge_runtime.commands.options import add_json, show

HELP = "the shipped scenarios"


def configure(parser: argparse.ArgumentParser) -> None:
    """Nothing but how to print."""
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """One line each; a shipped file that cannot be read is an error."""
    from hil.scenario import load_scenario, shipped

    found = [load_scenario(path) for path in shipped()]
    rows = [
        {
            "name": s.name, "title": s.title, "rig": s.rig, "fidelity": s.fidelity, "seconds": s.seconds,
            "faults": [f.kind for f in s.faults], "verdict": s.expect.verdict, "tags": list(s.tags),
        }
        for s in found
    ]  # fmt: skip
    show({"scenarios": rows}, arguments, _lines)
    return 0


def _lines(document: dict[str, Any]) -> list[str]:
    rows = document["scenarios"]
    wide = max(len(row["name"]) for row in rows)
    return [f"{row['name']:{wide}}  {row['rig']:11}  {row['seconds']:5g} s  {row['title']}" for row in rows]
