"""`exo-edge evaluate kcf`: knee contact forces against measured ones, with their intervals."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge_runtime.commands.options import add_json, positive_float, show

HELP = "medial, lateral and total knee contact force against measured ones"


def configure(parser: argparse.ArgumentParser) -> None:
    """Trials, model, how to solve."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="trials with kcf_medial_r ... in N")
    parser.add_argument("--model", type=Path, metavar="FILE", help="model (.osim, or compiled .npz) for all trials")
    parser.add_argument("--power", type=int, choices=(2, 3, 4), default=2, help="exponent of activation (2)")
    parser.add_argument("--passive", choices=("off", "on"), default="off", help="passive muscle force (off)")
    parser.add_argument("--cutoff", type=positive_float, default=6.0, metavar="HZ", help="low-pass of motion (6)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate every trial that has measured knee forces."""
    from edge_runtime.biomech.evaluate_kcf import evaluate_kcf
    from edge_runtime.biomech.skeleton.evaluate import Plan
    from edge_runtime.biomech.skeleton.person import Options
    from edge_runtime.commands.progress import pose_progress
    from edge_runtime.stats import host_block

    options = Options(power=arguments.power, passive=arguments.passive)
    plan = Plan(arguments.data, arguments.model, None, arguments.cutoff, options)
    with pose_progress() as progress:
        result = evaluate_kcf(plan, progress)
    show(result | host_block(), arguments, _lines)
    return 0


def _lines(result: dict[str, Any]) -> list[str]:
    lines = [f"{one['trial']} with {one['model']}: {one['scaling']}" for one in result["per_trial"]]
    for part, scores in result["overall"].items():
        values = (f"{name} {value:.2f}" for name, value in scores.items() if value is not None)
        lines.append(f"{part:<8}{', '.join(values) or 'not measured'}")
    if result["coverage_90"] is not None:
        lines.append(f"{100.0 * result['coverage_90']:.0f} % of what was measured lies in the 90 % intervals")
    return [*lines, f"{result['ms_per_frame']['p50']:.2f} ms per frame"]
