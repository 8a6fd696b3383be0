"""`exo-edge solve`: muscles and knee contact of a recorded trial."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from edge_runtime.commands.options import add_json, positive_float, show

if TYPE_CHECKING:
    from edge_runtime.biomech.scaling import Segments
    from edge_runtime.biomech.subject import Subject
    from edge_runtime.biomech.trials import Trial

HELP = "muscle forces, reserves and knee contact of a recorded trial, into .sto files and a picture"


def configure(parser: argparse.ArgumentParser) -> None:
    """The trial, the model, and how to solve."""
    parser.add_argument("trial", type=Path, metavar="TRIAL", help="coordinates .mot/.sto (forces beside it), or .npz")
    parser.add_argument(
        "--model", default="myolegs", metavar="NAME", help="myolegs (default), myofullbody, or a compiled .osim (.npz)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the results")
    parser.add_argument("--height", type=positive_float, metavar="M", help="stature (from the .osim beside the trial)")
    parser.add_argument("--mass", type=positive_float, metavar="KG", help="body mass (from the trial or that .osim)")
    parser.add_argument(
        "--scale",
        type=Path,
        metavar="FILE",
        help="person's segments: OpenSim scale set (.xml), or scaled .osim or .npz",
    )
    parser.add_argument("--seconds", type=positive_float, metavar="S", help="only the beginning (all)")
    parser.add_argument("--power", type=int, choices=(2, 3, 4), default=2, help="exponent of activation (2)")
    parser.add_argument("--layer", choices=("anatomical", "stock"), default="anatomical", help="muscle parameters")
    parser.add_argument("--passive", choices=("off", "on"), default="off", help="passive muscle force (off)")
    parser.add_argument("--solver", choices=("numba", "numpy"), default="numba", help="implementation (numba)")
    parser.add_argument("--dynamics", action="store_true", help="no faster than muscles activate and deactivate")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Solve, write, say what came out."""
    from edge_runtime.biomech.alignment import aligned
    from edge_runtime.biomech.frame_solvers import How
    from edge_runtime.biomech.solve_files import write_tables
    from edge_runtime.biomech.solve_offline import solve_trial
    from edge_runtime.biomech.trials import read_trial
    from edge_runtime.one_core import one_core
    from edge_runtime.progress import progress

    in_step = aligned(read_trial(arguments.trial))
    trial = in_step.trial
    subject, segments, why = _size(trial, arguments)
    dynamics: Literal["off", "on"] = "on" if arguments.dynamics else "off"
    how = How(arguments.power, arguments.layer, arguments.passive, arguments.solver, dynamics)
    with one_core():
        solved = solve_trial(trial, arguments.model, subject, how, arguments.seconds, progress, segments=segments)
    folder = _folder(arguments.out)
    paths = write_tables(folder, solved)
    picture = _draw(folder, solved)
    told = {"scaling": why, "force_lag_ms": in_step.lag_ms}
    show(_result(solved, subject, arguments.model, [*paths, *picture]) | told, arguments, _lines)
    return 0


def _size(trial: Trial, arguments: argparse.Namespace) -> tuple[Subject, Segments | None, str]:
    """Whose body it is: by --scale, by --height or the `.osim` beside the trial, else what the trial itself tells."""
    from edge_runtime.biomech.model import UNSCALED_STATURE_M
    from edge_runtime.biomech.scale_file import read_segments
    from edge_runtime.biomech.scaling import relative
    from edge_runtime.biomech.sizing import size_of
    from edge_runtime.biomech.subject import Subject, subject_of
    from edge_runtime.commands.progress import pose_progress

    if arguments.scale is None and (arguments.height or trial.model):
        return subject_of(trial, arguments.height, arguments.mass), None, "size by stature"
    size = size_of(trial, arguments.height, arguments.mass)
    subject = Subject(size.height_m, size.mass_kg)
    if arguments.scale is None:
        if not arguments.model.startswith("myo"):
            return subject, None, f"size as in {arguments.model}"
        return subject, relative(size.segments, size.leg_height_m / UNSCALED_STATURE_M), size.why
    with pose_progress() as show_poses:
        return subject, read_segments(arguments.scale, size.mass_kg, show_poses), f"size by {arguments.scale}"


def _folder(path: Path) -> Path:
    from edge_runtime.errors import UserError

    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out {path}: {error.strerror}; give a folder that can be written") from None
    return path


def _draw(folder: Path, solved: Any) -> list[Path]:
    from edge_runtime.biomech.solve_files import draw

    try:
        draw(folder / "solve.png", solved)
    except ImportError:
        print("no picture: install matplotlib with pip install 'exo-edge[plot]'", file=sys.stderr)
        return []
    return [folder / "solve.png"]


def _result(solved: Any, subject: Any, model: str, paths: list[Path]) -> dict[str, Any]:
    import numpy as np

    from edge_runtime.stats import host_block, quantiles

    quality = solved.quality
    return {
        "trial": solved.name, "model": model, "height_m": subject.height_m, "mass_kg": subject.mass_kg,
        "frames": len(solved.frame_s), "motion_s": float(np.ptp(solved.motion.time_s)),
        "solve_s": float(solved.frame_s.sum()), "frame_us": quantiles(solved.frame_s * 1e6),
        "not_converged": int(np.sum(quality["converged"] == 0.0)), "capped": int(quality["capped"].sum()),
        "late": int(quality["late"].sum()), "saturated_frames": int(np.sum(quality["saturated"] > 0.0)),
        "gradient_nm": float(quality["gradient_nm"].max()), "iterations": quantiles(quality["iterations"]),
        "tau_res_rms_nm": dict(zip(solved.dofs, np.sqrt(np.mean(solved.reserve_nm**2, axis=0)), strict=True)),
        "knee_peaks_bw": dict(zip(("r", "l"), solved.stance_peaks_bw().tolist(), strict=True)),
        "files": [str(path) for path in paths],
    } | host_block()  # fmt: skip


def _lines(result: dict[str, Any]) -> list[str]:
    worst = max(result["tau_res_rms_nm"].items(), key=lambda item: item[1])
    lines = [
        f"{result['trial']} with {result['model']}, {result['height_m']:.3f} m, {result['mass_kg']:.1f} kg",
        result["scaling"],
        *(
            [f"forces came {result['force_lag_ms']:.0f} ms later than the motion: moved"]
            if result["force_lag_ms"]
            else []
        ),
        f"{result['frames']} frames ({result['motion_s']:.1f} s) solved in {result['solve_s']:.3f} s on one core, "
        f"{result['frame_us']['p50']:.0f} us per frame",
        f"{result['not_converged']} not converged, {result['capped']} capped, {result['late']} late, "
        f"{result['saturated_frames']} with a saturated muscle; largest dual gradient {result['gradient_nm']:.1e} Nm",
        f"largest reserve: {worst[0]} {worst[1]:.3f} Nm RMS",
    ]
    for side, peaks in result["knee_peaks_bw"].items():
        lines.append(f"knee contact {side}: first peak {peaks[0]:.2f} BW, second {peaks[1]:.2f} BW (mean over steps)")
    return [*lines, *result["files"]]
