"""`exo-edge drive run`: the soft governor between a torque loop and third-party drives."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge_runtime.commands.options import DEMO_PROFILE

HELP = "lead third-party drives by a governor on this machine"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which drives, whose profile, where the torque loop connects."""
    parser.add_argument("--drives", type=Path, required=True, metavar="FILE", help="drives file, see docs/drives.md")
    parser.add_argument("--host", default="unix:drives.sock", metavar="unix:PATH", help="where the loop connects")
    parser.add_argument("--profile", type=Path, metavar="FILE", help="profile of the wearer (demo)")
    parser.add_argument("--priority", type=int, default=79, choices=range(0, 91), metavar="0..90", help="FIFO (79)")


def run(arguments: argparse.Namespace) -> int:
    """Until SIGTERM, SIGINT or the end of the process; status 1 where it died."""
    import json
    import signal
    import time

    from calibration.profile import load_profile
    from edge_runtime.errors import UserError
    from engines.cache import cache_dir
    from firmware_bridge.actuators.config import load_drives
    from firmware_bridge.actuators.native import build_session
    from firmware_bridge.actuators.session import DriveSession

    if not arguments.host.startswith("unix:"):
        raise UserError(f"--host {arguments.host}: must be unix:PATH; the loop and its governor share one machine")
    host_path = Path(arguments.host.removeprefix("unix:"))
    profile = load_profile(arguments.profile or DEMO_PROFILE)
    executable = build_session(cache_dir() / "firmware")
    session = DriveSession(executable, load_drives(arguments.drives), host_path, profile.hash32, arguments.priority)
    stopped = False

    def on_signal(number: int, frame: object) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    session.start()
    print(f"drives led; the torque loop connects to {arguments.host}", flush=True)
    while not stopped and session.poll() is None:
        time.sleep(0.05)
    alive = session.poll() is None
    print(json.dumps(session.stop()))
    return 0 if alive else 1
