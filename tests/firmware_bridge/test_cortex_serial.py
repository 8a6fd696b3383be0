"""The firmware image by its own clock, behind the serial bus: the way a device is used, on a pseudo terminal.

The emulator and this test share a machine that may stall either of them for longer than a lease. So nothing here has a
tight time: a host that was late sees SAFE, clears it as an operator would, and goes on until the time is up.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge import e2e, wire
from firmware_bridge.cortex_m.build import build
from firmware_bridge.cortex_m.emulator import Emulator
from firmware_bridge.serial_link import SerialBus, open_serial
from firmware_bridge.table import GOVERNOR_REASONS, MODES, MUX, STATES, TABLE
from tests.firmware_bridge.harness import (
    GOVERNOR_ID,
    HASHES,
    HOST_ID,
    JOINT_STATE_ID,
    JOINTS,
    PROFILE_HASH,
    SETPOINT_ID,
)
from tests.firmware_bridge.twin import need

PATIENCE_S = 40.0
EVERY_MS = 5  # the emulated UART takes one byte at a time: a fifth of the rate leaves it room on a busy machine
LIVE = ("ARMED", "ENGAGED", "DEGRADED")
NAMES = {code: name for name, code in STATES.items()}


class Host:
    """A host in real time, paced by the firmware's own frames, also its idea of the governor's clock."""

    def __init__(self, bus: SerialBus) -> None:
        self.bus = bus
        self.buf, self.words, self.joint = wire.frame(), np.zeros(4, np.int64), np.zeros(3)
        self.counters = dict.fromkeys([HOST_ID, *SETPOINT_ID.values()], 0)
        self.state, self.reason = "", ""
        self.asked_nm, self.sent_nm, self.measured_nm = 0.0, 0.0, 0.0
        self.milliseconds, self.ticks = 0, 0
        self.trips: list[str] = []

    def run(self, until: str, nm: float, talks: bool = True) -> bool:
        """Go on until the governor shows a state and measures a torque; False where it did not in time."""
        deadline = time.monotonic() + PATIENCE_S
        self.asked_nm = nm
        while time.monotonic() < deadline:
            frame = self.bus.receive()
            if frame is None:
                time.sleep(0.0005)
                continue
            if self.take(np.frombuffer(frame, np.uint8)) and talks and self.milliseconds % EVERY_MS == 0:
                self.send()
            if self.state == until and abs(self.measured_nm - nm) < 0.2:
                return True
        return False

    def take(self, frame: wire.U8) -> bool:
        """Read a frame; True for the one that paces."""
        can_id = wire.frame_id(frame)
        if can_id == GOVERNOR_ID:
            wire.unpack_state(frame, self.words)
            if self.words[wire.ST_MUX] == MUX["CLOCK"]:
                self.ticks = int(self.words[wire.ST_PAYLOAD])
            before, self.state = self.state, NAMES[int(self.words[wire.ST_STATE])]
            self.reason = TABLE.reason_name(int(self.words[wire.ST_REASON]))
            if self.state == "SAFE" != before:
                self.trips.append(self.reason)
        if can_id == JOINT_STATE_ID[JOINTS[0]]:
            wire.unpack_joint_state(frame, self.joint)
            self.measured_nm = float(self.joint[wire.JS_TORQUE_NM])
            self.milliseconds += 1
            self.ticks += wire.TICKS_PER_MS
            return True
        return False

    def send(self) -> None:
        live = self.state in LIVE
        if self.milliseconds % 20 == 0:
            self.send_state(live)
        step = 0.13 * EVERY_MS
        self.sent_nm += max(-step, min(step, self.asked_nm - self.sent_nm)) if live else -self.sent_nm
        mode = "TORQUE" if live and self.asked_nm else "OFF" if self.state == "SAFE" else "ZERO"
        stamp = self.ticks & wire.APPLY_MASK
        for can_id in SETPOINT_ID.values():
            counter = self.next(can_id)
            wire.pack_setpoint(self.buf, can_id, counter, self.sent_nm, 20, 17.0, stamp, MODES[mode], e2e.CRC_TABLE)
            self.bus.send(self.buf.tobytes())

    def send_state(self, live: bool) -> None:
        own = {"READY": "ARMED", "SAFE": "IDLE"}.get(self.state, "ENGAGED" if live else "READY")
        mux = self.milliseconds // 20 % 4
        clear = self.state == "SAFE" and self.milliseconds % 400 == 0
        reason = GOVERNOR_REASONS["clear_request"] if clear else 0
        counter = self.next(HOST_ID)
        wire.pack_state(self.buf, HOST_ID, counter, STATES[own], mux, reason, HASHES.get(mux, 0), e2e.CRC_TABLE)
        self.bus.send(self.buf.tobytes())

    def next(self, can_id: int) -> int:
        counter = self.counters[can_id]
        self.counters[can_id] = (counter + 1) % 15
        return counter


@pytest.fixture
def host(build_dir: Path) -> Iterator[Host]:
    need()
    with Emulator.on_pty(build(build_dir, profile_hash=PROFILE_HASH).elf) as emulator:
        bus = open_serial(f"serial:{emulator.device}")
        yield Host(bus)
        bus.close()


def test_through_the_serial_bus_torque_follows_and_a_silent_host_loses_it(host: Host) -> None:
    assert host.run("ENGAGED", 3.0), (host.state, host.reason, host.trips, host.bus.line_counts)
    assert host.run("SAFE", 0.0, talks=False), (host.state, host.reason)
    assert host.reason == "lease"
    assert host.run("ENGAGED", -2.0), (host.state, host.reason, host.trips)  # cleared, and armed again
    counts = host.bus.line_counts
    assert (counts.crc_errors, counts.overruns, counts.cuts) == (0, 0, 0)
    assert counts.received > 500 and counts.sent > 100
