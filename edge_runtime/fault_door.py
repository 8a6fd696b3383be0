"""The door by which faults come into a simulated run: a file in its folder says where; a run on hardware has none."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from edge_runtime.camera import ClipSource
from edge_runtime.camera_faults import CameraFault, FaultyCamera
from edge_runtime.errors import UserError
from edge_runtime.types import Frame

DOOR_FILE: Final = "faults.json"
CAMERA_SOCKET: Final = "camera.faults"
_ORDER_MAX: Final = 1024
_START_FIELD: Final = 19  # of /proc/PID/stat behind the name: when the process began; proc(5)


@dataclass(frozen=True, slots=True)
class Member:
    """A process of the run; `began` tells it from a later one with the same id."""

    pid: int
    began: int

    @property
    def runs(self) -> bool:
        """True while it is there."""
        return _began(self.pid) == self.began


@dataclass(frozen=True, slots=True)
class Door:
    """Where a simulated run takes faults: sockets of firmware and camera, and its processes by name."""

    firmware: str
    camera: str
    members: Mapping[str, Member]


def write_door(folder: Path, firmware: Path, camera: Path, pids: Mapping[str, int]) -> None:
    """Open the door of a simulated run; where the disk does not take it the run goes on without one."""
    members = {name: Member(pid, began) for name, pid in pids.items() if (began := _began(pid)) is not None}
    with contextlib.suppress(OSError):
        text = json.dumps(asdict(Door(str(firmware), str(camera), members)), indent=1)
        (folder / DOOR_FILE).write_text(text + "\n", encoding="utf-8")


def read_door(folder: Path) -> Door:
    """The door of the run in `folder`. UserError where it has none, or is over."""
    path = folder / DOOR_FILE
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        members = {name: Member(**member) for name, member in document["members"].items()}
        door = Door(document["firmware"], document["camera"], members)
    except FileNotFoundError:
        raise UserError(
            f"{folder}: no run in simulation; faults go only into a run of exo-edge run with simulated firmware"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: cannot be read ({error}); start the run anew") from None
    if not door.members.get("supervisor", Member(0, 0)).runs:
        raise UserError(f"{folder}: that run is over")
    return door


def _began(pid: int) -> int | None:
    """Clock tick at which the process began, None where there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[_START_FIELD])


class LiveCamera:
    """A clip's frames in real time, spoiled as orders on the socket `path` say; without one nothing can be ordered."""

    def __init__(self, source: ClipSource, path: Path | None) -> None:
        self._camera = FaultyCamera(source)
        self._sock: socket.socket | None = None
        if path is not None:
            self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            path.unlink(missing_ok=True)
            self._sock.bind(str(path))

    def frame_at(self, k: int, period_ns: int, t0_ns: int) -> Frame | None:
        """As `FaultyCamera.frame_at`; what was ordered since the last call begins with this frame."""
        while (order := self._hear()) is not None:
            start_ns = k * period_ns
            end_ns = start_ns + int(order["duration_ns"])
            self._camera.faults.append(CameraFault(str(order["kind"]), start_ns, end_ns, float(order["value"])))
        return self._camera.frame_at(k, period_ns, t0_ns)

    def _hear(self) -> dict[str, Any] | None:
        if self._sock is None:
            return None
        with contextlib.suppress(BlockingIOError, ValueError):
            order: dict[str, Any] = json.loads(self._sock.recv(_ORDER_MAX))
            return order
        return None


def order_camera(path: str, kind: str, duration_ns: int, value: float) -> None:
    """Send one order to a run's camera. UserError where nobody listens."""
    message = json.dumps({"kind": kind, "duration_ns": duration_ns, "value": value}).encode("ascii")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        try:
            sock.sendto(message, path)
        except OSError as error:
            raise UserError(f"{path}: no camera takes faults there ({os.strerror(error.errno or 0)})") from error
