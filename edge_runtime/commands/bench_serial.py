"""`exo-edge bench serial`: what the pump between torque loop and UART adds to each frame."""

from __future__ import annotations

import argparse
from typing import Any

from edge_runtime.commands.options import add_json, positive_float, show

HELP = "the pump of a serial bus: host to line and back, over a pseudo terminal"


def configure(parser: argparse.ArgumentParser) -> None:
    """How long, and with which priority."""
    parser.add_argument("--seconds", type=positive_float, default=10.0, metavar="S", help="of setpoints at 1 kHz (10)")
    parser.add_argument("--priority", type=int, default=79, choices=range(0, 91), metavar="0..90", help="FIFO (79)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure, and say how many frames did not come back."""
    from edge_runtime.stats import host_block, jsonable, quantiles
    from firmware_bridge.serial_bench import measure, wire_us

    times = measure(arguments.seconds, arguments.priority)
    found = {
        "out_us": quantiles(times.out_us),
        "back_us": quantiles(times.back_us),
        "round_trip_us": quantiles(times.round_trip_us),
        "lost": times.lost,
        "wire_us_per_frame": wire_us(),
        "priority": arguments.priority,
    }
    result = jsonable(found | host_block())
    assert isinstance(result, dict)
    show(result, arguments, _lines)
    return 0


def _lines(result: dict[str, Any]) -> list[str]:
    lines = [f"{'us':<16}" + "".join(f"{name:>9}" for name in ("n", "p50", "p99", "p99.9", "max"))]
    for name in ("out", "back", "round_trip"):
        block = result[f"{name}_us"]
        cells = "".join(f"{block[key] or 0.0:>9.0f}" for key in ("p50", "p99", "p99_9", "max"))
        lines.append(f"{name.replace('_', ' '):<16}{block['n']:>9}{cells}")
    lines.append(
        f"{result['lost']} frames lost; a real line adds {result['wire_us_per_frame']:.0f} us per frame, each way"
    )
    return lines
