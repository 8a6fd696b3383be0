"""`exo-edge evaluate pose`: joint angles from video against trials with known angles."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge_runtime.commands.options import add_json, show

HELP = "joint angles from video against known ones"


def configure(parser: argparse.ArgumentParser) -> None:
    """The trials, and the landmark network."""
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="folder of trials (video.mp4, truth.npz)"
    )
    parser.add_argument("--engine", choices=("lite", "full", "heavy"), default="full", help="landmark network (full)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate every trial of the folder."""
    from rich.console import Console
    from rich.progress import Progress

    from edge_runtime.evaluate_pose.evaluate import evaluate
    from edge_runtime.stats import host_block

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("trials", total=None)
        result = evaluate(
            arguments.data,
            arguments.engine,
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    show(result | host_block(), arguments, _lines)
    return 0


def _lines(result: dict[str, Any]) -> list[str]:
    lines = [
        f"{result['trials']} trials, landmark network {result['engine']}; RMSE (bias) deg [RMSE without the head]",
        f"{'view':<8}{'coordinate':<14}{'near':>26}{'far':>26}",
    ]
    for view, part in {**result["by_view"], "all": result}.items():
        if part["overall"] is None:
            lines.append(f"{view:<8}nobody found")
            continue
        for name, legs in part["overall"].items():
            plain = part["without_head"][name]
            cells = [f"{_cell(legs[leg])} [{_number(plain[leg]['rmse_deg'])}]" for leg in ("near", "far")]
            lines.append(f"{view:<8}{name:<14}{cells[0]:>26}{cells[1]:>26}")
        facts = [
            ("swaps %", "swap_rate", 100.0),
            ("where torque may rest %", "swap_rate_acted_on", 100.0),
            ("in 90 % interval %", "coverage_90", 100.0),
            ("lag ms", "lag_ms", 1.0),
        ]
        facts += [("jitter deg", "jitter_deg", 1.0), ("seen %", "seen_share", 100.0)]
        lines.append(f"{'':<8}" + ", ".join(f"{name} {_number(part[key], factor)}" for name, key, factor in facts))
    if (world := result["world"]) is not None:
        axes = ", ".join(f"{axis} {_number(value)}" for axis, value in world["rmse_cm"].items())
        path, inside = _number(world["path_rmse_cm"]), _number(world["coverage_90"], 100.0)
        lines.append(f"hips in the world, RMSE cm: {axes}; path {path}; in 90 % interval {inside} %")
    ms = result["ms_per_frame"]
    return [*lines, f"per frame: {_number(ms['p50'])} ms median, {_number(ms['p99'])} ms p99"]


def _cell(errors: dict[str, float | None]) -> str:
    return f"{_number(errors['rmse_deg'])} ({_number(errors['bias_deg'])})"


def _number(value: float | None, factor: float = 1.0) -> str:
    return "–" if value is None else f"{factor * value:.2f}"
