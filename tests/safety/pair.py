"""Torque loop and governor on one virtual clock over a socket pair: what the tests of this folder run."""

from __future__ import annotations

import math
import socket
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import calibration
from calibration.profile import Profile, load_profile
from edge_runtime import shared
from edge_runtime.config import load_device
from edge_runtime.intent import new_intent
from edge_runtime.rt.cycle import cycle
from edge_runtime.rt.mailbox import publish
from edge_runtime.rt.torque import new_torque
from firmware_bridge.table import MODES, STATES, TABLE
from tests.firmware_bridge.harness import PROFILE_HASH, Governor

PROFILE = load_profile(Path(calibration.__file__).with_name("profiles") / "demo.toml")
LATENCY_NS = round(TABLE.age.latency_ms * 1e6)
US = 1_000


class Pair:
    """Torque loop and governor on one clock."""

    def __init__(
        self,
        library: Path,
        sockets: tuple[socket.socket, socket.socket],
        seed: int,
        profile: Profile = PROFILE,
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.governor = Governor(library)
        self.bus = sockets[1]
        self.torque = new_torque(TABLE, profile, load_device(), sockets[0].fileno())
        self.torque.config[0]["hashes"][2] = PROFILE_HASH
        self.rings = shared.local(100)
        self.sequence = 0
        self.next_frame_us = self.governor.now_us
        self.peak_cnm = 0
        self.level_nm = np.full((2, 1), 20.0)
        self.rate_hz = (0.8, 1.1)  # of the knees' swing
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
            swing = 2 * math.pi * self.rate_hz[i] * t_s + self.phase[i]
            measured = self.governor.measured[i]
            measured.position_cdeg = round(self.middle_cdeg + self.swing_cdeg * math.sin(swing))
            rate = self.swing_cdeg / 10 * self.rate_hz[i] * 2 * math.pi * math.cos(swing)
            measured.velocity_ddegps = round(rate)
            measured.torque_cnm += round(0.4 * (self.governor.command[i] - measured.torque_cnm))

    def estimate(self) -> None:
        """Perhaps a new intent: any torque, any delay up to 60 ms, sometimes none for a while."""
        if self.governor.now_us < self.next_frame_us:
            return
        self.next_frame_us += int(self.rng.choice([16_667, 16_667, 33_333, 90_000]))
        if self.rng.random() < 0.15:
            self.level_nm = self.rng.uniform(-40, 40, (2, 1))
        intent = self._intent(int(self.rng.uniform(4_000, 60_000)))
        record = intent[0]
        record["valid"] = self.rng.random() > 0.1
        record["frame_ns"] = self.rng.choice([16_666_667, 33_333_333, 100_000_000])
        record["torque_nm"][:] += self.rng.normal(0, 8, record["torque_nm"].shape)
        publish(self.rings.intent, intent.view(np.int64))

    def ask(self) -> None:
        """A new intent of a good camera, as often as it has frames, for the present level."""
        if self.governor.now_us >= self.next_frame_us:
            self.next_frame_us += 16_667
            publish(self.rings.intent, self._intent(8_000).view(np.int64))

    def _intent(self, delay_us: int) -> npt.NDArray[Any]:
        intent = new_intent()
        record = intent[0]
        self.sequence += 1
        record["sequence"], record["valid"] = self.sequence, 1
        record["t_capture_ns"] = (self.governor.now_us - delay_us) * US
        record["t_act_ns"] = record["t_capture_ns"] + LATENCY_NS
        record["frame_ns"] = 16_666_667
        record["torque_nm"][:] = self.level_nm
        return intent

    def arm(self) -> None:
        control = self.rings.control
        for state, mode in (("READY", "OFF"), ("ARMED", "ZERO"), ("ENGAGED", "TORQUE")):
            control[shared.HOST_STATE], control[shared.MODE] = STATES[state], MODES[mode]
            for _ in range(150):
                self.step(1_000)
        assert self.governor.state == "ENGAGED", (self.governor.state, self.governor.reason)
