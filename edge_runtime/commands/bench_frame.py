"""`exo-edge bench frame`: the whole chain in real time, measured from its own record."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge_runtime.commands.options import add_json, add_plan, make_plan, positive_float, show

HELP = "capture to setpoint on the wire, per stage and in total"


def configure(parser: argparse.ArgumentParser) -> None:
    """What to run on, for how long, at which rate."""
    add_plan(parser)
    parser.add_argument("--seconds", type=positive_float, default=60.0, metavar="S")
    parser.add_argument("--rate", type=positive_float, default=60.0, metavar="HZ", help="camera rate (60)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run for so long into a folder of its own, then measure."""
    import dataclasses
    import math
    import tempfile

    from edge_runtime.bench import measure_frame
    from edge_runtime.camera import ClipSource
    from edge_runtime.errors import UserError
    from edge_runtime.run import Clock, View, execute

    plan = make_plan(arguments, 1, Path())
    source = ClipSource(plan.clip)
    passes = math.ceil(arguments.seconds * arguments.rate / len(source))
    with tempfile.TemporaryDirectory(prefix="exo-edge-bench-") as folder:
        device = dataclasses.replace(plan.device, camera_rate_hz=arguments.rate)
        plan = dataclasses.replace(plan, device=device, passes=passes, out=Path(folder))
        view = View.NONE if arguments.json else View.LIVE
        outcome = execute(plan, Clock.REAL, view)
        if outcome.problem or outcome.stopped:
            raise UserError(outcome.problem or "stopped before the end; nothing was measured")
        result = measure_frame(plan, outcome)
    show(result, arguments, _lines)
    return 0


def _lines(result: dict[str, Any]) -> list[str]:
    rows = {**result["stages_ms"], "capture to setpoint": result["capture_to_setpoint_ms"]}
    rows["compute only"] = result["capture_to_intent_ms"]
    rows["detector (off the tick)"] = result["detector_ms"]
    head = f"{'ms':<24}{'n':>7}{'p50':>9}{'p99':>9}{'max':>9}"
    body = [f"{name:<24}{q['n']:>7}{_ms(q['p50'])}{_ms(q['p99'])}{_ms(q['max'])}" for name, q in rows.items()]
    return [head, *body, f"{result['frames']} frames, {result['dropped']} dropped"]


def _ms(value: float | None) -> str:
    return f"{'–':>9}" if value is None else f"{value:9.3f}"
