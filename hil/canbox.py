"""Runs a command inside User Mode Linux, where CAN interfaces are real (vcan) and time may be virtual.

The box sees the host's files read-only at the same paths, under a memory overlay that is thrown away; only the folders
named writable are the host's own. It needs no root, no KVM and no network.
"""

from __future__ import annotations

import mmap
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import IO, BinaryIO, Final

from edge_runtime.errors import UserError
from hil.uml.kernel import Kernel, find_kernel

EXIT_TIMEOUT: Final = 124  # as coreutils' timeout says it
EXIT_BOX: Final = 125  # the box itself failed

_HERE: Final = Path(__file__).resolve().parent / "uml"
_POLL_S: Final = 0.02
_POWER_OFF_S: Final = 2.0
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")  # what a shell can export
_TOOLS: Final = {"ip": "iproute2", "tc": "iproute2", "mount": "mount", "chroot": "coreutils", "taskset": "util-linux"}
_KEEPER: Final = """exec 3<&0
"$@" 3<&- </dev/null &
kernel=$!
exec 2>/dev/null
{ read -r _ <&3; kill -s KILL -- -$kernel; } &
wait $kernel
kill -s KILL -- -$kernel
kill -s KILL 0"""
"""Runs the kernel, which leads a process group of its own; ends that group with it, and also when whoever started it is
gone (end of stdin)."""

_SBIN: Final = "/usr/local/sbin:/usr/sbin:/sbin"


class Time(Enum):
    """How time goes in the box: with the host's, or virtual (work takes none, waiting is skipped)."""

    REAL = "real"
    VIRTUAL = "virtual"


@dataclass(frozen=True, slots=True)
class Box:
    """A command and what it finds: `vcan` interfaces vcan0 and on, each behind `netem` (words of `tc … netem`)."""

    command: Sequence[str]
    kernel: Path | None = None
    time: Time = Time.REAL
    vcan: int = 1
    netem: str = ""
    memory_mb: int = 1024
    writable: tuple[Path, ...] = ()
    timeout_s: float | None = None
    init: Path | None = None
    """A shell script that runs in place of command.sh, as process 1: it has $box, the folder with command.sh, where it
    writes stdout, stderr and status itself."""


class BoxTimeoutError(UserError):
    """The command did not end in time; the box was killed."""


def run_box(box: Box, stdout: BinaryIO | None = None, stderr: BinaryIO | None = None) -> int:
    """Boot, run the command, copy its output as it comes (to our own by default); returns its exit status.

    Raises UserError with one line where the box cannot be had or fails, BoxTimeoutError where time ran out. Whatever
    ends it, no process and no file of the box stays behind.
    """
    kernel = find_kernel(box.kernel)
    _check(box, kernel)
    with tempfile.TemporaryDirectory(prefix="exo-edge-box-") as name, _core() as core:
        folder = Path(name)
        _write_folder(box, kernel, folder)
        with _booted(box, kernel, folder, core) as process:
            _follow(box, process, folder, stdout or sys.stdout.buffer, stderr or sys.stderr.buffer)
        return _status(folder)


def _check(box: Box, kernel: Kernel) -> None:
    for tool, package in _TOOLS.items():
        if shutil.which(tool, path=os.environ.get("PATH", "") + ":" + _SBIN) is None:
            raise UserError(f"the box needs `{tool}`, which is missing; on Debian: apt-get install {package}")
    if box.time is Time.VIRTUAL and not kernel.has_virtual_time:
        raise UserError(f"kernel {kernel.path} has no virtual time; build one that has: docs/canbox.md")
    for folder in box.writable:
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            raise UserError(f"writable folder {folder} does not exist or cannot be written; create it first")


def _write_folder(box: Box, kernel: Kernel, folder: Path) -> None:
    """What init.sh reads."""
    settings = {
        "vcan": str(box.vcan),
        "netem": box.netem,
        "modules": " ".join(kernel.modules),
        "python": sys.executable,
        "loader": str(_HERE / "load_modules.py"),
        "init": "" if box.init is None else str(box.init.resolve()),
    }
    (folder / "settings.sh").write_text("".join(f"{key}={shlex.quote(value)}\n" for key, value in settings.items()))
    writable = [*box.writable, folder] if box.init else box.writable
    (folder / "writable").write_text("".join(f"{path.resolve()}\n" for path in writable))
    variables = {key: value for key, value in os.environ.items() if _NAME.match(key)}
    variables["PATH"] = variables.get("PATH", "") + ":" + _SBIN  # tc and ip, also for an ordinary user
    lines = [f"export {key}={shlex.quote(value)}" for key, value in variables.items()]
    lines += [f"cd {shlex.quote(os.getcwd())}", f"exec {shlex.join(box.command)}"]
    (folder / "command.sh").write_text("\n".join(lines) + "\n")


@contextmanager
def _booted(box: Box, kernel: Kernel, folder: Path, core: int) -> Iterator[subprocess.Popen[bytes]]:
    """The kernel's process; killed at the end, with everything it started."""
    arguments = [
        str(kernel.path),
        f"mem={box.memory_mb}M",
        *("root=none", "rootfstype=hostfs", "rootflags=/", "ro", "init=/bin/sh", f"box={folder}"),
        *("con0=fd:0,fd:1", "con=null", "quiet", "panic=-1", "vcan.echo=1", f"uml_dir={folder}/", "umid=box"),
    ]
    if box.time is Time.VIRTUAL:
        arguments.append("time-travel=inf-cpu")
    arguments += ["--", str(_HERE / "init.sh")]
    with (folder / "console").open("wb") as console:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _KEEPER, "sh", "taskset", "-c", str(core), *arguments],
            stdin=subprocess.PIPE,
            stdout=console,
            stderr=subprocess.STDOUT,
            env=os.environ | {"TMPDIR": str(_memory_folder(box.memory_mb))},
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.communicate()  # closes its stdin: the keeper ends the kernel, then itself


def _follow(box: Box, process: subprocess.Popen[bytes], folder: Path, stdout: BinaryIO, stderr: BinaryIO) -> None:
    """Copy output until the command has ended."""
    begun = time.monotonic()
    tails = [_Tail(folder / "stdout", stdout), _Tail(folder / "stderr", stderr)]
    status = folder / "status"
    ended = 0.0
    while process.poll() is None and not (ended and time.monotonic() - ended > _POWER_OFF_S):
        for tail in tails:
            tail.copy()
        ended = ended or (time.monotonic() if status.exists() else 0.0)
        if not ended and box.timeout_s is not None and time.monotonic() - begun > box.timeout_s:
            raise BoxTimeoutError(f"the command did not end within {box.timeout_s:g} s; the box was killed")
        time.sleep(_POLL_S)
    for tail in tails:
        tail.copy()


class _Tail:
    """Copies what is new in a file to a stream."""

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self._path = path
        self._stream = stream
        self._file: IO[bytes] | None = None

    def copy(self) -> None:
        """Copy what came since the last call."""
        if self._file is None:
            if not self._path.exists():
                return
            self._file = self._path.open("rb")
        if new := self._file.read():
            self._stream.write(new)
            self._stream.flush()


def _status(folder: Path) -> int:
    with suppress(OSError, ValueError):
        return int((folder / "status").read_text())
    problem = folder / "problem"
    if problem.exists():
        raise UserError(f"box: {problem.read_text().strip()}")
    said = (folder / "console").read_text(errors="replace").strip().splitlines() or ["it said nothing"]
    line = next((line for line in said if "panic" in line), said[-1])
    raise UserError(f"the box ended before the command did: {line.strip()}")


def _memory_folder(memory_mb: int) -> Path:
    """Where the box's memory lies: a folder with room, from which memory can be mapped executable."""
    tried = [Path(folder) for folder in (os.environ.get("TMPDIR"), "/dev/shm", "/tmp") if folder]
    for folder in tried:
        with suppress(OSError, PermissionError):
            space = os.statvfs(folder)
            with tempfile.TemporaryFile(dir=folder) as file:
                file.truncate(mmap.PAGESIZE)
                mmap.mmap(file.fileno(), mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_EXEC).close()
            if space.f_bavail * space.f_frsize > memory_mb << 20:
                return folder
    names = ", ".join(map(str, tried))
    raise UserError(f"no room for {memory_mb} MB of executable memory in {names}; set TMPDIR or pass --memory")


@contextmanager
def _core() -> Iterator[int]:
    """A core for the box: one that no other box has, where there is one.

    On a single core the kernel and its processes hand over without waking another core: system calls are four times
    as quick.
    """
    cores = sorted(os.sched_getaffinity(0))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as claim:
        yield next((core for core in cores if _claimed(claim, core)), cores[os.getpid() % len(cores)])


def _claimed(claim: socket.socket, core: int) -> bool:
    """Take the core's name, which is free again when the socket closes; False where another box has it."""
    try:
        claim.bind(f"\0exo-edge-box-core-{core}")
    except OSError:
        return False
    return True
