"""The firmware process: deterministic in lock-step, silent when its host dies, one line for what is wrong."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge import e2e, wire
from firmware_bridge.bus import open_bus
from firmware_bridge.errors import BridgeError
from firmware_bridge.simulator import build as building
from firmware_bridge.simulator.process import FirmwareProcess, Pace, PlantParams, SimLink
from firmware_bridge.table import MODES, MUX, STATES, TABLE

PROFILE = 0x1234ABCD
START_NS = 5_000_000_000
HASHES = {
    MUX["PROTOCOL_HASH"]: TABLE.protocol_hash,
    MUX["LIMITS_HASH"]: TABLE.limits_hash,
    MUX["PROFILE_HASH"]: PROFILE,
}


@contextlib.contextmanager
def running(firmware: Path, folder: Path, pace: Pace, params: PlantParams) -> Iterator[FirmwareProcess]:
    params.write(folder / "params")
    process = FirmwareProcess(firmware, folder / "bus", folder / "sim", folder / "params", pace)
    process.start()
    try:
        yield process
    finally:
        process.stop()


class Host:
    """The simplest host that arms: HOST_STATE every 20 ms, setpoints every millisecond."""

    def __init__(self, spec: str) -> None:
        self.bus = open_bus(spec)
        self.buf, self.state = wire.frame(), np.zeros(4, np.int64)
        self.counters = [0, 0, 0]
        self.governor, self.cycle, self.asked = 0, 0, 0.0
        self.received: list[bytes] = []

    def send(self, now_ns: int, desired_nm: float) -> None:
        if self.cycle % 20 == 0:
            own = {STATES["READY"]: "ARMED"}.get(self.governor, "ENGAGED" if self.governor > 2 else "READY")
            mux = self.cycle // 20 % 4
            self.pack_state(own, mux, HASHES.get(mux, 0))
        live = self.governor in (STATES["ARMED"], STATES["ENGAGED"])
        self.asked += max(-0.14, min(0.14, (desired_nm if live else 0.0) - self.asked))
        stamp = wire.apply_stamp(now_ns, 2_000_000)
        for joint, can_id in enumerate((0x100, 0x101)):
            mode = MODES["TORQUE" if live else "ZERO"]
            asked = (self.asked, -self.asked)[joint] if live else 0.0  # the knees swing half a stride apart
            wire.pack_setpoint(self.buf, can_id, self.counters[joint], asked, 20, 17.0, stamp, mode, e2e.CRC_TABLE)
            self.counters[joint] = e2e.next_counter(self.counters[joint])
            self.bus.send(self.buf.tobytes())
        self.cycle += 1

    def pack_state(self, state: str, mux: int, payload: int) -> None:
        wire.pack_state(self.buf, 0x201, self.counters[2], STATES[state], mux, 0, payload, e2e.CRC_TABLE)
        self.counters[2] = e2e.next_counter(self.counters[2])
        self.bus.send(self.buf.tobytes())

    def drain(self) -> None:
        while (frame := self.bus.receive()) is not None:
            self.received.append(frame)
            array = np.frombuffer(frame, np.uint8)
            if wire.frame_id(array) == 0x200:
                wire.unpack_state(array, self.state)
                self.governor = int(self.state[wire.ST_STATE])


def gait(t_s: float) -> tuple[wire.F64, wire.F64]:
    phase = 2 * math.pi * np.array([t_s, t_s + 0.5])
    return 0.5 - 0.45 * np.cos(phase), 0.45 * 2 * math.pi * np.sin(phase)


def lockstep_run(process: FirmwareProcess, milliseconds: int) -> tuple[Host, list[np.ndarray]]:
    link, host, truths = SimLink(process.sim_path), Host(process.bus_spec), []
    for k in range(milliseconds):
        now_ns = START_NS + k * 1_000_000
        host.send(now_ns, 8.0 * math.sin(2 * math.pi * k / 1000))
        link.set_wearer(*gait(k / 1000))
        link.tick(now_ns)
        host.drain()
        truths.append(np.array(link.truth(), ndmin=1).copy())
    link.close()
    host.bus.close()
    return host, truths


def digest(firmware: Path, folder: Path) -> str:
    folder.mkdir()
    with running(firmware, folder, Pace.LOCKSTEP, PlantParams(profile_hash=PROFILE)) as process:
        host, truths = lockstep_run(process, 1500)
    assert host.governor == STATES["ENGAGED"]
    frames = b"".join(host.received) + b"".join(t.tobytes() for t in truths)
    return hashlib.sha256(frames).hexdigest()


def test_two_lockstep_runs_are_byte_identical(firmware: Path, tmp_path: Path) -> None:
    assert digest(firmware, tmp_path / "a") == digest(firmware, tmp_path / "b")


def test_torque_reaches_the_knee(firmware: Path, tmp_path: Path) -> None:
    with running(firmware, tmp_path, Pace.LOCKSTEP, PlantParams(profile_hash=PROFILE)) as process:
        host, truths = lockstep_run(process, 2500)
    rows = np.concatenate(truths[500:])
    command, knee = rows["command_nm"][:, 0], rows["knee_nm"][:, 0]
    assert np.max(np.abs(command)) == pytest.approx(8.0, abs=0.1)
    assert np.sqrt(np.mean((knee - command) ** 2)) < 1.5
    assert np.corrcoef(command, knee)[0, 1] > 0.95
    moved = rows["knee_rad"][:, 0] - [gait(k / 1000)[0][0] for k in range(500, 2500)]
    assert 0.005 < np.max(np.abs(moved)) < 0.15
    joint_frames = [f for f in host.received if f[0] == 0x80]
    assert len(joint_frames) == 2500


def test_tissue_stiffens_with_flexion(firmware: Path, tmp_path: Path) -> None:
    shifts = []
    for angle_rad in (0.0, math.radians(80.0)):
        folder = tmp_path / f"{angle_rad:.1f}"
        folder.mkdir()
        params = PlantParams(profile_hash=PROFILE, hinge_coulomb_nm=0.0, wearer_stiffness_nm_per_rad=1e6)
        with running(firmware, folder, Pace.LOCKSTEP, params) as process:
            link, host = SimLink(process.sim_path), Host(process.bus_spec)
            for k in range(2000):
                host.send(START_NS + k * 1_000_000, 5.0)
                link.set_wearer(np.full(2, angle_rad), np.zeros(2))
                link.tick(START_NS + k * 1_000_000)
                host.drain()
            truth = link.truth()
            shifts.append(float(truth["hinge_rad"][0] - truth["knee_rad"][0]))
            assert truth["knee_nm"][0] == pytest.approx(5.0, abs=0.02)
            link.close()
    assert shifts[0] == pytest.approx(5.0 / 80.0, rel=0.02)
    assert shifts[0] / shifts[1] == pytest.approx(3.0, rel=0.02)


HOST_SCRIPT = """
import sys, time
from tests.firmware_bridge.test_simulator import Host
host = Host(sys.argv[1])
while True:
    host.send(time.monotonic_ns(), 6.0)
    time.sleep(0.001)
    host.drain()
"""


def torque_after_death(process: FirmwareProcess, link: SimLink, host: subprocess.Popen[bytes]) -> tuple[float, float]:
    """Torque when the host dies, and seconds until the command has come down to zero."""
    truth = link.truth()
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline and abs(truth["command_nm"][0]) < 5.9:
        link.send_wearer(np.full(2, 0.5), np.zeros(2))
        link.poll()
        time.sleep(0.001)
    before = float(truth["command_nm"][0])
    os.kill(host.pid, signal.SIGKILL)
    host.wait()
    died_ns = time.monotonic_ns()
    while time.monotonic_ns() < died_ns + 2_000_000_000:
        link.send_wearer(np.full(2, 0.5), np.zeros(2))
        if link.poll() and abs(truth["command_nm"]).max() < 0.3 and truth["state"] == STATES["SAFE"]:
            break
        time.sleep(0.0005)
    return before, (int(truth["now_ns"]) - died_ns) / 1e9


def test_killed_host_leaves_no_torque(firmware: Path, tmp_path: Path) -> None:
    with running(firmware, tmp_path, Pace.REALTIME, PlantParams(profile_hash=PROFILE)) as process:
        link = SimLink(process.sim_path)
        root = Path(__file__).resolve().parents[2]
        host = subprocess.Popen([sys.executable, "-c", HOST_SCRIPT, process.bus_spec], cwd=root)
        before, seconds = torque_after_death(process, link, host)
        assert before >= 5.9
        assert TABLE.reason_name(int(link.truth()["reason"])) == "lease"
        limit_ms = TABLE.joints["knee_r"].lease_ms + TABLE.safe.ramp_ms
        scheduling_ms = 60.0
        assert seconds * 1e3 <= limit_ms + scheduling_ms
        again = Host(process.bus_spec)
        deadline = time.monotonic() + 2.0
        while not again.received and time.monotonic() < deadline:
            again.drain()
            time.sleep(0.001)
        assert again.received
        link.close()


def test_ends_with_the_simulation(firmware: Path, tmp_path: Path) -> None:
    for pace in Pace:
        with running(firmware, tmp_path, pace, PlantParams()) as process:
            link = SimLink(process.sim_path)
            time.sleep(0.05)
            link.close()
            deadline = time.monotonic() + 2.0
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.005)
            assert process.poll() == 0


def test_stop_is_gentle_and_idempotent(firmware: Path, tmp_path: Path) -> None:
    with running(firmware, tmp_path, Pace.REALTIME, PlantParams()) as process:
        link = SimLink(process.sim_path)
        started = time.monotonic()
        process.stop()
        process.stop()
        assert time.monotonic() - started < 1.0
        assert not (tmp_path / "bus").exists()
        with pytest.raises(BridgeError, match="start it first"):
            _ = process.pid
        with pytest.raises(BridgeError, match="the firmware has ended"):
            link.tick(0)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("hinge_inertia_kg_m2=0", "line 2"),
        ("what=1", "line 2"),
        ("encoder_bits=16 17", "line 2"),
        ("x", "line 2"),
    ],
)
def test_bad_parameters_are_one_line(firmware: Path, tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "params").write_text(f"# test\n{line}\n", encoding="utf-8")
    process = FirmwareProcess(firmware, tmp_path / "bus", tmp_path / "sim", tmp_path / "params", Pace.LOCKSTEP)
    with pytest.raises(BridgeError, match=says) as caught:
        process.start()
    assert str(tmp_path / "params") in str(caught.value)


def test_missing_parameters_and_links(firmware: Path, tmp_path: Path) -> None:
    process = FirmwareProcess(firmware, tmp_path / "bus", tmp_path / "sim", tmp_path / "none", Pace.LOCKSTEP)
    with pytest.raises(BridgeError, match="No such file"):
        process.start()
    with pytest.raises(BridgeError, match="start the firmware first"):
        SimLink(tmp_path / "none")


def test_no_compiler_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(BridgeError, match="apt install gcc"):
        building.build(tmp_path)


def test_build_is_cached_and_leaves_no_scratch(firmware: Path, build_dir: Path) -> None:
    before = firmware.stat().st_mtime_ns
    assert building.build(build_dir) == firmware
    assert firmware.stat().st_mtime_ns == before
    assert not list(build_dir.glob(".compiling-*"))


def test_defaults_agree_with_the_firmware() -> None:
    text = (building.SIMULATOR / "knee_plant.c").read_text(encoding="utf-8")
    for name, value in PlantParams.__dataclass_fields__.items():
        if name not in ("profile_hash", "fifo_priority"):
            assert f".{name} = {value.default}," in text
