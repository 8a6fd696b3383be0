"""`exo-edge bench batch`: recorded video through the whole chain, not paced by a camera."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge_runtime.commands.options import add_json, add_plan, make_plan, positive_float, show

HELP = "seconds that recorded video takes through pose, ground reaction, muscle solve and knee contact"


def configure(parser: argparse.ArgumentParser) -> None:
    """What video, how much of it."""
    add_plan(parser)
    parser.add_argument("--seconds", type=positive_float, default=10.0, metavar="S", help="of video (10)")
    parser.add_argument("--rate", type=positive_float, default=60.0, metavar="HZ", help="frames per second of it (60)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Play it and print."""
    from edge_runtime.bench_batch import measure_batch

    count = max(1, round(arguments.seconds * arguments.rate))
    result = measure_batch(make_plan(arguments, count, Path()), count)  # one pass for each: more than enough
    show(result | {"video_seconds": arguments.seconds, "rate_hz": arguments.rate}, arguments, lines)
    return 0


def lines(result: dict[str, Any]) -> list[str]:
    """The result as a person reads it."""
    rows = {**result["stages_ms"], "whole frame": result["ms_per_frame"]}
    body = [f"{name:<24}{_ms(q['p50'])}{_ms(q['p99'])}" for name, q in rows.items()]
    return [
        f"{'ms':<24}{'p50':>9}{'p99':>9}",
        *body,
        *(f"{name}: {plan}" for name, plan in result["engines"].items()),
        *result["notes"],
        f"{result['video_seconds']:g} s of video at {result['rate_hz']:g} Hz, {result['frames']} frames: "
        f"{result['seconds']:.2f} s; decoding {result['decode_seconds']:.2f} s more",
        f"{result['frames_whole_chain']} ran the whole chain; if all did: {_seconds(result['seconds_whole'])}",
    ]


def _seconds(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f} s"


def _ms(value: float | None) -> str:
    return f"{'–':>9}" if value is None else f"{value:9.3f}"
