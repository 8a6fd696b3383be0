"""Builds the firmware images for Cortex-M with Debian's arm-none-eabi-gcc, and says how large they are."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from firmware_bridge.errors import BridgeError

FOLDER: Final = Path(__file__).resolve().parent
GOVERNOR: Final = FOLDER.parent / "governor"
TOOLS: Final = "arm-none-eabi-"
INSTALL: Final = "on Debian: apt install gcc-arm-none-eabi libnewlib-arm-none-eabi"
WARNINGS: Final = ("-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wstack-usage=512", "-Werror")
COMPILE: Final = ("-std=c99", *WARNINGS, "-Os", "-g", "-mthumb", "-mfloat-abi=soft", "-fstack-usage",
                  "-ffunction-sections", "-fdata-sections")  # fmt: skip
LINK: Final = ("-specs=nano.specs", "-nostartfiles", "-Wl,--gc-sections,--fatal-warnings", "-mthumb")


class Cpu(Enum):
    """Cores that the image is built for; it runs on the emulated M4."""

    M4 = "cortex-m4"
    M0PLUS = "cortex-m0plus"


class Program(Enum):
    """What is linked around the governor."""

    FIRMWARE = ("main.c", "board_mps2.c", "bench.c", "serial_link.c", "startup.c")
    REPLAY = ("replay.c", "startup.c")


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of an image, from its sections."""

    flash: int
    ram: int
    """Static data; without the stack."""
    stack_reserved: int
    governor_flash: int
    """Of it, the governor's own code and constants, without what it calls in libraries."""
    governor_ram: int
    """Of it, one `governor`."""


@dataclass(frozen=True, slots=True)
class Image:
    """A linked image and the folder of its object files with their `.su` stack figures."""

    elf: Path
    objects: Path
    cpu: Cpu

    def sizes(self) -> Sizes:
        """Sections of the image, and what of it is the governor's."""
        sections = _sections(self.elf)
        code = sum(_code_bytes(self.objects / f"{path.stem}.o") for path in GOVERNOR.glob("*.c"))
        flash = sections[".text"] + sections.get(".ARM.exidx", 0) + sections.get(".data", 0)
        ram = sum(sections.get(name, 0) for name in (".data", ".bss", ".noinit"))
        return Sizes(flash, ram, sections[".stack"], code, _symbol_bytes(self.elf, "gov"))


def build(out_dir: Path, program: Program = Program.FIRMWARE, cpu: Cpu = Cpu.M4, profile_hash: int = 0) -> Image:
    """Compile and link into a folder of its own below `out_dir`; returns at once where it exists.

    `profile_hash` is that of the wearer's profile the device is set up for. Raises BridgeError with one line.
    """
    flags = [*COMPILE, f"-mcpu={cpu.value}", f"-DEXO_PROFILE_HASH={profile_hash:#010x}u", "-I.", f"-I{GOVERNOR}"]
    sources = [*(FOLDER / name for name in program.value), *sorted(GOVERNOR.glob("*.c"))]
    target = out_dir.resolve() / f"{program.name.lower()}-{cpu.value}-{_key(sources, flags)}"
    image = Image(target / "image.elf", target, cpu)
    if not image.elf.is_file():
        _make(target, sources, flags, cpu)
    return image


def _key(sources: list[Path], flags: list[str]) -> str:
    headers = sorted([*FOLDER.glob("*.h"), *GOVERNOR.glob("*.h")])
    digest = hashlib.sha256("\0".join([*flags[:-1], *LINK]).encode())
    for path in [*sources, *headers, FOLDER / "image.ld"]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _make(target: Path, sources: list[Path], flags: list[str], cpu: Cpu) -> None:
    """Build aside, then rename: a folder with this name is always whole."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix=".compiling-"))
    except OSError as error:
        raise BridgeError(f"cannot write the firmware image to {target.parent}: {error.strerror}") from error
    try:
        objects = [scratch / f"{source.stem}.o" for source in sources]
        for source, made in zip(sources, objects, strict=True):
            run_tool("gcc", *flags, "-c", str(source), "-o", str(made))
        script = ["-T", str(FOLDER / "image.ld")]
        run_tool("gcc", f"-mcpu={cpu.value}", *LINK, *script, *map(str, objects), "-o", str(scratch / "image.elf"))
        try:
            os.rename(scratch, target)
        except OSError:
            if not (target / "image.elf").is_file():
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def run_tool(name: str, *arguments: str) -> str:
    """Output of one of the cross tools (gcc, size, nm, objdump). Raises BridgeError with one line."""
    tool = shutil.which(TOOLS + name)
    if tool is None:
        raise BridgeError(f"no cross compiler {TOOLS}{name} found; {INSTALL}")
    done = subprocess.run([tool, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        first = next((line for line in done.stderr.splitlines() if "error" in line or "cannot" in line), "no message")
        raise BridgeError(f"{TOOLS}{name} fails: {first}")
    return done.stdout


def _sections(elf: Path) -> dict[str, int]:
    rows = (line.split() for line in run_tool("size", "-A", "-d", str(elf)).splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 3 and row[0].startswith(".")}


def _code_bytes(made: Path) -> int:
    """Code and constants of an object file; all of the governor's functions are linked."""
    sections = run_tool("size", "-A", "-d", str(made)).splitlines()
    rows = (line.split() for line in sections)
    return sum(int(row[1]) for row in rows if len(row) == 3 and row[0].startswith((".text", ".rodata")))


def _symbol_bytes(elf: Path, symbol: str) -> int:
    for line in run_tool("nm", "-S", str(elf)).splitlines():
        row = line.split()
        if len(row) == 4 and row[3] == symbol:
            return int(row[1], 16)
    return 0
