"""`exo-edge evaluate synergies`: how much of activation and moment a few muscle synergies explain."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge_runtime.commands.options import add_json, positive_float, show

HELP = "muscle synergies from one half of a trial on the other: VAF, and the moment they leave unexplained"


def configure(parser: argparse.ArgumentParser) -> None:
    """The recorded trials."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="trials (.npz, OpenSim .mot/.sto)")
    parser.add_argument(
        "--height", type=positive_float, metavar="M", help="stature, where no .osim lies beside a trial"
    )
    parser.add_argument("--seconds", type=positive_float, metavar="S", help="only the beginning of each trial (all)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate every trial."""
    from edge_runtime.evaluate_synergies import evaluate

    show(evaluate(arguments.data, arguments.height, arguments.seconds), arguments, _lines)
    return 0


def _lines(result: dict[str, Any]) -> list[str]:
    lines = [f"{result['trials']} trials, each leg by itself; synergies from the first half, judged on the second"]
    lines.append(f"{'synergies':<12}{'VAF':>8}{'worst':>8}{'tau_res RMS Nm':>16}{'share of moment':>17}")
    for count, b in result["overall"].items():
        scores = f"{b['vaf']:8.3f}{b['vaf_worst']:8.3f}"
        lines.append(f"{count:<12}{scores}{b['tau_res_rms_nm']:16.2f}{100 * b['tau_res_share']:16.1f}%")
    return lines + [f"left out: {line}" for line in result["left_out"]]
