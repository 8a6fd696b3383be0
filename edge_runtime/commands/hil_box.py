"""`exo-edge hil box`: a command inside User Mode Linux, with real CAN interfaces and, where wanted, virtual time."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edge_runtime.commands.options import positive_float, positive_int

HELP = "run a command in a Linux of its own with vcan interfaces"


def configure(parser: argparse.ArgumentParser) -> None:
    """The box, then the command."""
    parser.add_argument("--kernel", type=Path, metavar="FILE", help="User Mode Linux kernel (cache, or Debian's)")
    parser.add_argument("--virtual-time", action="store_true", help="work takes no time, waiting is skipped")
    parser.add_argument("--vcan", type=positive_int, default=1, metavar="N", help="CAN interfaces vcan0 and on (1)")
    parser.add_argument("--netem", default="", metavar="WORDS", help="faults on each, as tc netem takes: 'loss 5%%'")
    parser.add_argument("--memory", type=positive_int, default=1024, metavar="MB", help="memory of the box (1024)")
    parser.add_argument("--timeout", type=positive_float, metavar="S", help="kill it after so long; status 124")
    parser.add_argument(
        "--writable", type=Path, action="append", default=[], metavar="DIR", help="a folder whose changes stay"
    )
    parser.add_argument("words", nargs="+", metavar="-- COMMAND", help="what to run")


def run(arguments: argparse.Namespace) -> int:
    """The command's own status; 124 where time ran out, 125 where the box itself failed."""
    from edge_runtime.errors import WORLD_ERRORS
    from hil.canbox import EXIT_BOX, EXIT_TIMEOUT, Box, BoxTimeoutError, Time, run_box

    box = Box(
        command=arguments.words,
        kernel=arguments.kernel,
        time=Time.VIRTUAL if arguments.virtual_time else Time.REAL,
        vcan=arguments.vcan,
        netem=arguments.netem,
        memory_mb=arguments.memory,
        writable=tuple(arguments.writable),
        timeout_s=arguments.timeout,
    )
    try:
        return run_box(box)
    except WORLD_ERRORS as error:
        print(f"exo-edge: {error}", file=sys.stderr)
        return EXIT_TIMEOUT if isinstance(error, BoxTimeoutError) else EXIT_BOX
