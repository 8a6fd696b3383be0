"""`exo-edge bench drives`: what the codecs of third-party drives and a step of the soft governor cost."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge_runtime.commands.options import add_json, positive_float, show

HELP = "codecs of third-party drives and the soft governor's step"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which drives, and for how long the process runs."""
    parser.add_argument("--drives", type=Path, metavar="FILE", action="append", help="drives file (one of each kind)")
    parser.add_argument("--seconds", type=positive_float, default=5.0, metavar="S", help="per process (5)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure each drives file."""
    from edge_runtime.stats import host_block, jsonable, quantiles
    from engines.cache import cache_dir
    from firmware_bridge.actuators.bench import keep_time, measure
    from firmware_bridge.actuators.config import load_drives
    from firmware_bridge.actuators.examples import example_files

    found: dict[str, Any] = {}
    for path in arguments.drives or example_files():
        drives = load_drives(path)
        out_dir = cache_dir() / "firmware"
        times = measure(drives, out_dir)
        found[drives.kind.name.lower()] = {
            "pack_us": quantiles(times.pack_us),
            "read_us": quantiles(times.read_us),
            "step_us": quantiles(times.step_us),
            "process": keep_time(drives, out_dir, arguments.seconds),
        }
    result = jsonable({"drives": found} | host_block())
    assert isinstance(result, dict)
    show(result, arguments, _lines)
    return 0


def _lines(result: dict[str, Any]) -> list[str]:
    names = ("pack p50", "read p50", "step p50", "step p99", "late p50", "late p99", "worst step")
    rows = [f"{'us':<12}" + "".join(f"{name:>12}" for name in names)]
    for kind, found in result["drives"].items():
        numbers = (found["pack_us"]["p50"], found["read_us"]["p50"], found["step_us"]["p50"], found["step_us"]["p99"])
        process = found["process"]
        late = process["late_us"]
        cells = (*numbers, late["p50"], late["p99"], process["worst_step_us"])
        rows.append(f"{kind:<12}" + "".join(f"{cell:12.2f}" for cell in cells))
    return rows
