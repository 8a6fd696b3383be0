"""`exo-edge evaluate grf`: accuracy of ground reaction, network and physics, on measured gait."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from edge_runtime.commands.options import add_json, show

HELP = "ground reaction force against measured gait"


def configure(parser: argparse.ArgumentParser) -> None:
    """The measured data, and what to make harder."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with measured gait (.npz)")
    parser.add_argument("--people", choices=("unseen", "all"), default="unseen", help="whom to score (unseen)")
    parser.add_argument("--occlude", action="store_true", help="also hide a leg for 0.1 to 1 s, filled in every way")
    parser.add_argument(
        "--gaps", type=places, default=24, metavar="N", help="places per data set where --occlude hides a leg (24)"
    )
    parser.add_argument(
        "--noise-deg", type=noise, default=0.0, metavar="SD", help="noise like video pose on every angle (0)"
    )
    add_json(parser)


def noise(text: str) -> float:
    """A standard deviation in degrees."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 45.0:
        raise argparse.ArgumentTypeError(f"must be degrees from 0 to 45, got {text}")
    return value


def places(text: str) -> int:
    """How many places."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {text}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate every trial of the folder."""
    from edge_runtime.evaluate_grf.evaluate import Question, evaluate
    from edge_runtime.stats import host_block

    question = Question(arguments.people, arguments.noise_deg, arguments.occlude, arguments.gaps)
    result: dict[str, Any] = evaluate(arguments.data, question)
    show(result | host_block(), arguments, _lines)
    return 0


def _lines(result: dict[str, Any]) -> list[str]:
    lines = [
        "% of body weight; RMSE / MAE, network alone → refined",
        f"{'set':<20}{'vertical':>32}{'fore-aft':>32}{'CoP mm':>8}{'90 %':>7}",
    ]
    for name, block in {**result["by_set"], "overall": result["overall"]}.items():
        cells = [_change(block, axis) for axis in ("vertical", "fore_aft")]
        cover = block["coverage_90"]
        lines.append(f"{name:<20}{cells[0]:>32}{cells[1]:>32}{_number(block['cop_mm']):>8}{_number(cover, 100.0):>7}")
    for name, block in result["overall"]["events"].items():
        lines.append(
            f"{name.replace('_', ' ')}: {block['n']} measured, {block['missed']} missed, {block['extra']} extra; "
            f"{_number(block['median_ms'])} ms median, {_number(block['p95_ms'])} ms p95"
        )
    residual, ms, cpu = result["overall"]["newton"], result["ms_per_frame"], result["cpu_ms_per_frame"]
    parts = ", ".join(f"{name} {_number(residual[name]['mean'])}" for name in ("before", "left", "after"))
    lines.append(f"Newton residual, % of body weight: {parts}")
    lines.append(f"frame of the coordinates: {result['frame']['judged']} judged, off: {_listed(result['frame'])}")
    lines.append(
        f"per frame: {_number(ms['p50'])} ms median, {_number(ms['p99'])} ms p99; of the process' own time "
        f"{_number(cpu['p50'])} ms median, {_number(cpu['p99'])} ms p99"
    )
    reasons = Counter(result["skipped"].values())
    lines += [f"passed over {count} {'file' if count == 1 else 'files'}: {why}" for why, count in reasons.items()]
    return lines + _occlusion(result, "occlusion", "") + _occlusion(result, "occlusion_side_view", ", side view")


def _occlusion(result: dict[str, Any], key: str, view: str) -> list[str]:
    lines = []
    for name, rows in result.get(key, {}).items():
        lines.append(f"{name}{view}, a leg unseen: gap s, fill, vertical MAE % (with it seen), increase %")
        lines += [
            f"{row['gap_s']:>6}  {row['fill']:<25}{_number(row['mae_pct_bw']):>7} ({_number(row['seen_mae_pct_bw'])})"
            f"{_number(row['increase_pct']):>9}"
            for row in rows
        ]
    return lines


def _change(block: dict[str, Any], axis: str) -> str:
    old, new = block["without_refinement"][axis], block[axis]
    both = [f"{_number(part['rmse_pct_bw'])} / {_number(part['mae_pct_bw'])}" for part in (old, new)]
    return " → ".join(both)


def _listed(frame: dict[str, Any]) -> str:
    return ", ".join(frame["flagged"]) or "none"


def _number(value: float | None, factor: float = 1.0) -> str:
    return "–" if value is None else f"{factor * value:.2f}"
