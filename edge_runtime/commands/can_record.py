"""`exo-edge can record`: raw frames of a live bus into a log that any CAN tool reads; or one log into another."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edge_runtime.commands.can_dump import add_source

HELP = "write raw frames of a bus into a log (.log, .asc, .blf)"


def configure(parser: argparse.ArgumentParser) -> None:
    """Source and file."""
    add_source(parser)
    parser.add_argument("out", type=Path, metavar="OUT", help="file to write; its suffix says the kind")


def run(arguments: argparse.Namespace) -> int:
    """Write until Ctrl-C, --seconds or the end; the file is whole in each case. 1 where the source was damaged."""
    from edge_runtime.can_source import open_source
    from edge_runtime.errors import UserError
    from firmware_bridge.capture import CaptureError, LogWriter
    from firmware_bridge.table import TABLE

    if arguments.out.exists():
        raise UserError(f"{arguments.out}: is there already; give another name")
    status = 0
    with open_source(arguments.source, arguments.seconds, TABLE) as source:
        writer = LogWriter(arguments.out, channel="can0")
        try:
            for captured in source.frames:
                if captured.frame is not None:
                    writer.write(captured.t_s, captured.frame)
        except KeyboardInterrupt:
            pass
        except CaptureError as error:
            print(f"exo-edge: {error}", file=sys.stderr)
            status = 1
        finally:
            writer.close()
    print(f"{writer.count} frames in {arguments.out}", file=sys.stderr)
    return status
