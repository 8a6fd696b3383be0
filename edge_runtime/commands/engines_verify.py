"""`exo-edge engines verify`: every plan of this device against the outputs of the original networks."""

from __future__ import annotations

import argparse
from typing import Any

from edge_runtime.commands.options import add_engines, add_json, chosen_engines, show

HELP = "golden parity: every backend that this device offers against the original networks"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which engines."""
    add_engines(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the parity; 1 where one breaks its terms."""
    from edge_runtime.benchmarks.progress import bar
    from edge_runtime.certify.bench import verify_engines

    with bar("engines verify") as progress:
        result = verify_engines(chosen_engines(arguments), progress)
    show(result, arguments, lines)
    return 0 if result["passed"] else 1


def lines(result: dict[str, Any]) -> list[str]:
    """The result as a person reads it."""
    out = [f"{'engine':<20}{'plan':<18}{'rel. error':>12}  end effect"]
    for name, found in result["engines"].items():
        for plan, row in found["backends"].items():
            if "rel_err" not in row:
                out.append(f"{name:<20}{plan:<18}{'–':>12}  {row['problem']}")
                continue
            effect = f"{row[found['effect']]:.2g} {found['effect']}"
            out.append(f"{name:<20}{plan:<18}{row['rel_err']:>12.1e}  {effect}  {row.get('problem', '')}".rstrip())
    out += [f"not offered: {name}: {why}" for name, why in result["not_offered"].items()]
    return [*out, "all keep their terms" if result["passed"] else "NOT all keep their terms"]
