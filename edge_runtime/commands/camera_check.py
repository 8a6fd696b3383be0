"""`exo-edge camera check`: what a camera delivers, when, and whether its pictures may be believed."""

from __future__ import annotations

import argparse
from typing import Any

from edge_runtime.commands.options import add_json, positive_float, show

HELP = "rate, stamps and faults of a camera, and what judging its pictures costs"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which camera, and for how long."""
    parser.add_argument(
        "--camera", required=True, metavar="SOURCE", help="v4l2:/dev/video0, gst:…, rtsp://…, file:PATH"
    )
    parser.add_argument("--seconds", type=positive_float, default=10.0, metavar="S", help="how long to look (10)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Look, and print."""
    import cv2

    from edge_runtime.cameras.check import check_camera
    from edge_runtime.cameras.spec import CameraSpec

    cv2.setNumThreads(1)
    show(check_camera(CameraSpec(arguments.camera), arguments.seconds), arguments, _lines)
    return 0


def _lines(result: dict[str, Any]) -> list[str]:
    judge, period = result["judge_ms"], result["period_ms"]
    faults = ", ".join(f"{name} {count}" for name, count in result["faults"].items()) or "none"
    return [
        f"{result['frames']} pictures of {result['width_px']} x {result['height_px']} px, {result['rate_hz']:.2f} Hz",
        f"stamps by {result['stamps']}; between pictures p50 {period['p50']:.2f} ms, p99 {period['p99']:.2f} ms",
        f"stamp to arrival p50 {result['age_ms']['p50']:.2f} ms, p99 {result['age_ms']['p99']:.2f} ms",
        f"judging p50 {judge['p50']:.2f} ms, p99 {judge['p99']:.2f} ms of processor time",
        f"faults: {faults}",
    ]
