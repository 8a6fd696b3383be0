"""`exo-edge fault inject`: a fault into a running simulated run, now."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "bring a fault about in a running simulated run"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which fault, where, for how long."""
    parser.add_argument("kind", metavar="KIND", help="one of exo-edge fault list")
    parser.add_argument("parameters", nargs="*", metavar="NAME=VALUE", help="its parameters, where not the usual ones")
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="folder of the run")
    parser.add_argument("--seconds", type=float, default=1.0, metavar="S", help="how long it lasts (1)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of its random numbers (0)")


def run(arguments: argparse.Namespace) -> int:
    """Inject it; waits where this side must end it. Refused for a run that is not simulated."""
    from hil.faults.live import inject
    from hil.faults.model import make_fault

    given = dict(_parameter(text) for text in arguments.parameters)
    fault = make_fault(arguments.kind, 0.0, arguments.seconds, seed=arguments.seed, **given)
    print(inject(fault, arguments.run))
    return 0


def _parameter(text: str) -> tuple[str, float | str]:
    from edge_runtime.errors import UserError

    name, equals, value = text.partition("=")
    if not equals:
        raise UserError(f"{text}: must be NAME=VALUE; exo-edge fault list names them")
    try:
        return name, float(value)
    except ValueError:
        return name, value
