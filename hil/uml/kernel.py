"""Which User Mode Linux kernel a box boots: the one named, the cached one, the one beside the checkout, or Debian's."""

from __future__ import annotations

import lzma
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_runtime.errors import UserError
from engines.cache import cache_dir, explained, scratch, sha256_hex, write_atomic

VARIABLE: Final = "EXO_EDGE_UML_KERNEL"
BESIDE: Final = Path(__file__).resolve().parents[3] / "shared" / "tools" / "linux-uml-can.xz"
BESIDE_SHA256: Final = "ddd8ce65b4d0124381a0e395996d062612442dd6d1071b2699d6b26fe081a426"
"""Of the unpacked file; built by hil/uml/build_kernel.sh from Debian's linux-source-6.1."""

_PACKAGE: Final = "user-mode-linux"
_VIRTUAL_TIME_MARK: Final = b"time-travel="  # name of the kernel's command line option, in its option table
_MODULES: Final = (  # in the order of their dependencies
    "fs/overlayfs/overlay.ko",
    "net/can/can.ko",
    "net/can/can-raw.ko",
    "drivers/net/can/dev/can-dev.ko",
    "drivers/net/can/vcan.ko,echo=1",
    "drivers/net/can/vxcan.ko",
    "drivers/net/can/slcan/slcan.ko",
    "net/sched/sch_netem.ko",
)


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel program; `modules` are loaded in the box where not everything is built in."""

    path: Path
    modules: tuple[str, ...] = ()

    @property
    def has_virtual_time(self) -> bool:
        """True where it was built with CONFIG_UML_TIME_TRAVEL_SUPPORT."""
        return _VIRTUAL_TIME_MARK in self.path.read_bytes()


def find_kernel(named: Path | None) -> Kernel:
    """The first there is of: `named`, `$EXO_EDGE_UML_KERNEL`, the cache, beside the checkout, Debian's package.

    What is beside the checkout is unpacked into the cache, Debian's package is downloaded and extracted there; neither
    needs root. Raises UserError with one line where there is none.
    """
    if platform.machine() != "x86_64":
        raise UserError(f"there is no User Mode Linux for {platform.machine()}; use this machine's own kernel and vcan")
    if named is None and (variable := os.environ.get(VARIABLE)):
        named = Path(variable)
    if named is not None:
        return _with_modules(_runnable(named))
    cached = cache_dir() / "uml" / "linux"
    if cached.is_file():
        return Kernel(_runnable(cached))
    if BESIDE.is_file():
        return Kernel(_unpacked(BESIDE, cached))
    return _debian()


def _runnable(path: Path) -> Path:
    if not path.is_file() or not os.access(path, os.X_OK):
        raise UserError(f"kernel {path} is not a program that can be run; build one as docs/canbox.md says")
    return path.resolve()


def _unpacked(archive: Path, target: Path) -> Path:
    with explained(cache_dir()), scratch(cache_dir()) as folder:
        if not target.is_file():
            part = folder / "linux"
            part.write_bytes(lzma.decompress(archive.read_bytes()))
            if sha256_hex(part) != BESIDE_SHA256:
                raise UserError(f"{archive}: not the kernel this version knows (sha256 differs); pass --kernel FILE")
            write_atomic(target, part.read_bytes())
            target.chmod(0o755)
    return target


def _debian() -> Kernel:
    """Debian's own kernel, installed or extracted into the cache; its CAN parts are modules."""
    root = Path("/")
    if shutil.which("linux.uml") is None:
        root = cache_dir() / "uml" / "debian"
        if not (root / "usr/bin/linux.uml").is_file():
            _download(root)
    return _with_modules(root / "usr/bin/linux.uml")


def _with_modules(program: Path) -> Kernel:
    """Where Debian's layout is found around the program, its modules; else everything is taken to be built in."""
    trees = list(program.parents[1].glob("lib/uml/modules/*/kernel"))
    if not trees:
        return Kernel(program)
    present = (name for name in _MODULES if (trees[0] / name.partition(",")[0]).is_file())
    return Kernel(program, tuple(str(trees[0] / name) for name in present))


def _download(target: Path) -> None:
    if shutil.which("apt-get") is None:
        raise UserError("no User Mode Linux kernel here, and no apt-get to fetch Debian's; build one: docs/canbox.md")
    with explained(cache_dir()), scratch(cache_dir()) as folder:
        tree = folder / "tree"
        for command in (["apt-get", "-q", "download", _PACKAGE], ["sh", "-c", 'dpkg-deb -x ./*.deb "$0"', str(tree)]):
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                said = (done.stderr.strip().splitlines() or ["no message"])[-1]
                raise UserError(f"cannot fetch {_PACKAGE} ({said}); connect, or run apt-get update, or pass --kernel")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        tree.rename(target)
