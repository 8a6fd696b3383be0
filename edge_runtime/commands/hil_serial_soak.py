"""`exo-edge hil serial-soak`: the serial rig on an emulated bad cable for virtual hours."""

from __future__ import annotations

import argparse
from typing import Any

from edge_runtime.commands.options import add_json, positive_float, show

HELP = "serial rig on a bad cable: lost samples, torque without feedback"

_MUST_BE_ZERO = ("lost_unnoticed", "altered_taken", "torque_without_feedback", "torque_left_behind")


def configure(parser: argparse.ArgumentParser) -> None:
    """How long, from which seed."""
    parser.add_argument("--seconds", type=positive_float, default=300.0, metavar="S", help="virtual seconds (300)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another seed, other faults (1)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Status 0 where no sample was lost unnoticed, no torque was left, and the line is up at the end."""
    import time

    from edge_runtime.stats import host_block
    from hil.serial.soak import soak

    begun_s = time.monotonic()
    figures = soak(arguments.seconds, arguments.seed)
    figures["seconds"] = time.monotonic() - begun_s
    show(figures | host_block(), arguments, _lines)
    good = figures["connected_at_end"] and not any(figures[key] for key in _MUST_BE_ZERO)
    return 0 if good else 1


def _lines(f: dict[str, Any]) -> list[str]:
    return [
        f"{f['virtual_s']:g} virtual seconds in {f['seconds']:.0f} s: {f['samples_sent']} samples sent, "
        f"{f['received']} received, {f['lost']} lost",
        f"lost unnoticed: {f['lost_unnoticed']}, altered and taken: {f['altered_taken']}",
        f"torque without feedback: {f['torque_without_feedback']}, left behind: {f['torque_left_behind']} "
        f"({f['commands_withheld']} commands withheld)",
        f"cable: {f['bits_flipped']} bits flipped, {f['cuts']} cuts, {f['floods']} floods, "
        f"{f['bench_restarts']} restarts of the bench; connected {f['connected']} times, "
        f"{'up' if f['connected_at_end'] else 'DOWN'} at the end, longest gap {f['longest_gap_ms']:.0f} ms",
    ]
