"""`exo-edge evaluate clip`: the knee of a real walking clip beside measured walking; no truth belongs to the clip."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge_runtime.commands.options import add_json, box, frame_range, show

HELP = "knee of a real clip beside measured walking of other people"


def configure(parser: argparse.ArgumentParser) -> None:
    """The clip, the measured walks, the landmark network."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with measured gait (.npz)")
    parser.add_argument("--clip", type=Path, metavar="FILE", help="walking video (the fetched demo clip)")
    parser.add_argument("--frames", type=frame_range, metavar="A:B", help="first and last frame, from 0 (all)")
    parser.add_argument("--crop", type=box, metavar="X,Y,W,H", help="part of the picture to look at, px (all)")
    parser.add_argument("--engine", choices=("lite", "full", "heavy"), default="full", help="landmark network (full)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Follow the clip and average its strides."""
    from edge_runtime.camera import ClipSpec
    from edge_runtime.evaluate_pose.curve import compare
    from edge_runtime.stats import host_block
    from engines.fetch import asset_path

    if arguments.clip is None:
        demo = ClipSpec.demo(asset_path("demo_clip"))
        first, last = arguments.frames or (demo.first, demo.last)
        clip = ClipSpec(demo.path, first, last, arguments.crop or demo.crop)
    else:
        first, last = arguments.frames or (0, None)
        clip = ClipSpec(arguments.clip, first, last, arguments.crop)
    show(compare(clip, arguments.data, arguments.engine) | host_block(), arguments, _lines)
    return 0


def _lines(result: dict[str, Any]) -> list[str]:
    knee = result["knee_deg"]
    lines = [
        f"knee flexion, deg, from swing peak to swing peak; clip: {result['clip_strides']} strides of the near leg "
        f"({result['near_side']}), measured: {result['measured_strides']} strides of other people. "
        "The clip has no truth: this is a look, not an error.",
        f"{'%':>5}{'head':>8}{'no head':>9}{'measured':>10}{'sd':>7}",
    ]
    columns = (knee["head"], knee["without_head"], knee["measured"], knee["measured_sd"])
    for percent, *values in zip(result["percent"], *columns, strict=True):
        head, plain, mean, sd = values
        lines.append(f"{percent:>5.0f}{head:>8.1f}{plain:>9.1f}{mean:>10.1f}{sd:>7.1f}")
    return lines
