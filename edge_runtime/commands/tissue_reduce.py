"""`exo-edge tissue reduce`: identifies the reduced soft-tissue model of one leg from its finite elements."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_runtime.commands.options import DEMO_PROFILE, add_json, positive_float, positive_int, show

if TYPE_CHECKING:
    from edge_runtime.tissue.geometry import Phantom
    from edge_runtime.tissue.identify import Plan
    from edge_runtime.tissue.prony import Arms

HELP = "soft tissue: the reduced model of one leg, from equilibria of its finite elements (minutes)"


def configure(parser: argparse.ArgumentParser) -> None:
    """Whose leg, which tissue, which device, how thoroughly."""
    parser.add_argument(
        "--profile", type=Path, default=DEMO_PROFILE, metavar="FILE", help="profile of the wearer (demo)"
    )
    parser.add_argument("--height", type=positive_float, metavar="M", help="stature, m (the profile's)")
    parser.add_argument("--mass", type=positive_float, metavar="KG", help="body mass, kg (the profile's)")
    parser.add_argument("--young", type=positive_float, default=60.0, metavar="KPA", help="modulus, 10 to 300 kPa (60)")
    parser.add_argument(
        "--bent-young", type=positive_float, metavar="KPA", help="modulus at 80 deg of flexion (the same)"
    )
    loss = parser.add_mutually_exclusive_group()
    loss.add_argument("--loss-time", type=float, default=0.02, metavar="S", help="Kelvin-Voigt time, s (0.02)")
    loss.add_argument(
        "--loss-tangent", type=positive_float, metavar="T", help="loss tangent over 0.1 to 10 Hz: Prony arms"
    )
    loss.add_argument(
        "--relaxation", type=Path, metavar="FILE", help="rows `seconds,modulus` after a sudden strain: arms"
    )
    parser.add_argument(
        "--misalignment", type=offset, default=(0.0, 0.0), metavar="X,Z", help="hinge off knee, mm (0,0)"
    )
    parser.add_argument("--prestrain", type=float, default=0.0, metavar="SHARE", help="how far both cuffs press in (0)")
    parser.add_argument("--torque", type=positive_float, default=20.0, metavar="NM", help="largest hinge torque (20)")
    parser.add_argument("--poses", type=positive_int, default=120, metavar="N", help="poses of each cuff (120)")
    parser.add_argument(
        "--interval", type=float, default=0.3, metavar="SHARE", help="how well the stiffness is known: +- this (0.3)"
    )
    parser.add_argument(
        "--mesh", type=cells, default=(2, 12, 8), metavar="R,A,L", help="cells across, round, along (2,12,8)"
    )
    parser.add_argument("--out", type=Path, default=Path("tissue.toml"), metavar="FILE", help="result (tissue.toml)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Identify; poses already solved are kept in FILE.poses until the result is written."""
    from calibration.reduced_tissue import save_tissue
    from edge_runtime.progress import progress
    from edge_runtime.tissue.identify import about, identify
    from edge_runtime.tissue.pose_store import PoseStore

    plan = _plan(arguments)
    kept = arguments.out.with_name(arguments.out.name + ".poses")
    with PoseStore(kept, about(plan)) as store:
        tissue = identify(plan, store, progress, _provenance(arguments, plan))
        save_tissue(tissue, arguments.out)
        result = {"file": str(arguments.out), "poses_solved": len(store), "torque_nm": tissue.torque_nm}
        result["hash"] = f"{tissue.hash32:08x}"
    kept.unlink()
    for name in ("thigh", "shank"):
        cuff = getattr(tissue, name)
        result[name] = {"error_pct": 100.0 * cuff.error, "growth_pct": 100.0 * cuff.growth, "reach": cuff.reach}
    show(result, arguments, _lines)
    return 0


def offset(text: str) -> tuple[float, float]:
    """`X,Z` in mm, as m."""
    try:
        x, z = (float(part) / 1e3 for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be X,Z in mm, got {text}") from None
    return x, z


def cells(text: str) -> tuple[int, int, int]:
    """`RADIAL,AROUND,ALONG`."""
    try:
        radial, around, along = (int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be RADIAL,AROUND,ALONG, got {text}") from None
    return radial, around, along


def _plan(arguments: argparse.Namespace) -> Plan:
    from dataclasses import replace
    from math import radians

    from edge_runtime.errors import UserError
    from edge_runtime.tissue.identify import Plan
    from edge_runtime.tissue.working import Work

    if not 0.0 <= arguments.interval < 1.0:
        raise UserError(f"--interval: {arguments.interval:g} is no share; give 0 to 0.95, 0.3 is plus or minus 30 %")
    phantom = _phantom(arguments)
    bent = None
    if arguments.bent_young:
        material = replace(phantom.material, young_pa=1e3 * arguments.bent_young)
        bent = radians(80.0), replace(phantom, material=material)
    interval = 1.0 - arguments.interval, 1.0 + arguments.interval
    return Plan(phantom, Work(arguments.torque), arguments.poses, _arms(arguments), bent, interval)


def _phantom(arguments: argparse.Namespace) -> Phantom:
    from dataclasses import replace

    from edge_runtime.tissue.geometry import Device, Material, Mesh, phantom_for

    height_m, mass_kg = _size(arguments)
    leg = phantom_for(height_m, mass_kg, Mesh(*arguments.mesh))
    cuffs = {name: replace(getattr(leg, name), prestrain=arguments.prestrain) for name in ("thigh_cuff", "shank_cuff")}
    material = Material(1e3 * arguments.young, loss_s=arguments.loss_time)
    return replace(leg, **cuffs, material=material, device=Device(misalignment_m=arguments.misalignment))


def _size(arguments: argparse.Namespace) -> tuple[float, float]:
    from calibration.profile import load_profile

    if arguments.height and arguments.mass:
        return arguments.height, arguments.mass
    person = load_profile(arguments.profile).person
    return arguments.height or person.height_m, arguments.mass or person.mass_kg


def _arms(arguments: argparse.Namespace) -> Arms | None:
    import numpy as np

    from edge_runtime.tissue.prony import arms_from_loss, arms_from_relaxation, read_relaxation

    if arguments.loss_tangent:
        frequency_hz = np.geomspace(0.1, 10.0, 21)
        return arms_from_loss(frequency_hz, np.full(21, arguments.loss_tangent))
    if arguments.relaxation:
        return arms_from_relaxation(*read_relaxation(arguments.relaxation))
    return None


def _provenance(arguments: argparse.Namespace, plan: Plan) -> str:
    height_m, mass_kg = _size(arguments)
    loss = "Kelvin-Voigt" if plan.arms is None else "Prony arms"
    return (
        f"finite elements of an average leg of {height_m:g} m and {mass_kg:g} kg, St. Venant-Kirchhoff tissue of "
        f"{arguments.young:g} kPa with {loss}; modulus, loss and fit assumed, not measured on a person"
    )


def _lines(result: dict[str, Any]) -> list[str]:
    lines = [f"{result['file']}: hash {result['hash']}, for up to {result['torque_nm']:.1f} Nm at the hinge"]
    for name in ("thigh", "shank"):
        cuff = result[name]
        x, z, turn = cuff["reach"]
        lines.append(
            f"{name} cuff: within {cuff['error_pct']:.2f} % to {1e3 * x:.1f} mm, {1e3 * z:.1f} mm, {turn:.3f} rad "
            f"(left-out poses); {cuff['growth_pct']:.0f} % more at twice that"
        )
    return lines
