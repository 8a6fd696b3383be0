"""`exo-edge tissue study`: cuffs x tissues x postures x misalignment on the full model; a table, plots and pictures."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_runtime.commands.options import add_json, positive_int, show

if TYPE_CHECKING:
    from edge_runtime.tissue.study_plan import Study

HELP = "soft tissue: cuffs x tissues x postures x misalignment, over all cores; a killed run continues"


def configure(parser: argparse.ArgumentParser) -> None:
    """What, where, on how many cores."""
    parser.add_argument("study", metavar="FILE", help="study file (docs/tissue-observer.md), or `defaults`")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="results; what is there is kept")
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--jobs", type=positive_int, default=cores, metavar="N", help=f"cores ({cores})")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Solve what is missing, then draw."""
    from edge_runtime.tissue.picture import use_offscreen

    use_offscreen()
    from edge_runtime.tissue.study_plan import DEFAULTS, load_study
    from edge_runtime.tissue.study_run import TABLE_FILE, run_study

    study = DEFAULTS if arguments.study == "defaults" else load_study(Path(arguments.study))
    cases = study.cases()
    results = run_study(cases, arguments.out, arguments.jobs)
    files = [arguments.out / TABLE_FILE, *_drawn(study, results, arguments.out)]
    shown = {
        "cases": len(cases),
        "without_rest": sum(result.transmission != result.transmission for result in results),
        "crushed": sum(result.min_det_f < 0.5 for result in results),
        "files": [str(path) for path in files],
    }
    show(shown, arguments, lambda found: [f"{key:<14} {value}" for key, value in found.items()])
    return 0


def _drawn(study: Study, results: list[Any], out: Path) -> list[Path]:
    """Plots and pictures; where one kind cannot be made here, one line says why and the rest is made."""
    from edge_runtime.errors import UserError
    from edge_runtime.tissue.study_pictures import picture_study
    from edge_runtime.tissue.study_plots import plot_study

    files: list[Path] = []
    try:
        files += plot_study(study, results, out)
    except UserError as error:
        print(f"exo-edge: {error}", file=sys.stderr)
    try:
        files += picture_study(study, out)
    except UserError as error:
        print(f"exo-edge: {error}", file=sys.stderr)
    return files
