"""`exo-edge hil judge`: verdict on a recorded run."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge_runtime.commands.options import add_json, show

HELP = "pass or fail of one run"

_TORQUE_NOISE_NM = 0.5  # of the drive's torque sensor, with the lag of its current loop
_ENGAGED_MIN = 0.3  # of the cycles: a run that hardly assisted proves little


def configure(parser: argparse.ArgumentParser) -> None:
    """The run."""
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder or record.mcap")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Status 0 where it passed."""
    import dataclasses

    from edge_runtime.record.reader import load
    from edge_runtime.run import torque_limits
    from edge_runtime.stats import host_block
    from firmware_bridge.table import STATES, TABLE
    from hil.measures import SafeLimits
    from hil.verdict import BenchLimits, verdict

    lease_ms = TABLE.joints["knee_r"].lease_ms
    safe = SafeLimits(TABLE.safe.ramp_ms + lease_ms, _TORQUE_NOISE_NM, TABLE.safe.damping_nm_s_per_rad)
    limits = BenchLimits(torque_limits(), safe, max_safe_entries=0, min_engaged_share=_ENGAGED_MIN)
    result = verdict(load(arguments.run), limits, tuple(STATES))
    document = {"passed": result.passed, "checks": [dataclasses.asdict(check) for check in result.checks]}
    show(document | host_block(), arguments, lambda _: list(result.lines))
    return 0 if result.passed else 1
