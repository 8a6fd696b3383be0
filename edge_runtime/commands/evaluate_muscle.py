"""`exo-edge evaluate muscle`: moments, activations and knee forces against references."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge_runtime.commands.options import add_json, positive_float, show

HELP = "joint moments, muscle activations and knee forces against references"


def configure(parser: argparse.ArgumentParser) -> None:
    """Trials, model, references."""
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="trials: OpenSim tables with their .osim, or .npz"
    )
    parser.add_argument("--model", type=Path, metavar="FILE", help="model (.osim, or compiled .npz) for all trials")
    parser.add_argument(
        "--reference", type=Path, metavar="DIR", help="further tables: activations, joint reaction (model reference)"
    )
    parser.add_argument("--power", type=int, choices=(2, 3, 4), default=2, help="exponent of activation (2)")
    parser.add_argument("--passive", choices=("off", "on"), default="off", help="passive muscle force (off)")
    parser.add_argument("--cutoff", type=positive_float, default=6.0, metavar="HZ", help="low-pass of motion (6)")
    parser.add_argument(
        "--myolegs", choices=("lengths", "axes", "inertia"), metavar="DETAIL",
        help="moments of MyoLegs instead, scaled by the model's lengths, also knee axes, also inertia",
    )  # fmt: skip
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate every trial of the folder."""
    from edge_runtime.biomech.skeleton.evaluate import Plan, evaluate, evaluate_myolegs
    from edge_runtime.biomech.skeleton.person import Options
    from edge_runtime.commands.progress import pose_progress
    from edge_runtime.stats import host_block

    options = Options(power=arguments.power, passive=arguments.passive)
    plan = Plan(arguments.data, arguments.model, arguments.reference, arguments.cutoff, options)
    with pose_progress() as progress:
        if arguments.myolegs:
            result = evaluate_myolegs(plan, arguments.myolegs, progress)
        else:
            result = evaluate(plan, progress)
    show(result | host_block(), arguments, _lines)
    return 0


def _lines(result: dict[str, Any]) -> list[str]:
    lines = [f"{result['trials']} trials"]
    for one in result["per_trial"]:
        lag = one.get("knee_lag_ms")
        late = f"; measured knee force comes {lag:+.0f} ms later" if lag else ""
        lines.append(f"{one['trial']} with {one['model']}: {one.get('scaling', '')}{late}")
    lines += [f"{name:<24}{value:>8.2f} Nm RMSE" for name, value in result["moment_rmse_nm"].items()]
    lines += [f"{name:<24}{value:>8.2f} r with EMG" for name, value in result["emg_r"].items()]
    for key in ("knee_force_rmse_n", "knee_force_r", "medial_rmse_n", "lateral_rmse_n", "tau_res_rms_nm"):
        if result[key] is not None:
            lines.append(f"{key:<24}{result[key]:>8.2f}")
    if result["frame_us"]["n"]:
        lines.append(f"{'frame, µs':<24}{result['frame_us']['p50']:>8.0f} median, {result['frame_us']['p99']:.0f} p99")
    return lines
