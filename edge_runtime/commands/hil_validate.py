"""`exo-edge hil validate`: the phantom against its models, and the torque error with compensation off and on."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from edge_runtime.commands.options import add_json, show

HELP = "the phantom against rigid and compliant models, compensation off and on"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which tissue stands for the phantom."""
    parser.add_argument(
        "--fidelity", choices=("reduced", "full"), default="full", help="the phantom's tissue: finite elements (full)"
    )
    parser.add_argument("--part", choices=("models", "error"), help="only one of the two tables")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure both tables."""
    from edge_runtime.stats import host_block
    from hil.validation import TASKS, error_rows, model_rows

    result: dict[str, Any] = {"fidelity": arguments.fidelity}
    if arguments.part != "error":
        result["models"] = list(_told(model_rows(arguments.fidelity)))
    if arguments.part != "models":
        result["error"] = list(_told(error_rows(arguments.fidelity)))
        result["worst_on_rmse_pct"] = {
            task: max(row["on_rmse_pct"] for row in result["error"] if row["task"] == task) for task in TASKS
        }
    show(result | host_block(), arguments, _lines)
    return 0


def _told(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The same rows, each said on stderr as it comes."""
    for row in rows:
        print(f"hil validate: {row}", file=sys.stderr)
        yield row


def _lines(result: dict[str, Any]) -> list[str]:
    lines = []
    for part in ("models", "error"):
        for row in result.get(part, ()):
            lines.append("  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{v:>9}" for k, v in row.items()))
    return [*lines, f"worst with compensation on, % of peak: {result.get('worst_on_rmse_pct', 'not measured')}"]
