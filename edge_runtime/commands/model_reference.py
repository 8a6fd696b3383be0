"""`exo-edge model reference`: OpenSim's own static optimization and knee reaction on a trial, as tables."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge_runtime.commands.options import positive_float

HELP = "OpenSim's static optimization and joint reaction on a trial, as reference"


def configure(parser: argparse.ArgumentParser) -> None:
    """Trial, span, output."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="one trial: OpenSim tables and .osim")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where OpenSim's tables go")
    parser.add_argument("--start", type=float, default=0.0, metavar="S", help="from this time on (0)")
    parser.add_argument("--seconds", type=positive_float, default=2.0, metavar="S", help="that long (2)")
    parser.add_argument("--power", type=int, choices=(2, 3, 4), default=2, help="exponent of activation (2)")
    parser.add_argument("--cutoff", type=positive_float, default=6.0, metavar="HZ", help="low-pass of motion (6)")


def run(arguments: argparse.Namespace) -> int:
    """Solve and name the tables."""
    from edge_runtime.biomech.skeleton.reference import ReferenceJob, run_reference
    from edge_runtime.biomech.trial_tables import find_ground_reaction
    from edge_runtime.biomech.trials import find_trials, read_trial
    from edge_runtime.errors import UserError

    path = find_trials(arguments.data)[0]
    model = read_trial(path).model if path.suffix != ".npz" else None
    if model is None:
        raise UserError(f"trial {path}: OpenSim needs tables of coordinates and one .osim beside them")
    forces, feet = find_ground_reaction(path)
    span = (arguments.start, arguments.start + arguments.seconds)
    job = ReferenceJob(model, path, forces, feet, span, arguments.power, cutoff_hz=arguments.cutoff)
    for kind, table in run_reference(job, arguments.out).items():
        print(f"{kind}: {table}")
    return 0
