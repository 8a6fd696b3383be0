"""The soft governor as a real process between a host on a unix: bus and emulated drives on another."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firmware_bridge.actuators import session
from firmware_bridge.actuators.config import Drives
from firmware_bridge.actuators.emulators.rig import EmulatedBus, torque_step_nm
from firmware_bridge.actuators.emulators.server import EmulatorServer
from firmware_bridge.actuators.session import DriveSession
from firmware_bridge.bus import open_bus
from firmware_bridge.errors import BridgeError
from firmware_bridge.table import JOINTS
from tests.firmware_bridge.actuators.benches import follows_torque
from tests.firmware_bridge.actuators.files import OWN, make_drives
from tests.firmware_bridge.actuators.host import PROFILE_HASH, ScriptedHost

PATIENCE_S = 30.0


class Live:
    """Emulated drives in a thread, the session as a process, the host in the test."""

    def __init__(self, executable: Path, folder: Path, drives: Drives) -> None:
        self.drives = dataclasses.replace(drives, bus=f"unix:{folder / 'drives'}")
        self.emulated = EmulatedBus(self.drives)
        self.server = EmulatorServer(folder / "drives", self.emulated)
        self.serving = True
        self.thread = threading.Thread(target=self.server.run, args=(lambda: self.serving,))
        self.session = DriveSession(executable, self.drives, folder / "host", PROFILE_HASH, 0)
        self.host = ScriptedHost()
        self.host.clears = True

    def open(self) -> None:
        self.thread.start()
        self.session.start()

    def close(self) -> None:
        self.session.stop()
        self.serving = False
        self.thread.join()
        self.server.close()

    def host_until(self, done: Callable[[], bool]) -> None:
        """Be the host, a cycle per millisecond, until the condition holds."""
        deadline = time.monotonic() + PATIENCE_S
        with open_bus(self.session.bus_spec) as bus:
            while not done():
                assert time.monotonic() < deadline, (self.host.state, self.host.reason, self.host.joints)
                now_ns = time.monotonic_ns()
                while (frame := bus.receive()) is not None:
                    self.host.hear((frame,), now_ns)
                for frame in self.host.speak(now_ns):
                    bus.send(frame)
                time.sleep(0.001)

    def engage(self, torque_nm: float, then: Callable[[], None]) -> None:
        """Until every emulated drive applies exactly this torque; `then` comes while the host still speaks."""
        self.host.wanted_cnm = dict.fromkeys(JOINTS, round(torque_nm * 100))
        near = [torque_step_nm(self.drives, name) + 1e-6 for name in JOINTS]

        def there() -> bool:
            arrived = all(abs(t - torque_nm) <= limit for t, limit in zip(self.torques(), near, strict=True))
            if arrived:
                then()
            return arrived

        self.host_until(there)

    def torques(self) -> list[float]:
        return [joint.torque_nm for joint in self.emulated.joints.values()]

    def left_torque_mode(self) -> bool:
        return not any(follows_torque(joint) for joint in self.emulated.joints.values())


@contextlib.contextmanager
def live(executable: Path, folder: Path, drives: Drives) -> Iterator[Live]:
    found = Live(executable, folder, drives)
    try:
        found.open()
        yield found
    finally:
        found.close()


def patient(folder: Path, kind: str, **changes: float) -> Drives:
    """Times that a busy test machine can keep."""
    drives = make_drives(folder, kind)
    return dataclasses.replace(drives, reply_max_ms=100.0, guard_ms=1000.0, **changes)  # type: ignore[arg-type]


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.005)
    return condition()


@pytest.mark.parametrize("kind", sorted(OWN))
def test_from_host_to_shaft_and_back_and_an_orderly_end(session_executable: Path, tmp_path: Path, kind: str) -> None:
    own = {} if kind == "cubemars" else {"watchdog_ms": 500.0}
    with live(session_executable, tmp_path, patient(tmp_path, kind, **own)) as rig:
        stats: dict[str, float] = {}
        rig.engage(5.0, lambda: stats.update(rig.session.stop()))
        assert all(rig.host.joints[name][2] > 300 for name in JOINTS)
        assert stats["steps"] >= 40
        assert wait_for(rig.left_torque_mode, 2.0)


@pytest.mark.parametrize(("blow", "guard_ms"), [(signal.SIGKILL, 1000.0), (signal.SIGSTOP, 200.0)])
def test_the_guard_ends_torque_where_the_session_dies_or_hangs(
    session_executable: Path, tmp_path: Path, blow: signal.Signals, guard_ms: float
) -> None:
    drives = dataclasses.replace(patient(tmp_path, "cubemars"), guard_ms=guard_ms)  # no watchdog of its own
    with live(session_executable, tmp_path, drives) as rig:
        rig.engage(5.0, lambda: os.kill(rig.session.pid, blow))
        assert wait_for(rig.left_torque_mode, 5.0)
        assert all(torque == 0.0 for torque in rig.torques())
        assert wait_for(lambda: rig.session.poll() is not None, 5.0)


def test_a_session_says_that_its_drives_are_emulated(session_executable: Path, tmp_path: Path) -> None:
    with (
        live(session_executable, tmp_path, patient(tmp_path, "cubemars")) as rig,
        open_bus(rig.session.bus_spec) as bus,
    ):
        assert not bus.hardware


def test_a_session_on_anything_but_a_unix_bus_counts_as_real(
    session_executable: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:  # stands in for AF_CAN, which not every kernel has
        wire.bind(("127.0.0.1", 0))
        wire.connect(wire.getsockname())
        monkeypatch.setattr(session, "open_drive_bus", lambda drives: wire.dup())
        real = DriveSession(session_executable, patient(tmp_path, "cubemars"), tmp_path / "host", PROFILE_HASH, 0)
        real.start()
        try:
            with open_bus(real.bus_spec) as bus:
                assert bus.hardware
        finally:
            real.stop()


def test_a_wrong_rated_torque_is_told_before_anything_starts(session_executable: Path, tmp_path: Path) -> None:
    drives = patient(tmp_path, "cia402")
    joint = dataclasses.replace(drives.joints["knee_l"], rated_torque_nm=0.8)
    told = dataclasses.replace(drives, joints={**drives.joints, "knee_l": joint})
    rig = Live(session_executable, tmp_path, drives)
    rig.session = DriveSession(session_executable, dataclasses.replace(told, bus=rig.drives.bus), tmp_path / "h", 0, 0)
    try:
        with pytest.raises(BridgeError, match=r"knee_l: drive 9 has a rated torque of 0\.4 Nm \(6076h\).*says 0\.8"):
            rig.open()
    finally:
        rig.close()


def test_an_absent_cia402_drive_is_told(session_executable: Path, tmp_path: Path) -> None:
    drives = patient(tmp_path, "cia402")
    rig = Live(session_executable, tmp_path, drives)
    absent = dataclasses.replace(drives.joints["knee_r"], node=77)
    told = dataclasses.replace(drives, joints={**drives.joints, "knee_r": absent}, bus=rig.drives.bus)
    rig.session = DriveSession(session_executable, told, tmp_path / "h", 0, 0)
    try:
        with pytest.raises(BridgeError, match="knee_r: drive 77 does not answer"):
            rig.open()
    finally:
        rig.close()
