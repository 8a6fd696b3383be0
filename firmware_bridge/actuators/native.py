"""The C side of the drives for Python: structs, the compiled library, and a drive as an `Actuator`."""

from __future__ import annotations

import ctypes
import math
from pathlib import Path
from typing import Final

from firmware_bridge.actuators.base import CLASSIC_SIZE, FD_SIZE, Frames, Reading, Reason, Sent
from firmware_bridge.actuators.config import AK_MODELS, AK_POSITION_RAD, Drives, JointDrive, Kind
from firmware_bridge.errors import BridgeError
from firmware_bridge.simulator.build import GOVERNOR, SIMULATOR, compile_sources
from firmware_bridge.table import JOINTS, TABLE

SESSION: Final = Path(__file__).resolve().parent / "session"
DRIVE_FRAMES: Final = 6
SESSION_FRAMES: Final = DRIVE_FRAMES * len(JOINTS)
SESSION_MEMORY: Final = 1 << 16
"""Bytes for one `session`; compared with its size when the library is loaded."""


class DriveConfig(ctypes.Structure):
    """`drive_config` of session/drive.h."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("kind", "node", "host_node", "closes_cycle")),
        *((name, ctypes.c_int64) for name in ("reply_max_us", "beat_max_us", "watchdog_us")),
        *((name, ctypes.c_double) for name in ("sign", "gear", "zero_rad", "torque_max_nm", "slew_down_nm_per_s")),
        *((name, ctypes.c_double) for name in ("range_position", "range_velocity", "range_torque")),
    )


class SessionConfig(ctypes.Structure):
    """`session_config` of session/session.h."""

    _fields_ = (
        ("profile_hash", ctypes.c_int64),
        ("fifo_priority", ctypes.c_int64),
        ("guard_us", ctypes.c_int64),
        ("every", ctypes.c_int64),
        ("drives", DriveConfig * len(JOINTS)),
    )


class DriveState(ctypes.Structure):
    """`drive` of session/drive.h."""

    _fields_ = (
        ("config", DriveConfig),
        *((name, ctypes.c_double) for name in ("position_rad", "velocity_radps", "torque_nm", "temperature_c")),
        ("sent_nm", ctypes.c_double),
        ("heard_us", ctypes.c_uint64),
        ("part_us", ctypes.c_uint64 * 2),
        *((name, ctypes.c_uint64) for name in ("beat_us", "asked_us", "commanded_us", "own_beat_us")),
        *((name, ctypes.c_uint32) for name in ("fault", "state", "replies", "rejected")),
        *((name, ctypes.c_uint8) for name in ("parts", "beaten", "asked", "commanded", "in_mode", "was_ready")),
        *((name, ctypes.c_uint8) for name in ("lost", "stopping", "released", "reason")),
    )


class DriveFrame(ctypes.Structure):
    """`drive_frame` of session/drive.h: `struct canfd_frame`."""

    _fields_ = (
        ("can_id", ctypes.c_uint32),
        ("len", ctypes.c_uint8),
        ("flags", ctypes.c_uint8),
        ("reserved", ctypes.c_uint8 * 2),
        ("data", ctypes.c_uint8 * 64),
    )


def build_session(out_dir: Path) -> Path:
    """Compile the soft governor's process; returns the executable. Raises BridgeError with one line."""
    shared = [SIMULATOR / name for name in ("bus.c", "daemon.c", "link.c")]
    sources = [*SESSION.glob("*.c"), *GOVERNOR.glob("*.c"), *shared]
    return compile_sources(out_dir, "drives", sorted(sources), [SESSION, GOVERNOR, SIMULATOR], [])


def load_library(out_dir: Path) -> ctypes.CDLL:
    """Compile the codecs, the session and the governor as a library and load it. Raises BridgeError."""
    process_only = {"main.c", "guard.c"}
    sources = [path for path in SESSION.glob("*.c") if path.name not in process_only]
    path = compile_sources(
        out_dir, "drives.so", sorted([*sources, *GOVERNOR.glob("*.c")]), [SESSION, GOVERNOR], ["-shared", "-fPIC"]
    )
    library = ctypes.CDLL(str(path))
    sizes = (ctypes.c_uint32 * 3)()
    library.session_sizes(sizes)
    if (sizes[0], sizes[1]) != (ctypes.sizeof(SessionConfig), ctypes.sizeof(DriveState)) or sizes[2] > SESSION_MEMORY:
        raise BridgeError(f"{path}: its structs differ from actuators/native.py; mend the one that is wrong")
    u64, pointer = ctypes.c_uint64, ctypes.c_void_p
    library.drive_command.argtypes = [pointer, ctypes.c_double, u64, pointer]
    library.drive_start.argtypes = [pointer, u64, pointer]
    library.drive_receive.argtypes = [pointer, pointer, u64]
    library.drive_fresh.argtypes = [pointer, u64]
    library.session_on_host.argtypes = [pointer, ctypes.c_uint32, ctypes.c_char_p, ctypes.c_uint8, u64]
    library.session_on_drive.argtypes = [pointer, pointer, u64]
    library.session_step.argtypes = [pointer, u64, pointer]
    return library


def drive_config(drives: Drives, name: str) -> DriveConfig:
    """What the C side needs to know of the drive on joint `name`."""
    joint = drives.joints[name]
    position, velocity, torque = _ranges(drives.kind, joint)
    return DriveConfig(
        kind=int(drives.kind),
        node=joint.node,
        host_node=drives.host_node,
        closes_cycle=int(name == JOINTS[-1]),
        reply_max_us=round(drives.reply_max_ms * 1e3),
        beat_max_us=round(drives.beat_max_ms * 1e3),
        watchdog_us=round(drives.watchdog_ms * 1e3),
        sign=joint.sign,
        gear=joint.gear,
        zero_rad=math.radians(joint.zero_deg),
        torque_max_nm=joint.torque_max_nm,
        slew_down_nm_per_s=TABLE.joints[name].slew_down_nm_per_s,
        range_position=position,
        range_velocity=velocity,
        range_torque=torque,
    )


def _ranges(kind: Kind, joint: JointDrive) -> tuple[float, float, float]:
    if kind is Kind.CUBEMARS:
        model = AK_MODELS[joint.model]
        return AK_POSITION_RAD, model.velocity_radps, model.torque_nm
    return joint.counts_per_turn, 0.0, joint.rated_torque_nm


def session_config(drives: Drives, profile_hash: int, fifo_priority: int) -> SessionConfig:
    """Configuration of a whole session."""
    configs = (DriveConfig * len(JOINTS))(*(drive_config(drives, name) for name in JOINTS))
    return SessionConfig(profile_hash, fifo_priority, round(drives.guard_ms * 1e3), drives.period_ms, configs)


def pack_frame(frame: bytes) -> DriveFrame:
    """A raw classic or FD frame as the C side takes it."""
    return DriveFrame.from_buffer_copy(frame.ljust(FD_SIZE, b"\0"))


def raw_frames(frames: ctypes.Array[DriveFrame], count: int, kind: Kind) -> Frames:
    """The first `count` frames as they go over the socket."""
    size = FD_SIZE if kind is Kind.MOTEUS else CLASSIC_SIZE
    return tuple(bytes(frames[i])[:size] for i in range(count))


class NativeDrive:
    """A third-party drive as an `Actuator`: the C code of the torque path, called from Python."""

    def __init__(self, library: ctypes.CDLL, config: DriveConfig) -> None:
        self._library = library
        self._kind = Kind(config.kind)
        self._frames = (DriveFrame * DRIVE_FRAMES)()
        self.state = DriveState()
        library.drive_init(ctypes.byref(self.state), ctypes.byref(config))

    def start(self, now_ns: int) -> Frames:
        """See `Actuator.start`."""
        return self._out(self._library.drive_start(ctypes.byref(self.state), now_ns // 1000, self._frames))

    def command(self, torque_nm: float, now_ns: int) -> Sent:
        """See `Actuator.command`."""
        count = self._library.drive_command(ctypes.byref(self.state), torque_nm, now_ns // 1000, self._frames)
        return Sent(self._out(count), self.state.sent_nm, Reason(self.state.reason))

    def receive(self, frame: bytes, now_ns: int) -> bool:
        """See `Actuator.receive`."""
        if len(frame) not in (CLASSIC_SIZE, FD_SIZE) or frame[4] > len(frame) - 8:
            return False
        packed = pack_frame(frame)
        return bool(self._library.drive_receive(ctypes.byref(self.state), ctypes.byref(packed), now_ns // 1000))

    def reading(self, now_ns: int) -> Reading:
        """See `Actuator.reading`."""
        s = self.state
        this = ctypes.byref(s)
        ready = self._library.drive_ready(this) and self._library.drive_fresh(this, now_ns // 1000)
        age_ms = now_ns / 1e6 - s.heard_us / 1e3 if s.parts == 3 else math.inf
        return Reading(
            s.position_rad, s.velocity_radps, s.torque_nm, s.temperature_c, age_ms, bool(ready), int(s.fault)
        )

    def release(self) -> Frames:
        """See `Actuator.release`."""
        return self._out(self._library.drive_release(ctypes.byref(self.state), self._frames))

    def _out(self, count: int) -> Frames:
        return raw_frames(self._frames, count, self._kind)


class NativeSession:
    """The soft governor without sockets: frames in, frames out, time as a number. For tests and lock-step rigs."""

    def __init__(self, library: ctypes.CDLL, drives: Drives, profile_hash: int) -> None:
        self._library = library
        self._kind = drives.kind
        self._memory = ctypes.create_string_buffer(SESSION_MEMORY)
        self._frames = (DriveFrame * SESSION_FRAMES)()
        self._config = session_config(drives, profile_hash, 0)
        library.session_init(self._memory, ctypes.byref(self._config))

    def on_host(self, frame: bytes, now_ns: int) -> None:
        """A 16-byte frame from the torque loop."""
        can_id = int.from_bytes(frame[:4], "little")
        self._library.session_on_host(self._memory, can_id, frame[8:16], frame[4], now_ns // 1000)

    def on_drive(self, frame: bytes, now_ns: int) -> None:
        """A frame from the drives' bus."""
        packed = pack_frame(frame)
        self._library.session_on_drive(self._memory, ctypes.byref(packed), now_ns // 1000)

    def step(self, now_ns: int) -> tuple[Frames, Frames]:
        """One millisecond; returns the frames for the drives and those for the torque loop."""
        count = self._library.session_step(self._memory, now_ns // 1000, self._frames)
        to_drives = raw_frames(self._frames, count, self._kind)
        frames = (_GovernorFrame * (len(JOINTS) + 1))()
        count = self._library.gov_transmit(self._memory, ctypes.c_uint64(now_ns // 1000), frames)
        head = bytes([8, 0, 0, 0])
        return to_drives, tuple(f.id.to_bytes(4, "little") + head + bytes(f.data) for f in frames[:count])

    def stop(self) -> None:
        """From now on torque only falls."""
        self._library.session_stop(self._memory)

    def at_rest(self) -> bool:
        """True where no drive is sent torque."""
        return bool(self._library.session_at_rest(self._memory))

    def release(self) -> Frames:
        """The last frames to the drives."""
        return raw_frames(self._frames, self._library.session_release(self._memory, self._frames), self._kind)


class _GovernorFrame(ctypes.Structure):
    _fields_ = (("id", ctypes.c_uint16), ("data", ctypes.c_uint8 * 8))
