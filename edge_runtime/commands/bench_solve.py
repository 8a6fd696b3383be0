"""`exo-edge bench solve`: speed and exactness of the muscle solve."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge_runtime.commands.options import add_json, show

HELP = "muscle solve: time per solve and per frame, beside other solvers, and agreement with DAQP and OpenSim"


def configure(parser: argparse.ArgumentParser) -> None:
    """Where measured motion and reference results lie."""
    parser.add_argument(
        "--data", type=Path, default=Path("../shared"), metavar="DIR",
        help="folder with data/treadmill_walk_60s and reference/gait2392 (../shared); what is absent is left out",
    )  # fmt: skip
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure on one core."""
    from edge_runtime.bench_solve import measure_solve

    show(measure_solve(arguments.data), arguments, _lines)
    return 0


def _lines(result: dict[str, Any]) -> list[str]:
    lines = [f"motion: {result['motion']}", f"{'us':<30}{'p50':>9}{'p99':>9}{'max':>9}"]
    rows = {"solve, warm": result["warm_us"], "solve, cold": result["cold_us"], "whole frame": result["frame_us"]}
    rows |= {f"in a stream, {way}": block for way, block in result["stream_us"].items()}
    for what, block in {**rows, **result["peers_us"]}.items():
        lines += [f"{f'{what} {model}':<30}{q['p50']:9.1f}{q['p99']:9.1f}{q['max']:9.1f}" for model, q in block.items()]
    lines.append(
        f"{result['solves']} solves, {result['failures']} failed, ",
    )
    lines[-1] += f"largest dual gradient {result['max_dual_gradient_nm']:.1e} Nm"
    if result["daqp_max_delta_a"] is not None:
        lines.append(f"largest distance from DAQP in activation {result['daqp_max_delta_a']:.1e}")
    for power, block in (result["opensim"] or {}).items():
        lines.append(
            f"OpenSim {power}: max delta a {block['max_delta_a']:.4f}, objective ratio {block['objective_ratio']:.6f}"
        )
    return lines
