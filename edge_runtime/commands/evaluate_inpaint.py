"""`exo-edge evaluate inpaint`: what filling a hidden leg costs, against simpler ways, in angle and ground reaction."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge_runtime.commands.options import add_json, positive_int, show

HELP = "a leg unseen for 0.1 to 1 s: inpainting against simpler fills"


def configure(parser: argparse.ArgumentParser) -> None:
    """The measured data, and how many gaps."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with measured gait (.npz)")
    parser.add_argument(
        "--gaps", type=positive_int, default=24, metavar="N", help="gaps of each length per data set, at most (24)"
    )
    parser.add_argument("--people", nargs="+", metavar="NAME", help="score these (all whom some weights have not seen)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Hide a leg in every trial of the folder, fill it in every way."""
    from rich.console import Console
    from rich.progress import Progress

    from edge_runtime.stats import host_block
    from engines.inpaint.evaluate import evaluate

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("gaps", total=None)
        result = evaluate(
            arguments.data,
            arguments.people,
            most=arguments.gaps,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    show(result | host_block(), arguments, _lines)
    return 0


def _lines(result: dict[str, Any]) -> list[str]:
    lines = []
    for view, title in (("by_set", "all coordinates"), ("by_set_side_view", "side view")):
        for name, lengths in result[view].items():
            for length_s, block in lengths.items():
                lines.append(f"{name}, {title}, one leg unseen for {length_s} s ({block['gaps']} gaps)")
                lines.append(f"  {'':<14}{'joints MAE deg':>16}{'vertical MAE % BW':>20}{'increase %':>12}")
                lines += [_row(row, values) for row, values in block["rows"].items()]
    q = result["fill_ms"]
    return [*lines, f"one fill: p50 {q['p50']:.1f} ms, p99 {q['p99']:.1f} ms"]


def _row(name: str, values: dict[str, float | None]) -> str:
    keys = (("joint_mae_deg", 16), ("vertical_mae_pct_bw", 20), ("increase_pct", 12))
    cells = [values[key] for key, _ in keys]
    texts = [f"{'–':>{w}}" if cell is None else f"{cell:>{w}.2f}" for cell, (_, w) in zip(cells, keys, strict=True)]
    return f"  {name:<14}{''.join(texts)}"
