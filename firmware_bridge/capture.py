"""Raw frames with their time: from a log file (candump, ASC, BLF), or from a bus while it runs; and into a log."""

from __future__ import annotations

import re
import select
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from firmware_bridge.buses.base import EFF_FLAG, ERR_FLAG, RTR_FLAG, Bus, Condition, fd_frame_bytes, frame_bytes
from firmware_bridge.buses.python_can import from_message, to_message
from firmware_bridge.errors import BridgeError

if TYPE_CHECKING:
    import can

LOG_SUFFIXES: Final = (".log", ".asc", ".blf")
_POLL_S: Final = 0.002  # of a bus without a file descriptor
_WAIT_S: Final = 0.1
_BLF_HEAD: Final = struct.Struct("<16xQ")  # the file's size, in its header as python-can writes it
_LINE_CUT: Final = "its last line is cut"
_CANDUMP: Final = re.compile(
    r"\((?P<t>\d+(?:\.\d+)?)\)\s+(?P<bus>\S+)\s+(?P<id>[0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})#"
    r"(?:(?P<remote>R\d?)|(?:#(?P<flags>[0-9A-Fa-f]))?(?P<data>(?:[0-9A-Fa-f]{2})*))(?:\s+[RT])?"
)


@dataclass(frozen=True, slots=True)
class Captured:
    """One frame, or with `frame` None a `note` about the bus; `t_s` as the log has it, or by the host's clock."""

    t_s: float
    frame: bytes | None
    note: str = ""


class CaptureError(BridgeError):
    """A log cannot be read further; what came before counts. `str()` is the line to show."""


def read_log(path: Path) -> Iterator[Captured]:
    """Frames of a log, by its suffix. Raises CaptureError at the point where it is damaged, or cannot be opened."""
    if path.suffix not in LOG_SUFFIXES:
        raise CaptureError(f"log {path}: unknown kind; give one that ends in {', '.join(LOG_SUFFIXES)} or .mcap")
    count = 0
    try:
        for captured in _candump(path) if path.suffix == ".log" else _python_can(path):
            count += 1
            yield captured
    except OSError as error:
        if isinstance(error, CaptureError):
            raise
        raise CaptureError(f"log {path}: {error.strerror or error}; correct the path") from error
    except Exception as error:  # python-can's readers raise whatever damaged bytes lead them to
        what = " ".join(str(error).split()) or type(error).__name__
        raise CaptureError(f"log {path}: damaged after {count} frames ({what}); what came before is kept") from error


def _candump(path: Path) -> Iterator[Captured]:
    with path.open(encoding="ascii", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if not (text := line.strip()):
                continue
            found = _CANDUMP.fullmatch(text)
            if found is None or not line.endswith("\n"):
                what = "is cut" if not line.endswith("\n") else "is not of candump -L"
                raise CaptureError(f"log {path}: line {number} {what}; what came before is kept")
            yield Captured(
                float(found["t"]), candump_frame(found["id"], found["remote"], found["flags"], found["data"])
            )


def candump_frame(can_id: str, remote: str | None, flags: str | None, data: str | None) -> bytes:
    """The raw frame of one candump entry, whose long ids have 8 digits. Raises ValueError on too much data."""
    number = int(can_id, 16)
    if len(can_id) > 3 and not number & ERR_FLAG:
        number |= EFF_FLAG
    if remote is not None:
        frame = frame_bytes(number | RTR_FLAG, b"")
        return frame[:4] + bytes((int(remote[1:] or "0"),)) + frame[5:]
    payload = bytes.fromhex(data or "")
    return frame_bytes(number, payload) if flags is None else fd_frame_bytes(number, payload)


def _python_can(path: Path) -> Iterator[Captured]:
    """python-can reads a cut file without a word to its last frame; what it yields is therefore held back by one."""
    import can

    cut = _asc_cut(path) if path.suffix == ".asc" else _blf_cut(path)
    held: Captured | None = None
    with can.LogReader(path) as reader:
        for message in reader:
            if held is not None:
                yield held
            held = Captured(message.timestamp, _frame_of(message))
    if held is not None and cut != _LINE_CUT:
        yield held
    if cut:
        raise CaptureError(f"log {path}: {cut}; what came before is kept")


def _asc_cut(path: Path) -> str:
    text = path.read_bytes()
    if not text.endswith(b"\n"):
        return _LINE_CUT
    lines = text.lower()
    return "it ends without End TriggerBlock" if lines.count(b"begin trigger") > lines.count(b"end trigger") else ""


def _blf_cut(path: Path) -> str:
    head = path.read_bytes()[: _BLF_HEAD.size]
    if len(head) < _BLF_HEAD.size:
        return "it has no whole header"
    size, said = path.stat().st_size, _BLF_HEAD.unpack(head)[0]
    return "" if size == said else f"it has {size} bytes, its header says {said}: cut, or never closed"


def _frame_of(message: can.Message) -> bytes:
    if message.is_error_frame:
        return frame_bytes(ERR_FLAG, b"")
    if not message.is_remote_frame and len(message.data) != message.dlc:
        raise ValueError(f"a frame says {message.dlc} bytes and has {len(message.data)}")
    return from_message(message)


def watch(bus: Bus, clock_s: Callable[[], float], until_s: float | None) -> Iterator[Captured]:
    """Frames of a bus as they come, and a note each time its health changes, until the clock shows `until_s` or the
    other end is gone. Sends nothing."""
    health = bus.health
    while until_s is None or clock_s() < until_s:
        frame = bus.receive()
        if bus.health != health:
            health = bus.health
            yield Captured(clock_s(), None, health.reason or f"bus {bus.spec}: well again")
        if frame is not None:
            yield Captured(clock_s(), frame)
        elif health.condition is Condition.GONE:
            return
        elif bus.fd >= 0 and health.condition is not Condition.DOWN:
            select.select([bus.fd], [], [], _WAIT_S)
        else:
            time.sleep(_POLL_S)


class LogWriter:
    """Writes frames into a log whose kind its suffix says: candump (.log), Vector ASC or BLF."""

    def __init__(self, path: Path, channel: str) -> None:
        import can

        if path.suffix not in LOG_SUFFIXES:
            raise CaptureError(f"log {path}: unknown kind; give a name that ends in {', '.join(LOG_SUFFIXES)}")
        try:
            self._writer: Any = can.Logger(path)
        except OSError as error:
            raise CaptureError(f"log {path}: {error.strerror or error}; give another name") from error
        self._path, self._channel = path, channel
        self.count = 0

    def write(self, t_s: float, frame: bytes) -> None:
        """Add one frame. Raises CaptureError where the disk refuses."""
        message = to_message(frame)
        message.timestamp, message.channel = t_s, self._channel
        try:
            self._writer(message)
        except OSError as error:
            raise CaptureError(f"log {self._path}: {error.strerror or error} after {self.count} frames") from error
        self.count += 1

    def close(self) -> None:
        """Finish the file."""
        self._writer.stop()
