"""`exo-edge run`: the main job."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edge_runtime.commands.options import add_plan, make_plan, positive_float, positive_int

HELP = "run the whole chain on a video or a live camera and write a report"


def configure(parser: argparse.ArgumentParser) -> None:
    """What to run on, and how."""
    add_plan(parser)
    parser.add_argument(
        "--clock", choices=("real", "virtual"), default="real", help="virtual: lock-step, deterministic"
    )
    parser.add_argument("--passes", type=positive_int, default=6, metavar="N", help="play the clip N times (6)")
    parser.add_argument("--camera", metavar="SOURCE", help="live: v4l2:/dev/video0, gst:PIPELINE, rtsp://…, file:PATH")
    parser.add_argument(
        "--seconds", type=positive_float, metavar="S", help="so long from a live camera (until stopped)"
    )
    parser.add_argument(
        "--store-pictures", type=Path, metavar="DIR", help="store a picture per second of a live camera, faces blurred"
    )
    parser.add_argument("--out", type=Path, default=Path("runs"), metavar="DIR", help="where run folders go (runs)")
    parser.add_argument("--view", choices=("live", "none"), default="live", help="terminal view while it runs")


def run(arguments: argparse.Namespace) -> int:
    """Run the plan; tell where its report is."""
    import dataclasses

    from edge_runtime.cameras.spec import CameraSpec, check_source
    from edge_runtime.run import Clock, View, execute

    plan = make_plan(arguments, arguments.passes, arguments.out)
    if arguments.camera is not None:
        check_source(arguments.camera)
        camera = dataclasses.replace(plan.device.camera, source=arguments.camera)
        plan = dataclasses.replace(plan, device=dataclasses.replace(plan.device, camera=camera))
    elif arguments.clip is not None:  # a clip that is named goes before the device file's camera
        plan = dataclasses.replace(plan, device=dataclasses.replace(plan.device, camera=CameraSpec()))
    plan = dataclasses.replace(plan, seconds=arguments.seconds or 0.0, pictures_to=arguments.store_pictures)
    outcome = execute(plan, Clock(arguments.clock), View(arguments.view))
    if outcome.problem:
        print(f"exo-edge: {outcome.problem}", file=sys.stderr)
    elif outcome.stopped:
        print("exo-edge: stopped before the end; torque is at zero, the record is closed", file=sys.stderr)
    for what, name in (("report", "report.html"), ("summary", "summary.json"), ("record", "record.mcap")):
        if (outcome.folder / name).exists():
            print(f"{what:<9}{outcome.folder / name}")
    return 1 if outcome.problem else 0
