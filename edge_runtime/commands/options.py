"""Options that several commands share, and the types of their values."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import calibration

if TYPE_CHECKING:
    from edge_runtime.camera import ClipSpec
    from edge_runtime.plan import Plan

DEMO_PROFILE = Path(calibration.__file__).with_name("profiles") / "demo.toml"


def add_json(parser: argparse.ArgumentParser) -> None:
    """The switch of every measuring command."""
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def add_plan(parser: argparse.ArgumentParser) -> None:
    """What to run on: clip, profile, device."""
    parser.add_argument("--clip", type=Path, metavar="FILE", help="walking video (the fetched demo clip)")
    parser.add_argument("--frames", type=frame_range, metavar="A:B", help="first and last frame, from 0 (all)")
    parser.add_argument("--crop", type=box, metavar="X,Y,W,H", help="part of the picture to look at, px (all)")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--box", type=box, metavar="X,Y,W,H", help="the wearer's hips are in this box at first, px")
    who.add_argument("--mask", type=Path, metavar="FILE", help="PNG as large as the picture, white where the wearer is")
    parser.add_argument("--engine", metavar="NAME", help="pose network: lite, full, heavy or an engine file (full)")
    parser.add_argument("--profile", type=Path, metavar="FILE", help="profile of the wearer (demo)")
    parser.add_argument("--device", type=Path, metavar="FILE", help="device file (this machine, simulated firmware)")


def add_engines(parser: argparse.ArgumentParser) -> None:
    """Which engines; those of the shipped device file where none is named."""
    what = "names as of `exo-edge engines list` (those of the shipped device file)"
    parser.add_argument("engines", nargs="*", metavar="ENGINE", help=what)


def chosen_engines(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Those named, or those that a run opens by the shipped device file. Raises UserError on an unknown name."""
    from edge_runtime.errors import UserError
    from engines.plans import engines_with_terms, live_engines

    known = engines_with_terms()
    if unknown := [name for name in arguments.engines if name not in known]:
        raise UserError(f"no engine {unknown[0]!r}: known are {', '.join(known)}")
    return tuple(arguments.engines) or tuple(live_engines())


def make_plan(arguments: argparse.Namespace, passes: int, out: Path) -> Plan:
    """The plan that the options of `add_plan` ask for."""
    import dataclasses

    from calibration.profile import load_profile
    from edge_runtime import config
    from edge_runtime.plan import Plan

    profile_path = arguments.profile or DEMO_PROFILE
    device_path = arguments.device or config.DEFAULT_PATH
    device = config.load_device(device_path)
    if arguments.engine is not None:
        device = dataclasses.replace(device, pose_engine=arguments.engine)
    wearer = device.wearer
    if arguments.box is not None or arguments.mask is not None:
        wearer = dataclasses.replace(wearer, box=arguments.box, mask=arguments.mask)
    return Plan(
        clip=_clip(arguments),
        passes=passes,
        profile=load_profile(profile_path),
        profile_path=profile_path,
        device=device,
        device_path=device_path,
        out=out,
        wearer=wearer,
    )


def _clip(arguments: argparse.Namespace) -> ClipSpec:
    from edge_runtime.camera import ClipSpec
    from engines.fetch import asset_path

    if arguments.clip is None:
        demo = ClipSpec.demo(asset_path("demo_clip"))
        first, last = arguments.frames or (demo.first, demo.last)
        return ClipSpec(demo.path, first, last, arguments.crop or demo.crop)
    first, last = arguments.frames or (0, None)
    return ClipSpec(arguments.clip, first, last, arguments.crop)


def show(result: dict[str, Any], arguments: argparse.Namespace, lines: Callable[[dict[str, Any]], list[str]]) -> None:
    """Print a result as one JSON object, or as the lines a person reads."""
    from edge_runtime.stats import to_json

    print(to_json(result) if arguments.json else "\n".join(lines(result)))


def positive_int(text: str) -> int:
    """A whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, got {text}")
    return int(text)


def positive_float(text: str) -> float:
    """A number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < 1e5:
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text}")
    return value


def frame_range(text: str) -> tuple[int, int]:
    """`FIRST:LAST`."""
    first, _, last = text.partition(":")
    try:
        return int(first), int(last)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be FIRST:LAST, got {text}") from None


def box(text: str) -> tuple[int, int, int, int]:
    """`X,Y,WIDTH,HEIGHT` in px."""
    try:
        x, y, width, height = (int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be X,Y,WIDTH,HEIGHT in px, got {text}") from None
    return x, y, width, height
