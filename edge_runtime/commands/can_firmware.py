"""`exo-edge can firmware`: build the example firmware image for Cortex-M; flash, RAM and stack of it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_runtime.commands.options import DEMO_PROFILE, add_json, show

if TYPE_CHECKING:
    from firmware_bridge.cortex_m.build import Image

HELP = "build the Cortex-M image; its flash, RAM and worst-case stack"


def configure(parser: argparse.ArgumentParser) -> None:
    """Whose device, and where the image goes."""
    parser.add_argument(
        "--profile", type=Path, default=DEMO_PROFILE, metavar="FILE", help="profile of the wearer (demo)"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write the M4 image as ELF (the cache only)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Build for every core; run the M4 image on the emulated board."""
    import shutil

    from calibration.profile import load_profile
    from edge_runtime.stats import host_block
    from engines.cache import cache_dir
    from firmware_bridge.cortex_m.build import Cpu, Program, build

    profile_hash = load_profile(arguments.profile).hash32
    images = {cpu: build(cache_dir() / "firmware", Program.FIRMWARE, cpu, profile_hash) for cpu in Cpu}
    result: dict[str, Any] = {"images": {cpu.value: _figures(image) for cpu, image in images.items()}}
    result["images"][Cpu.M4.value]["stack_measured"] = _measured(images[Cpu.M4], profile_hash)
    result |= {"profile_hash": f"{profile_hash:#010x}", "elf": str(images[Cpu.M4].elf)}
    if arguments.out is not None:
        shutil.copyfile(images[Cpu.M4].elf, arguments.out)
        result["elf"] = str(arguments.out)
    show(result | host_block(), arguments, _lines)
    return 0


def _figures(image: Image) -> dict[str, Any]:
    import dataclasses

    from firmware_bridge.cortex_m.stack import worst

    deepest = worst(image.elf)
    sizes = dataclasses.asdict(image.sizes())
    stack = {"stack_worst": deepest.total, "stack_main": deepest.main, "stack_interrupts": list(deepest.levels)}
    return {**sizes, **stack, "stack_path": list(deepest.path), "stack_measured": None}


def _measured(image: Image, profile_hash: int) -> int | None:
    """Highest stack on the emulated board; None without the emulator."""
    import shutil

    from firmware_bridge.cortex_m.bench import Bench
    from firmware_bridge.cortex_m.emulator import QEMU, Emulator
    from firmware_bridge.cortex_m.exercise import exercise

    if shutil.which(QEMU) is None:
        return None
    with Emulator.on_socket(image.elf) as emulator:
        return exercise(Bench(emulator.line), profile_hash).stack_used


def _lines(result: dict[str, Any]) -> list[str]:
    head = f"{'bytes':<16}" + "".join(f"{name:>16}" for name in result["images"])
    labels = {
        "flash": "flash",
        "governor_flash": "  governor",
        "ram": "RAM, no stack",
        "governor_ram": "  governor",
        "stack_worst": "stack, worst",
        "stack_measured": "stack, seen",
        "stack_reserved": "stack, reserved",
    }
    images = result["images"].values()
    body = [f"{label:<16}" + "".join(f"{_bytes(image[key]):>16}" for image in images) for key, label in labels.items()]
    deepest = next(iter(images))["stack_path"]
    return [head, *body, f"deepest: {' > '.join(deepest)}", f"profile {result['profile_hash']}; image {result['elf']}"]


def _bytes(value: int | None) -> str:
    return "not run" if value is None else str(value)
