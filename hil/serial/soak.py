"""A serial bench on an emulated bad cable for virtual hours: is a sample lost unnoticed, is torque left behind?

The judge knows what the bench sent and when; it shares no code with the receiver but the format of a line.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any, Final

import numpy as np

from hil.rigs.phantom_serial import FRESH_NS, PhantomSerial
from hil.serial.cable import Cable, CableFaults
from hil.serial.device import Device
from hil.serial.lines import Sample, decode

_STEP_US: Final = 1000
_START_US: Final = 1_000_000
_TORQUE_NM: Final = 6.0
_SWING_HZ: Final = 0.5
_LEASE_US: Final = 20_000
_LET_GO_US: Final = 50_000  # of the emulated stage, from its greatest torque
_ON_THE_WAY_US: Final = 2_000  # a command may rest on a sample that came a step before it left, and it travels a step
_CALM_STEPS: Final = 3_000
_KEPT: Final = 20_000  # samples sent: more than the host's driver can hold
ROUGH: Final = CableFaults(noise_bits=20.0, cuts=0.02, cut_s=0.5, floods=0.05, flood_bytes=4096, restarts=0.01)
"""A cable to be replaced: 20 flipped bits a second, a cut every 50 s, a flood every 20 s, a restart every 100 s."""


class Judge:
    """Follows both ends: what the bench sent, what the host took, what torque the stage had."""

    def __init__(self) -> None:
        self.sent = self.missing = self.unnoticed = self.altered = self.blind_torque = self.left_torque = 0
        self.longest_gap_ms = 0.0
        self._number = 0
        self._sent: dict[tuple[int, int], tuple[int, Sample]] = {}
        self._order: deque[tuple[int, int]] = deque()
        self._last = -1
        self._good_us = _START_US
        self._obeyed_us = -(1 << 60)
        self._flags = (0, 0)

    def bench_sent(self, out: bytes) -> None:
        """Lines that left the bench."""
        for raw in out.split(b"\n"):
            if isinstance(line := decode(raw), Sample):
                key = line.boot, line.sequence
                self._sent[key] = self._number, line
                self._order.append(key)
                self._number += 1
                self.sent += 1
        while len(self._order) > _KEPT:
            self._sent.pop(self._order.popleft(), None)

    def host_took(self, samples: list[Sample], lost: int, restarts: int, now_us: int) -> None:
        """Samples that the host has taken in this step, and its counters after it."""
        if not samples:
            return
        missing = 0
        for sample in samples:
            number, original = self._sent.get((sample.boot, sample.sequence), (self._last + 1, None))
            self.altered += sample != original
            missing += number - self._last - 1
            self._last = number
        noticed = lost - self._flags[0] if restarts == self._flags[1] else missing
        self.missing += missing
        self.unnoticed += max(0, missing - noticed)
        self._flags = lost, restarts
        self.longest_gap_ms = max(self.longest_gap_ms, (now_us - self._good_us) * 1e-3)
        self._good_us = now_us

    def stage(self, obeys: bool, torque_nm: float, now_us: int) -> None:
        """The motor stage after a step: has it taken a command for torque, and what torque does it give."""
        if obeys:
            self._obeyed_us = now_us
            self.blind_torque += now_us - self._good_us > FRESH_NS // 1000 + _ON_THE_WAY_US
        elif torque_nm != 0.0 and now_us - self._obeyed_us > _LEASE_US + _LET_GO_US:
            self.left_torque += 1


def soak(seconds: float, seed: int, faults: CableFaults = ROUGH) -> dict[str, Any]:
    """Play so many virtual seconds, then a calm moment in which all that is still under way arrives."""
    rng = np.random.default_rng(seed)
    device, cable, judge = Device(seed + 1), Cable(faults, seed + 2), Judge()
    rig = PhantomSerial(cable.open)
    rig.open(None)
    to_bench, restarts = b"", 0
    steps = round(seconds * 1e6 / _STEP_US)
    for k in range(steps + _CALM_STEPS):
        now_us = _START_US + k * _STEP_US
        if k == steps:
            cable.faults = faults = CableFaults()
        if faults.restarts and rng.random() < faults.restarts * 1e-3:
            device.restart()
            restarts += 1
        before = device.commands
        out = device.step(now_us, to_bench)
        judge.bench_sent(out)
        judge.stage(device.commands > before and device.asked_nm != 0.0, device.torque_nm, now_us)
        to_bench = cable.step(now_us, out)
        wish_nm = _TORQUE_NM * math.sin(2.0 * math.pi * _SWING_HZ * now_us * 1e-6)
        rig.step(np.full(2, wish_nm), now_us * 1000)
        counts = rig.connection.receiver.counts
        judge.host_took(rig.samples, counts.lost, counts.restarts, now_us)
    return _figures(rig, cable, judge, restarts) | {"virtual_s": seconds, "seed": seed}


def _figures(rig: PhantomSerial, cable: Cable, judge: Judge, restarts: int) -> dict[str, Any]:
    counts = rig.connection.receiver.counts
    return {
        "samples_sent": judge.sent,
        "received": counts.received,
        "lost": judge.missing,
        "lost_unnoticed": judge.unnoticed,
        "altered_taken": judge.altered,
        "torque_without_feedback": judge.blind_torque,
        "torque_left_behind": judge.left_torque,
        "commands_withheld": rig.withheld,
        "broken_lines": counts.broken,
        "noise_bytes": counts.noise,
        "stale": counts.stale,
        "bits_flipped": cable.flipped,
        "cuts": cable.cuts,
        "floods": cable.floods,
        "bench_restarts": restarts,
        "connected": rig.connection.opened,
        "longest_gap_ms": judge.longest_gap_ms,
        "connected_at_end": rig.connection.problem == "",
    }
