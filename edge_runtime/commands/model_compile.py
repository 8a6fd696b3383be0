"""`exo-edge model compile`: an OpenSim model as arrays that the runtime evaluates without OpenSim."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.commands.options import positive_float

if TYPE_CHECKING:
    from edge_runtime.biomech.skeleton.compile import Report

HELP = "compile an OpenSim model (.osim) for the runtime"


def configure(parser: argparse.ArgumentParser) -> None:
    """Model, output, scaling."""
    parser.add_argument("model", type=Path, metavar="FILE.osim", help="OpenSim model, scaled to the person or not")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.npz", help="where the compiled model goes")
    parser.add_argument(
        "--scale", type=body_factors, action="append", default=[], metavar="BODY=X,Y,Z",
        help="length factors of a body, as OpenSim's ScaleTool applies them; may be repeated",
    )  # fmt: skip
    parser.add_argument("--mass", type=positive_float, metavar="KG", help="body mass after scaling (as in the model)")


def run(arguments: argparse.Namespace) -> int:
    """Compile, write, and tell how well the polynomials fit."""
    from edge_runtime.biomech.skeleton.compile import Scaling, compile_model
    from edge_runtime.biomech.skeleton.format import save
    from edge_runtime.commands.progress import pose_progress
    from engines.cache import sha256_hex

    scaling = Scaling(dict(arguments.scale), arguments.mass) if arguments.scale or arguments.mass else None
    with pose_progress() as progress:
        model, report = compile_model(arguments.model, scaling, progress)
    save(arguments.out, model)
    bodies, muscles = len(model.names.bodies), len(model.names.muscles)
    terms = len(model.skeleton.basis.exponent)
    print(f"{arguments.out}: {bodies} bodies, {muscles} muscles, {terms} polynomial terms")
    print("\n".join(_lines(report)))
    print(f'for a profile:\n[muscles]\nmodel = "{arguments.out.name}"\nsha256 = "{sha256_hex(arguments.out)}"')
    for kind, count in report.left_out.items():
        print(f"warning: left out {count} {kind}: the runtime has no such force", file=sys.stderr)
    return 0


def _lines(report: Report) -> list[str]:
    """Errors over the whole range of motion, on poses that the fit has not seen."""
    import numpy as np

    lines = []
    for what, errors in (("moment arms", report.arm_error_m), ("lengths", report.length_error_m)):
        values = 1e3 * np.array([*errors.values()])
        if len(values):
            worst = max(errors, key=lambda name: errors[name])
            middle, high = np.percentile(values, [50, 95])
            lines.append(
                f"{what}: RMSE median {middle:.3f} mm, 95 % below {high:.3f} mm, worst {values.max():.2f} mm ({worst})"
            )
    return lines


def body_factors(text: str) -> tuple[str, tuple[float, float, float]]:
    """`BODY=X,Y,Z`, or `BODY=F` for the same along all three."""
    body, _, factors = text.partition("=")
    try:
        values = [float(factor) for factor in factors.split(",")]
    except ValueError:
        values = []
    if len(values) == 1:
        values *= 3
    if not body or len(values) != 3 or not all(0.3 < value < 3.0 for value in values):
        raise argparse.ArgumentTypeError(f"must be BODY=X,Y,Z with factors between 0.3 and 3, got {text}")
    return body, (values[0], values[1], values[2])
