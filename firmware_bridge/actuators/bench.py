"""How long the codecs and the soft governor's step take, and how well its process keeps its millisecond."""

from __future__ import annotations

import ctypes
import dataclasses
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from firmware_bridge.actuators.cia402_setup import OPERATIONAL_NODE, setup_writes
from firmware_bridge.actuators.config import Drives
from firmware_bridge.actuators.emulators.cia402 import Cia402Emulator
from firmware_bridge.actuators.emulators.rig import EmulatedBus
from firmware_bridge.actuators.emulators.server import EmulatorServer
from firmware_bridge.actuators.native import (
    SESSION_MEMORY,
    DriveFrame,
    NativeDrive,
    build_session,
    drive_config,
    load_library,
    pack_frame,
    session_config,
)
from firmware_bridge.actuators.session import DriveSession
from firmware_bridge.table import JOINTS

F64 = npt.NDArray[np.float64]

SAMPLES: Final = 2000
READY_CYCLES: Final = 300
STEP_NS: Final = 1_000_000
LATENESS_PRIORITY: Final = 79  # as the simulated firmware of a real-time run


@dataclass(frozen=True, slots=True)
class Times:
    """Microseconds [SAMPLES]: packing one command, reading one reply, one step of a session with two drives."""

    pack_us: F64
    read_us: F64
    step_us: F64


def measure(drives: Drives, out_dir: Path) -> Times:
    """Times of this kind of drive, with the replies of its emulator."""
    library = load_library(out_dir)
    replies, actuator = _warm(drives, library)
    frames = (DriveFrame * len(replies))(*(pack_frame(frame) for frame in replies))
    own = ctypes.byref(actuator.state)
    ns = [np.zeros(SAMPLES) for _ in range(3)]
    at = [ctypes.c_void_p(array.ctypes.data) for array in ns]
    library.timing_read(own, frames, len(replies), at[1], SAMPLES)
    library.timing_pack(own, at[0], SAMPLES)
    memory = ctypes.create_string_buffer(SESSION_MEMORY)
    config = session_config(drives, 0, 0)
    library.session_init(memory, ctypes.byref(config))
    library.timing_step(memory, frames, len(replies), at[2], SAMPLES)
    return Times(ns[0] * 1e-3, ns[1] * 1e-3, ns[2] * 1e-3)


def _warm(drives: Drives, library: ctypes.CDLL) -> tuple[tuple[bytes, ...], NativeDrive]:
    """A drive of each joint brought to torque mode; the replies of one cycle and the last joint's actuator."""
    bus = EmulatedBus(drives)
    for name, joint in bus.joints.items():
        if isinstance(joint.drive, Cia402Emulator):
            for index, sub, value, _ in setup_writes(drives, name):
                joint.drive.can.store(index, sub, value)
            joint.drive.can.state = OPERATIONAL_NODE
    actuators = [NativeDrive(library, drive_config(drives, name)) for name in JOINTS]
    replies: tuple[bytes, ...] = ()
    for now_ns in range(STEP_NS, READY_CYCLES * STEP_NS, STEP_NS):
        frames = [frame for actuator in actuators for frame in actuator.start(now_ns)]
        heard = (*bus.receive(frames, now_ns), *bus.advance(now_ns))
        replies = heard or replies
        for frame in heard:
            for actuator in actuators:
                actuator.receive(frame, now_ns)
    return replies, actuators[-1]


def keep_time(drives: Drives, out_dir: Path, seconds: float) -> dict[str, Any]:
    """The session's process for so long against emulated drives: steps, how late they began, worst step, us."""
    with tempfile.TemporaryDirectory(prefix="exo-edge-drives-") as scratch:
        folder = Path(scratch)
        drives = dataclasses.replace(drives, bus=f"unix:{folder / 'drives'}", guard_ms=1000.0)
        server = EmulatorServer(folder / "drives", EmulatedBus(drives))
        done = threading.Event()
        thread = threading.Thread(target=server.run, args=(lambda: not done.is_set(),))
        session = DriveSession(build_session(out_dir), drives, folder / "host", 0, LATENESS_PRIORITY)
        thread.start()
        try:
            session.start()
            time.sleep(seconds)
            return session.stop()
        finally:
            session.stop()
            done.set()
            thread.join()
            server.close()
