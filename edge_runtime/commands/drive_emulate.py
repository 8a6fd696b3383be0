"""`exo-edge drive emulate`: emulated drives on a `unix:` bus, to try a drives file without hardware."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "emulated drives on a unix: bus, without hardware"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which drives; they listen at the file's own bus, which must be unix:PATH."""
    parser.add_argument("--drives", type=Path, required=True, metavar="FILE", help="drives file with bus = unix:PATH")


def run(arguments: argparse.Namespace) -> int:
    """Until SIGTERM or SIGINT."""
    import signal

    from edge_runtime.errors import UserError
    from firmware_bridge.actuators.config import load_drives
    from firmware_bridge.actuators.emulators.rig import EmulatedBus
    from firmware_bridge.actuators.emulators.server import EmulatorServer

    drives = load_drives(arguments.drives)
    if not drives.bus.startswith("unix:"):
        raise UserError(f"{arguments.drives}: `drive.bus` must be unix:PATH for emulated drives, got {drives.bus}")
    stopped = False

    def on_signal(number: int, frame: object) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    server = EmulatorServer(Path(drives.bus.removeprefix("unix:")), EmulatedBus(drives))
    print(f"emulated drives at {drives.bus}", flush=True)
    try:
        server.run(lambda: not stopped)
    finally:
        server.close()
    return 0
