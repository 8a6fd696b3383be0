"""`exo-edge accept`: PASS, MARGINAL or FAIL of this device's timing under load, for whoever builds it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge_runtime.commands.options import add_json, positive_float, positive_int, show

HELP = "is this device fit for torque on hardware: the real loop under load, once per device"


def configure(parser: argparse.ArgumentParser) -> None:
    """How long, on which device file."""
    parser.add_argument("--minutes", type=positive_float, default=10.0, metavar="M", help="10; fewer admit nothing")
    parser.add_argument("--reads", type=positive_int, default=100_000_000, metavar="N", help="of the mailbox (1e8)")
    parser.add_argument("--device", type=Path, metavar="FILE", help="device file (this machine, simulated firmware)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure, write the envelope, print the verdict."""
    from edge_runtime import accept, config
    from edge_runtime.benchmarks.progress import bar
    from edge_runtime.envelope import envelope_path, write_envelope
    from edge_runtime.errors import UserError

    path = envelope_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path.parent}: cannot be made ({error.strerror}); set XDG_STATE_HOME") from None
    device = config.load_device(arguments.device or config.DEFAULT_PATH)
    with bar("accept") as progress:
        found = accept.accept(device, arguments.minutes, arguments.reads, path.parent, progress)
    write_envelope(path, found.envelope)
    show(found.document | {"envelope": str(path)}, arguments, lines)
    return accept.exit_status(found.envelope.verdict)


def lines(result: dict[str, Any]) -> list[str]:
    """The result as a person reads it; the verdict comes last."""
    wake, mailbox = result["wake_us"], result["mailbox"]
    quantiles = "  ".join(f"{key.replace('_', '.')} {wake[key]:.0f}" for key in ("p50", "p99", "p99_9", "max"))
    return [
        f"wake-up after the deadline, us: {quantiles}; {wake['n']} cycles, {result['missed']} missed",
        f"mailbox: {mailbox['reads']} reads, {mailbox['torn']} torn; broken ones caught: {mailbox['broken_caught']}",
        *(f"load, {name}: {what}" for name, what in result["load"].items()),
        *(f"against it: {problem}" for problem in result["against"]),
        f"envelope: {result['envelope']}",
        result["verdict"],
    ]
