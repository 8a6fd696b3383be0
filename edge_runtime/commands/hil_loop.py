"""`exo-edge hil loop`: torque loop and governor on a simulated bus with a scripted wish for torque, no camera."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path

from edge_runtime.commands.options import DEMO_PROFILE, positive_float

HELP = "run torque loop and governor alone, with a scripted wish for torque"


def configure(parser: argparse.ArgumentParser) -> None:
    """The bus, how long, and where the files go."""
    parser.add_argument("--bus", default="unix:", metavar="BUS", help="unix: or socketcan:vcan0 (unix:)")
    parser.add_argument("--seconds", type=positive_float, default=10.0, metavar="S")
    parser.add_argument(
        "--profile", type=Path, default=DEMO_PROFILE, metavar="FILE", help="profile of the wearer (demo)"
    )
    parser.add_argument("--scenario", type=Path, metavar="FILE", help="motion, wish and drive of a scenario, not sines")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="an existing folder for the raw files")


def run(arguments: argparse.Namespace) -> int:
    """Simulation only: a bus with hardware behind it is refused."""
    from calibration.profile import load_profile
    from edge_runtime.config import load_device
    from edge_runtime.errors import UserError
    from edge_runtime.plan import is_simulated
    from hil.loop_run import LoopPlan, LoopRun

    if not is_simulated(arguments.bus):
        raise UserError(
            f"bus {arguments.bus}: a script is not the wearer; use unix: or a virtual one (socketcan:vcan0)"
        )
    if not arguments.out.is_dir():
        raise UserError(f"{arguments.out}: no such folder; create it first")
    out = arguments.out.resolve()
    if arguments.scenario is None:
        plan = LoopPlan(arguments.bus, arguments.seconds, out, load_profile(arguments.profile), load_device())
    else:
        from hil.loop_scenario import plan_of

        plan = plan_of(arguments.scenario, arguments.bus, out)
    loop_run = LoopRun(plan)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop_run.stop())
    summary = loop_run.run()
    print(f"{summary['cycles']} cycles, {summary['rejected']} frames rejected; files in {arguments.out}")
    return 0
