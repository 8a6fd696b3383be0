"""`exo-edge evaluate mediapipe`: our pose pipeline against MediaPipe's own."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge_runtime.commands.options import add_json, show

HELP = "pose pipeline (full) against MediaPipe's own on the demo clip, px"


def configure(parser: argparse.ArgumentParser) -> None:
    """Where MediaPipe is: its packages clash with ours, so it runs in an environment of its own."""
    parser.add_argument("--python", type=Path, required=True, metavar="FILE", help="interpreter with mediapipe 0.10.21")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run both, and print."""
    from edge_runtime.evaluate_mediapipe.compare import compare

    show(compare(arguments.python), arguments, _lines)
    return 0


def _lines(result: dict[str, Any]) -> list[str]:
    lines = [f"{'px':<38}{'frames':>7}{'p50':>8}{'p90':>8}{'p99':>8}{'max':>8}"]
    for name, title in (("raw", "landmarks as the network gives them"), ("smooth", "landmarks smoothed by MediaPipe")):
        for part in ("all", "legs"):
            q = result[name][f"{part}_px"]
            row = "".join(f"{q[key]:>8.2f}" for key in ("p50", "p90", "p99", "max"))
            lines.append(f"{f'{title}, {part}':<38}{result[name]['frames']:>7}{row}")
    return lines
