"""`exo-edge check`: may this device carry torque? One line per matter; status 1 where one of them forbids it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.commands.options import DEMO_PROFILE, add_json, positive_float, positive_int

if TYPE_CHECKING:
    from edge_runtime.check import Answer

HELP = "bus load, interface, device file and profile: may this device carry torque?"


def configure(parser: argparse.ArgumentParser) -> None:
    """Files, and what-if questions about the load."""
    parser.add_argument("--device", type=Path, metavar="FILE", help="device file (this machine, simulated firmware)")
    parser.add_argument("--profile", type=Path, default=DEMO_PROFILE, metavar="FILE", help="profile (demo)")
    parser.add_argument("--drives", type=Path, metavar="FILE", help="drives file of third-party drives (none)")
    parser.add_argument("--limits", type=Path, metavar="FILE", help="limits table (the built-in one)")
    parser.add_argument("--joints", type=positive_int, metavar="N", help="load with so many joints (the table's)")
    parser.add_argument("--rate", type=positive_float, metavar="HZ", help="load at that rate (the table's)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; 1 where torque is forbidden."""
    from edge_runtime import config
    from edge_runtime.check import Question, check
    from firmware_bridge.table import TABLE, load_table

    table = TABLE if arguments.limits is None else load_table(arguments.limits)
    device = arguments.device or config.DEFAULT_PATH
    question = Question(device, arguments.profile, arguments.joints, arguments.rate, arguments.drives)
    answer = check(question, table)
    print(_json(answer) if arguments.json else "\n".join(_lines(answer)))
    return 0 if answer.fit else 1


def _json(answer: Answer) -> str:
    import dataclasses

    from edge_runtime.stats import host_block, to_json

    document = {
        "fit": answer.fit,
        "findings": [dataclasses.asdict(finding) for finding in answer.findings],
        "load": dataclasses.asdict(answer.load),
    }
    return to_json(document | host_block())


def _lines(answer: Answer) -> list[str]:
    lines = [f"{'message':<24}{'id':>7}{'period ms':>11}{'wire us':>9}{'load':>8}{'worst latency ms':>18}"]
    for item in answer.load.streams:
        stream = item.stream
        latency = "no bound" if item.latency_ms is None else f"{item.latency_ms:.3f}"
        lines.append(
            f"{stream.name + ' ' + stream.joint:<24}{stream.can_id:>#7x}{stream.period_ns / 1e6:>11g}"
            f"{item.wire_us:>9.1f}{item.load:>8.2%}{latency:>18}"
        )
    lines.append("")
    for finding in answer.findings:
        advice = f" -> {finding.advice}" if finding.advice else ""
        lines.append(f"{finding.status:<6}{finding.what}: {finding.found}{advice}")
    lines.append("fit to carry torque" if answer.fit else "NOT fit to carry torque")
    return lines
