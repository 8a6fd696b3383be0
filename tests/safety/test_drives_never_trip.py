"""The unchanged torque loop on the soft governor: real cycle, compiled session, emulated drives that move their joints.

Whatever is asked, the host's setpoints do not make the governor in the session trip, and torque at the emulated shafts
stays inside the limits.
"""

from __future__ import annotations

import ctypes
import socket
from pathlib import Path

import numpy as np
import pytest

import calibration
from calibration.profile import load_profile
from edge_runtime import shared
from edge_runtime.config import load_device
from edge_runtime.intent import new_intent
from edge_runtime.rt.cycle import cycle
from edge_runtime.rt.mailbox import publish
from edge_runtime.rt.torque import new_torque
from firmware_bridge.actuators.emulators.rig import EmulatedBus, torque_step_nm
from firmware_bridge.actuators.native import NativeSession, load_library
from firmware_bridge.table import JOINTS, MODES, STATES, TABLE
from tests.firmware_bridge.actuators.benches import set_up
from tests.firmware_bridge.actuators.files import OWN, make_drives

ROOT = Path(__file__).resolve().parents[2]
PROFILE = load_profile(Path(calibration.__file__).with_name("profiles") / "demo.toml")
STEP_NS = 1_000_000
LATENCY_NS = round(TABLE.age.latency_ms * 1e6)


@pytest.fixture(scope="module")
def native() -> ctypes.CDLL:
    return load_library(ROOT / ".build" / "firmware")


class Chain:
    """Torque loop, session and drives on one clock; every millisecond one cycle of each."""

    def __init__(self, native: ctypes.CDLL, folder: Path, kind: str) -> None:
        self.rng = np.random.default_rng(7)
        self.drives = make_drives(folder, kind)
        self.session = NativeSession(native, self.drives, PROFILE.hash32)
        self.bus = EmulatedBus(self.drives)
        set_up(self.drives, self.bus)
        ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in ends:
            end.setblocking(False)
        self.loop_end, self.session_end = ends
        self.torque = new_torque(TABLE, PROFILE, load_device(), self.loop_end.fileno())
        self.rings = shared.local(100)
        self.now_ns = 1_000_000_000
        self.sequence = 0
        self.level_nm = np.full((2, 1), 15.0)
        self.applied: list[list[float]] = []

    def close(self) -> None:
        self.loop_end.close()
        self.session_end.close()

    @property
    def governor(self) -> tuple[int, str]:
        state = self.torque.state[0]
        return int(state["governor_state"]), TABLE.reason_name(int(state["governor_reason"]))

    def step(self) -> None:
        self.now_ns += STEP_NS
        self.rings.control[shared.HEARTBEAT] += 1
        cycle(self.torque, self.rings.control, self.rings.intent, self.rings.feedback, self.now_ns)
        for _ in range(8):
            try:
                self.session.on_host(self.session_end.recv(16), self.now_ns)
            except BlockingIOError:
                break
        to_drives, to_host = self.session.step(self.now_ns)
        for frame in to_host:
            self.session_end.send(frame)
        for frame in (*self.bus.receive(to_drives, self.now_ns), *self.bus.advance(self.now_ns)):
            self.session.on_drive(frame, self.now_ns)
        self.applied.append([joint.torque_nm for joint in self.bus.joints.values()])

    def estimate(self) -> None:
        """A new intent, any torque."""
        intent = new_intent()
        record = intent[0]
        self.sequence += 1
        record["sequence"], record["t_capture_ns"] = self.sequence, self.now_ns - 12_000_000
        record["t_act_ns"], record["valid"] = self.now_ns - 12_000_000 + LATENCY_NS, True
        record["frame_ns"] = 16_666_667
        if self.rng.random() < 0.15:
            self.level_nm = self.rng.uniform(-30, 30, (2, 1))
        record["torque_nm"][:] = self.level_nm + self.rng.normal(0, 5, record["torque_nm"].shape)
        publish(self.rings.intent, intent.view(np.int64))

    def arm(self) -> None:
        for state, mode in (("READY", "OFF"), ("ARMED", "ZERO"), ("ENGAGED", "TORQUE")):
            self.rings.control[shared.HOST_STATE], self.rings.control[shared.MODE] = STATES[state], MODES[mode]
            for _ in range(400):
                self.step()
        assert self.governor == (STATES["ENGAGED"], "none")


@pytest.mark.parametrize("kind", sorted(OWN))
def test_the_loop_drives_any_drive_and_never_trips(native: ctypes.CDLL, tmp_path: Path, kind: str) -> None:
    chain = Chain(native, tmp_path, kind)
    chain.arm()
    for k in range(2_000):
        if k % 17 == 0:
            chain.estimate()
        chain.step()
        assert chain.governor[0] != STATES["SAFE"], chain.governor
    chain.close()
    applied = np.array(chain.applied)
    resolution = max(torque_step_nm(chain.drives, name) for name in JOINTS)
    limits = TABLE.joints["knee_r"]
    assert 5.0 < np.max(np.abs(applied)) <= limits.torque_nm + resolution
    assert np.max(np.abs(np.diff(applied, axis=0))) <= limits.slew_down_nm_per_s * 1e-3 + 2 * resolution + 0.01
