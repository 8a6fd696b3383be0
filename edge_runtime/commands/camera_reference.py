"""`exo-edge camera reference`: keeps how the scene looks from the calibrated camera, as a grey thumbnail."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "store the scene as the calibrated camera sees it, to notice later that the camera was moved"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which camera, and where to."""
    parser.add_argument(
        "--camera", required=True, metavar="SOURCE", help="v4l2:/dev/video0, gst:…, rtsp://…, file:PATH"
    )
    parser.add_argument("--out", type=Path, default=Path("camera.npz"), metavar="FILE", help="reference (camera.npz)")


def run(arguments: argparse.Namespace) -> int:
    """Take the first pictures; nobody should be in them."""
    from edge_runtime.cameras.health import LEARN_FRAMES
    from edge_runtime.cameras.open import open_camera
    from edge_runtime.cameras.reference import learn, save_reference
    from edge_runtime.cameras.spec import CameraSpec

    camera = open_camera(CameraSpec(arguments.camera))
    try:
        shots = [camera.read() for _ in range(LEARN_FRAMES)]
    finally:
        camera.close()
    digest = save_reference(learn([shot.rgb for shot in shots if shot is not None]), arguments.out)
    print(f"{arguments.out}  sha256 {digest}")
    print('in the device file: [camera] reference = "…", relative to it')
    return 0
