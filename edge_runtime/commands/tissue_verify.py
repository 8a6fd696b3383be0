"""`exo-edge tissue verify`: the soft-tissue finite elements against closed forms and an independent FE."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from edge_runtime.commands.options import add_json, show

HELP = "soft-tissue finite elements against closed forms and an independent FE, with plots"


def configure(parser: argparse.ArgumentParser) -> None:
    """Where plots go."""
    parser.add_argument("--out", type=Path, metavar="DIR", help="write series (.csv), plots and a picture there")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run every check; 1 where one fails."""
    from edge_runtime.tissue.picture import use_offscreen

    use_offscreen()
    from edge_runtime.stats import host_block
    from edge_runtime.tissue.verify_report import run_checks

    left_out: list[str] = []
    checks = []
    for check in run_checks(left_out.append):
        checks.append(check)
        print(f"{check.name}: {check.error:.2e}, bar {check.bar:.0e}", file=sys.stderr)
    if arguments.out:
        _write(arguments.out, checks)
    rows = [{"name": c.name, "error": c.error, "bar": c.bar, "passed": c.passed} for c in checks]
    show({"checks": rows, "left_out": left_out} | host_block(), arguments, _lines)
    return 0 if all(check.passed for check in checks) else 1


def _write(folder: Path, checks: list[Any]) -> None:
    from edge_runtime.errors import UserError
    from edge_runtime.tissue.geometry import phantom_for
    from edge_runtime.tissue.picture import render, save_png
    from edge_runtime.tissue.simulate import FullModel
    from edge_runtime.tissue.verify_report import write_plot, write_series

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made ({error.strerror}); choose another folder") from None
    for check in checks:
        write_series(check, folder)
    write_plot(checks, folder / "verification.png")
    model = FullModel(phantom_for(1.75, 75.0))
    model.reset(0.6, 8.0)
    model.step(8.0, 0.6)
    save_png(render(model.model, model.data), folder / "phantom.png")


def _lines(result: dict[str, Any]) -> list[str]:
    lines = [f"{'check':<24}{'error':>12}{'bar':>10}"]
    for row in result["checks"]:
        lines.append(f"{row['name']:<24}{row['error']:>12.2e}{row['bar']:>10.0e}  {'ok' if row['passed'] else 'FAILS'}")
    return lines + [f"left out: {reason}" for reason in result["left_out"]]
