"""`exo-edge bench tissue`: the soft-tissue model against closed forms, an independent FE, and itself."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from edge_runtime.commands.options import add_json, show

HELP = "soft tissue: verification, cuff stiffness against an independent FE, reduced model, compensation, times"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which parts."""
    parser.add_argument("--part", action="append", metavar="NAME", help="only this part; may be repeated (all)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure; 1 where nothing could be measured."""
    from edge_runtime.tissue.bench import PARTS, measure_tissue

    parts = arguments.part or list(PARTS)
    result = measure_tissue(parts)
    show(result, arguments, lambda shown: list(_lines(shown)))
    return 0 if len(result["left_out"]) < len(parts) else 1


def _lines(result: dict[str, Any]) -> Iterator[str]:
    """One line per number, named by its path; quantile blocks and rows of a table on one line each."""
    for key, value in result.items():
        yield from _value(key, value)


def _value(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict) and any(isinstance(item, dict | list) for item in value.values()):
        for key, item in value.items():
            yield from _value(f"{path}.{key}", item)
    elif isinstance(value, dict):
        yield f"{path:<36} " + "  ".join(f"{key} {_short(item)}" for key, item in value.items())
    elif isinstance(value, list):
        for row in value:
            yield from _value(path, row)
    else:
        yield f"{path:<36} {_short(value)}"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
