"""What each command does; imported after the command line is understood, so that --help is quick."""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from rich.console import Console

import calibration
from calibration.profile import load_profile
from edge_runtime import config
from edge_runtime.camera import ClipSource, ClipSpec
from edge_runtime.config import load_device
from edge_runtime.errors import UserError
from edge_runtime.plan import Plan
from edge_runtime.stats import host_block, to_json

_TORQUE_NOISE_NM: Final = 0.5  # of the drive's torque sensor, with the lag of its current loop
_ENGAGED_MIN: Final = 0.3  # of the cycles: a run that hardly assisted proves little
DEMO_PROFILE: Final = Path(calibration.__file__).with_name("profiles") / "demo.toml"


def fetch(arguments: argparse.Namespace) -> int:
    """Bring the assets into the cache."""
    from engines.fetch import fetch_all

    console = Console(stderr=True)
    paths = fetch_all(console if console.is_terminal else None)
    print(f"{len(paths)} assets and networks are in place", file=sys.stderr)
    return 0


def run(arguments: argparse.Namespace) -> int:
    """The main job."""
    from edge_runtime.run import Clock, View, execute

    plan = _plan(arguments, arguments.passes, arguments.out)
    outcome = execute(plan, Clock(arguments.clock), View(arguments.view))
    if outcome.problem:
        print(f"exo-edge: {outcome.problem}", file=sys.stderr)
    elif outcome.stopped:
        print("exo-edge: stopped before the end; torque is at zero, the record is closed", file=sys.stderr)
    for what, name in (("report", "report.html"), ("summary", "summary.json"), ("record", "record.mcap")):
        if (outcome.folder / name).exists():
            print(f"{what:<9}{outcome.folder / name}")
    return 1 if outcome.problem else 0


def bench(arguments: argparse.Namespace) -> int:
    """Speed: the whole chain in real time, measured from its own record."""
    from edge_runtime.bench import measure_frame
    from edge_runtime.run import Clock, View, execute

    plan = _plan(arguments, 1, Path())
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
    _show(result, arguments.json, _frame_lines)
    return 0


def evaluate(arguments: argparse.Namespace) -> int:
    """Accuracy of the GRF engine on measured gait."""
    from engines.grf.evaluate import evaluate as evaluate_grf

    _show(evaluate_grf(arguments.data) | host_block(), arguments.json, _grf_lines)
    return 0


def can(arguments: argparse.Namespace) -> int:
    """Write, or check, what follows from the limits table."""
    from firmware_bridge.codegen import generate, stale

    root = Path(__file__).resolve().parents[1]
    paths = stale(root) if arguments.check else generate(root)
    for path in paths:
        print(f"{'stale' if arguments.check else 'written'}  {path}")
    return 1 if arguments.check and paths else 0


def hil(arguments: argparse.Namespace) -> int:
    """Verdict on a recorded run."""
    from edge_runtime.record.reader import load
    from edge_runtime.run import torque_limits
    from firmware_bridge.table import STATES, TABLE
    from hil.measures import SafeLimits
    from hil.verdict import BenchLimits, verdict

    lease_ms = TABLE.joints["knee_r"].lease_ms
    safe = SafeLimits(TABLE.safe.ramp_ms + lease_ms, _TORQUE_NOISE_NM, TABLE.safe.damping_nm_s_per_rad)
    limits = BenchLimits(torque_limits(), safe, max_safe_entries=0, min_engaged_share=_ENGAGED_MIN)
    result = verdict(load(arguments.run), limits, tuple(STATES))
    document = {"passed": result.passed, "checks": [dataclasses.asdict(check) for check in result.checks]}
    _show(document | host_block(), arguments.json, lambda _: list(result.lines))
    return 0 if result.passed else 1


def doctor(arguments: argparse.Namespace) -> int:
    """What this machine can and cannot do."""
    from edge_runtime.doctor import examine, table

    findings = examine()
    if arguments.json:
        print(to_json({"checks": [dataclasses.asdict(f) for f in findings]} | host_block()))
    else:
        Console().print(table(findings))
    return 0


COMMANDS: Final[Mapping[str, Callable[[argparse.Namespace], int]]] = {
    "fetch": fetch,
    "run": run,
    "bench": bench,
    "evaluate": evaluate,
    "can": can,
    "hil": hil,
    "doctor": doctor,
}


def _plan(arguments: argparse.Namespace, passes: int, out: Path) -> Plan:
    profile_path = arguments.profile or DEMO_PROFILE
    device_path = arguments.device or config.DEFAULT_PATH
    return Plan(
        clip=_clip(arguments),
        passes=passes,
        profile=load_profile(profile_path),
        profile_path=profile_path,
        device=load_device(device_path),
        device_path=device_path,
        out=out,
    )


def _clip(arguments: argparse.Namespace) -> ClipSpec:
    from engines.fetch import asset_path

    if arguments.clip is None:
        demo = ClipSpec.demo(asset_path("demo_clip"))
        first, last = arguments.frames or (demo.first, demo.last)
        return ClipSpec(demo.path, first, last, arguments.crop or demo.crop)
    first, last = arguments.frames or (0, None)
    return ClipSpec(arguments.clip, first, last, arguments.crop)


def _show(result: dict[str, Any], as_json: bool, lines: Callable[[dict[str, Any]], list[str]]) -> None:
    print(to_json(result) if as_json else "\n".join(lines(result)))


def _frame_lines(result: dict[str, Any]) -> list[str]:
    rows = {**result["stages_ms"], "capture to setpoint": result["capture_to_setpoint_ms"]}
    rows["compute only"] = result["capture_to_intent_ms"]
    rows["detector (off the tick)"] = result["detector_ms"]
    head = f"{'ms':<24}{'n':>7}{'p50':>9}{'p99':>9}{'max':>9}"
    body = [f"{name:<24}{q['n']:>7}{_ms(q['p50'])}{_ms(q['p99'])}{_ms(q['max'])}" for name, q in rows.items()]
    return [head, *body, f"{result['frames']} frames, {result['dropped']} dropped"]


def _ms(value: float | None) -> str:
    return f"{'–':>9}" if value is None else f"{value:9.3f}"


def _grf_lines(result: dict[str, Any]) -> list[str]:
    lines = [f"{'set':<20}{'vertical RMSE':>15}{'fore-aft':>10}{'lateral':>10}   % BW;  CoP mm"]
    for name, block in {**result.get("by_set", {}), "overall": result["overall"]}.items():
        values = [block[axis]["rmse_pct_bw"] for axis in ("vertical", "fore_aft", "lateral")]
        cop = block.get("cop_mm")
        lines.append(f"{name:<20}{_pct(values[0], 15)}{_pct(values[1], 10)}{_pct(values[2], 10)}{_pct(cop, 16)}")
    return lines


def _pct(value: float | None, width: int) -> str:
    return f"{'–':>{width}}" if value is None else f"{value:>{width}.2f}"
