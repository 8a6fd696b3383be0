"""`exo-edge hil storm`: random faults in random runs, for virtual hours."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from edge_runtime.commands.options import DEMO_PROFILE, add_json, positive_float, positive_int, show

HELP = "random faults for virtual hours; each failure made small and kept"


def configure(parser: argparse.ArgumentParser) -> None:
    """How long, from which seed, or which file to replay."""
    parser.add_argument("--hours", type=positive_float, default=0.5, metavar="N", help="virtual hours (0.5)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="another seed, other episodes (1)")
    parser.add_argument("--jobs", type=positive_int, default=1, metavar="N", help="processes at once (1)")
    parser.add_argument("--profile", type=Path, default=DEMO_PROFILE, metavar="FILE", help="profile of the wearer")
    parser.add_argument("--out", type=Path, default=Path("storms"), metavar="DIR", help="where failures go (storms)")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="play one episode's file instead")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Status 0 where no limit was broken, nothing hung and nothing stayed unexplained."""
    from edge_runtime.stats import host_block
    from hil.faults.storm import StormPlan, replay, run_storm

    if arguments.replay is not None:
        verdict, same = replay(arguments.replay, arguments.profile)
        show(verdict | host_block(), arguments, _replay_lines)
        return 0 if verdict["passed"] and same else 1
    plan = StormPlan(arguments.hours, arguments.seed, arguments.profile, arguments.out, arguments.jobs)
    begun_s = time.monotonic()
    storm = run_storm(plan, lambda line: print(line, file=sys.stderr))
    seconds = time.monotonic() - begun_s
    document = storm.document()
    document |= {"seed": plan.seed, "seconds": seconds, "times_real": document["virtual_hours"] * 3600.0 / seconds}
    show(document | host_block(), arguments, _lines)
    return 1 if document["violations"] or document["hangs"] or document["unexplained"] else 0


def _lines(document: dict[str, Any]) -> list[str]:
    outcomes = ", ".join(f"{count} {name}" for name, count in document["outcomes"].items())
    return [
        f"{document['virtual_hours']:.2f} virtual hours in {document['seconds']:.0f} s "
        f"({document['times_real']:.0f} times real time), {document['episodes']} episodes, "
        f"{document['scenarios']} scenarios",
        f"faults: {document['faults']} ({outcomes})",
        f"limit violations: {document['violations']}, hangs: {document['hangs']}, "
        f"unexplained: {document['unexplained']}",
        *document["unexplained_lines"],
        *(f"kept: {folder}" for folder in document["failures"]),
    ]


def _replay_lines(document: dict[str, Any]) -> list[str]:
    recorded = "" if document["as_recorded"] else "; the output is NOT that of the record beside it"
    return [f"{document['why']}{recorded}", *document["findings"]]
