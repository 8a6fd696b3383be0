"""`exo-edge evaluate grf`: accuracy of the GRF engine on measured gait."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge_runtime.commands.options import add_json, show

HELP = "ground reaction force against measured gait"


def configure(parser: argparse.ArgumentParser) -> None:
    """The measured data."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with measured gait (.npz)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate every trial of the folder."""
    from edge_runtime.stats import host_block
    from engines.grf.evaluate import evaluate

    show(evaluate(arguments.data) | host_block(), arguments, _lines)
    return 0


def _lines(result: dict[str, Any]) -> list[str]:
    lines = [f"{'set':<20}{'vertical RMSE':>15}{'fore-aft':>10}{'lateral':>10}   % BW;  CoP mm"]
    for name, block in {**result.get("by_set", {}), "overall": result["overall"]}.items():
        values = [block[axis]["rmse_pct_bw"] for axis in ("vertical", "fore_aft", "lateral")]
        cop = block.get("cop_mm")
        lines.append(f"{name:<20}{_pct(values[0], 15)}{_pct(values[1], 10)}{_pct(values[2], 10)}{_pct(cop, 16)}")
    return lines


def _pct(value: float | None, width: int) -> str:
    return f"{'–':>{width}}" if value is None else f"{value:>{width}.2f}"
