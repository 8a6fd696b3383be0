"""Two guards, one table: whatever the estimator asks, the host's setpoints never make the governor trip.

The real cycle of the torque loop against the real compiled governor, over a socket pair, on one virtual clock. Intents
jump at random, come late or not at all; cycles come early and late; the wearer's knees move at random.
"""

from __future__ import annotations

import math
import socket
from collections.abc import Iterator
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
from firmware_bridge.simulator.build import build_library
from firmware_bridge.table import MODES, STATES, TABLE
from tests.firmware_bridge.harness import PROFILE_HASH, Governor

ROOT = Path(__file__).resolve().parents[2]
PROFILE = load_profile(Path(calibration.__file__).with_name("profiles") / "demo.toml")
LATENCY_NS = round(TABLE.age.latency_ms * 1e6)
US = 1_000


@pytest.fixture(scope="module")
def library() -> Path:
    return build_library(ROOT / ".build" / "firmware")


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        end.setblocking(False)
    yield ends
    for end in ends:
        end.close()


class Pair:
    """Torque loop and governor on one clock."""

    def __init__(self, library: Path, sockets: tuple[socket.socket, socket.socket], seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.governor = Governor(library)
        self.bus = sockets[1]
        self.torque = new_torque(TABLE, PROFILE, load_device(), sockets[0].fileno())
        self.torque.config[0]["hashes"][2] = PROFILE_HASH
        self.rings = shared.local(100)
        self.sequence = 0
        self.next_frame_us = self.governor.now_us
        self.peak_cnm = 0
        self.level_nm = np.full((2, 1), 20.0)
        self.phase = self.rng.uniform(0, 6, 2)
        self.middle_cdeg, self.swing_cdeg = (3000, 2800) if seed % 2 else (5250, 6000)  # also past both soft stops
        self.governor.tracks = False  # the drive follows with a lag of two steps instead

    def step(self, dt_us: int) -> None:
        """The host's cycle, its frames into the governor, the governor's step, its frames back."""
        governor, control = self.governor, self.rings.control
        control[shared.HEARTBEAT] += 1
        cycle(self.torque, control, self.rings.intent, self.rings.feedback, governor.now_us * US)
        for _ in range(8):
            try:
                frame = self.bus.recv(16)
            except BlockingIOError:
                break
            governor.frame(int.from_bytes(frame[:4], "little"), frame[8:16])
        self.move_knees()
        governor.step(dt_us)
        for can_id, data in governor.frames:
            self.bus.send(can_id.to_bytes(4, "little") + bytes([8, 0, 0, 0]) + data)
        self.peak_cnm = max(self.peak_cnm, *map(abs, governor.torque))

    def move_knees(self) -> None:
        t_s = self.governor.now_us * 1e-6
        for i in range(2):
            swing = 2 * math.pi * (0.8 + 0.3 * i) * t_s + self.phase[i]
            measured = self.governor.measured[i]
            measured.position_cdeg = round(self.middle_cdeg + self.swing_cdeg * math.sin(swing))
            rate = self.swing_cdeg / 10 * (0.8 + 0.3 * i) * 2 * math.pi * math.cos(swing)
            measured.velocity_ddegps = round(rate)
            measured.torque_cnm += round(0.4 * (self.governor.command[i] - measured.torque_cnm))

    def estimate(self) -> None:
        """Perhaps a new intent: any torque, any delay up to 60 ms, sometimes none for a while."""
        governor = self.governor
        if governor.now_us < self.next_frame_us:
            return
        self.next_frame_us += int(self.rng.choice([16_667, 16_667, 33_333, 90_000]))
        intent = new_intent()
        record = intent[0]
        self.sequence += 1
        captured_ns = (governor.now_us - int(self.rng.uniform(4_000, 60_000))) * US
        record["sequence"], record["t_capture_ns"] = self.sequence, captured_ns
        record["t_act_ns"], record["valid"] = captured_ns + LATENCY_NS, self.rng.random() > 0.1
        record["frame_ns"] = self.rng.choice([16_666_667, 33_333_333, 100_000_000])
        if self.rng.random() < 0.15:
            self.level_nm = self.rng.uniform(-40, 40, (2, 1))
        record["torque_nm"][:] = self.level_nm + self.rng.normal(0, 8, record["torque_nm"].shape)
        publish(self.rings.intent, intent.view(np.int64))

    def arm(self) -> None:
        control = self.rings.control
        for state, mode in (("READY", "OFF"), ("ARMED", "ZERO"), ("ENGAGED", "TORQUE")):
            control[shared.HOST_STATE], control[shared.MODE] = STATES[state], MODES[mode]
            for _ in range(150):
                self.step(1_000)
        assert self.governor.state == "ENGAGED", (self.governor.state, self.governor.reason)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("late", [False, True])
def test_no_request_makes_the_governor_trip(
    library: Path, sockets: tuple[socket.socket, socket.socket], seed: int, late: bool
) -> None:
    pair = Pair(library, sockets, seed)
    pair.arm()
    for _ in range(3_000):
        pair.estimate()
        jitter = int(pair.rng.choice([-80, 0, 0, 60, 300, 2_000, 11_000], p=[0.1, 0.5, 0.2, 0.1, 0.07, 0.02, 0.01]))
        pair.step(1_000 + jitter * late)
        assert pair.governor.state != "SAFE", pair.governor.reason
    assert pair.peak_cnm > 800


def test_the_pair_can_fail(library: Path, sockets: tuple[socket.socket, socket.socket]) -> None:
    """The power of the test above: a host whose up rate is 1.3 times the table's is caught."""
    pair = Pair(library, sockets, 1)
    pair.arm()
    pair.torque.limits["slew_up_nm_per_s"] *= 1.3
    for _ in range(1_000):
        pair.estimate()
        pair.step(1_000)
    assert (pair.governor.state, pair.governor.reason) == ("SAFE", "slew_up")
