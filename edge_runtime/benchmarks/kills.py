"""The estimator dies, or stops, at random moments: is torque gone in time? Each time a real process and a real signal.

Torque loop, compiled governor and simulated knee run in lock-step on a virtual clock; the estimator is a child process
that follows this clock and publishes its newest intent over and over, so that many signals hit it inside a write. The
bound is the one the firmware keeps when the whole host dies: lease + one tick + ramp, counted from the signal.
"""

from __future__ import annotations

import mmap
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numba import njit

from edge_runtime import shared
from edge_runtime.assembly import make_firmware
from edge_runtime.benchmarks.intents import LATENCY_NS
from edge_runtime.benchmarks.our_loop import bench_plan
from edge_runtime.benchmarks.slices import Slot
from edge_runtime.errors import UserError
from edge_runtime.intent import new_intent
from edge_runtime.rt.forked import fork_child, in_process
from edge_runtime.rt.libc import load_relaxed, store_relaxed
from edge_runtime.rt.loop import PERIOD_NS, run_lockstep
from edge_runtime.rt.mailbox import I64, drain, publish
from edge_runtime.rt.rig import Rig, new_rig
from edge_runtime.rt.torque import Torque, new_torque
from edge_runtime.telemetry import CYCLE_FIELDS
from firmware_bridge.bus import open_bus
from firmware_bridge.simulator.process import TRUTH_DTYPE, Pace, SimLink
from firmware_bridge.table import JOINTS, MODES, STATES, TABLE

_START_NS: Final = 1_000_000_000
_FRAME_NS: Final = 16_666_667  # 60 Hz
_ESTIMATOR_NS: Final = 10_000_000  # capture to intent
_ARM_TICKS: Final = 150  # of each step to ENGAGED: the handshake takes 80 ms
_TORQUE_ON_NM: Final = 1.5
_TORQUE_ON_TICKS: Final = 3_000  # it must come back within three virtual seconds
_RANDOM_TICKS: Final = 100  # the signal comes at random within six frames of torque ...
_RANDOM_S: Final = 200e-6  # ... and at random within the estimator's own loop
_WATCH_TICKS: Final = 100  # longer than the bound
_PATIENCE_S: Final = 30.0  # real time for one answer of the child
_NOW, _DONE, _STOP = 0, 8, 9  # words shared with the estimator: virtual time; newest frame published; 1 to end
_COMMAND_WORD: Final = int(TRUTH_DTYPE.fields["command_nm"][1]) // 8 if TRUTH_DTYPE.fields else 0
_STATE_WORD: Final = 1

BOUND_MS: Final = max(TABLE.joints[joint].lease_ms for joint in JOINTS) + 1.0 + TABLE.safe.ramp_ms


@dataclass(frozen=True, slots=True)
class Death:
    """One signal: which, the command then (Nm), ms until both commands stayed at zero (inf: they did not)."""

    signal_name: str
    torque_nm: float
    zero_ms: float
    in_write: bool  # it came between the beginning and the end of a write to the mailbox
    tripped: bool  # the governor had to go to SAFE


def run(rounds: int, seed: int, progress: Callable[[int], None] = lambda done: None) -> list[Death]:
    """`rounds` deaths, SIGKILL and SIGSTOP in turn, in a few processes of their own."""
    found: list[Death] = []
    while len(found) < rounds:
        count = min(100, rounds - len(found))
        found += in_process(_batch, count, seed + len(found))
        progress(len(found))
    return found


def summary(deaths: list[Death]) -> dict[str, Any]:
    """The `kills` block of the JSON."""
    times = [death.zero_ms for death in deaths]
    return {
        "sigkill": sum(death.signal_name == "SIGKILL" for death in deaths),
        "sigstop": sum(death.signal_name == "SIGSTOP" for death in deaths),
        "zero_in_time": sum(ms <= BOUND_MS for ms in times),
        "worst_ms": max(times),
        "bound_ms": BOUND_MS,
        "bound_is": "lease + 1 tick + ramp, from the signal to both commands at zero for good; virtual time",
        "least_torque_at_signal_nm": min(death.torque_nm for death in deaths),
        "in_write": sum(death.in_write for death in deaths),
        "governor_trips": sum(death.tripped for death in deaths),
    }


@njit(cache=True, nogil=True)
def _estimate(clock: I64, ring: I64, intent: Any, words: I64) -> None:
    """The estimator: follow the virtual clock, publish the newest frame's intent again and again."""
    frame = 0
    while load_relaxed(clock, _STOP) == 0:
        due = (load_relaxed(clock, _NOW) - _ESTIMATOR_NS) // _FRAME_NS
        if due != frame:
            frame = due
            captured = frame * _FRAME_NS
            intent[0].sequence = frame
            intent[0].t_capture_ns = captured
            intent[0].t_act_ns = captured + LATENCY_NS
            intent[0].frame_ns = _FRAME_NS
            intent[0].valid = 1
            intent[0].torque_nm[:] = 4.0 + 4.0 * ((frame // 8) % 3)  # steps that the slew limiter has to follow
            intent[0].knee_rad[:] = 0.5
        publish(ring, words)
        store_relaxed(clock, _DONE, frame)


class DeathBench:
    """Loop, governor and knee on one virtual clock, and the estimator process beside them."""

    def __init__(self, torque: Torque, rig: Rig, rings: shared.Rings, seed: int) -> None:
        self.torque = torque
        self._rig, self._rings = rig, rings
        self._clock = np.ndarray((16,), np.int64, buffer=mmap.mmap(-1, 128))  # shared with forked children
        self._intent = new_intent()
        self._rows = np.zeros((shared.CYCLE_ROWS, len(CYCLE_FIELDS)), np.int64)
        self._rng = np.random.default_rng(seed)
        self._now_ns = _START_NS
        self.pid = 0
        self._clock[_STOP] = 1
        self._estimate()  # compiled before it is forked
        self._clock[_STOP] = 0

    def engage(self) -> None:
        """From power-up to torque, with a live estimator."""
        self.start_estimator()
        control = self._rings.control
        for state, mode in (("READY", "OFF"), ("ARMED", "ZERO"), ("ENGAGED", "TORQUE")):
            control[shared.HOST_STATE], control[shared.MODE] = STATES[state], MODES[mode]
            for _ in range(_ARM_TICKS):
                self.tick(alive=True)

    def start_estimator(self) -> None:
        """Fork it; it takes up where its predecessor was."""
        self.pid = fork_child(self._estimate)

    def _estimate(self) -> None:
        _estimate(self._clock, self._rings.intent, self._intent, self._intent.view(np.int64))

    def tick(self, alive: bool) -> float:
        """One millisecond; the larger command, Nm. With `alive` the estimator's due frame is waited for first."""
        self._rings.control[shared.HEARTBEAT] += 1
        self._clock[_NOW] = self._now_ns
        if alive:
            self._wait_for_estimator()
        rings = self._rings
        done = run_lockstep(
            self.torque, self._rig, rings.control, rings.intent, rings.feedback, rings.cycles, self._now_ns, 1
        )
        if done != 1:
            raise UserError("the simulated firmware ended during the measurement; see its line above")
        drain(rings.cycles, self._rows)
        self._now_ns += PERIOD_NS
        return float(np.abs(self._rig.truth_values[_COMMAND_WORD : _COMMAND_WORD + len(JOINTS)]).max())

    def torque_on(self) -> None:
        """Until torque flows, then a random while longer."""
        for _ in range(_TORQUE_ON_TICKS):
            if self.tick(alive=True) > _TORQUE_ON_NM:
                break
        else:
            raise UserError("torque did not come back after the estimator did: nothing was measured")
        for _ in range(int(self._rng.integers(_RANDOM_TICKS))):
            self.tick(alive=True)

    def die(self, number: signal.Signals) -> Death:
        """Send the signal at a random moment, make sure that it has worked, and watch the governor's command."""
        begin = self.tick(alive=True)
        time.sleep(float(self._rng.uniform(0.0, _RANDOM_S)))
        os.kill(self.pid, number)
        os.waitpid(self.pid, os.WUNTRACED)
        in_write = self._mid_write()
        commands = [self.tick(alive=False) for _ in range(_WATCH_TICKS)]
        on = np.flatnonzero(commands)
        zero_ms = float("inf") if len(on) and on[-1] == _WATCH_TICKS - 1 else float(on[-1] + 2 if len(on) else 1)
        tripped = int(self._rig.truth_words[_STATE_WORD]) == STATES["SAFE"]
        return Death(number.name, begin, zero_ms, in_write, tripped)

    def _mid_write(self) -> bool:
        """Whether a slot of the mailbox is marked as being written."""
        width = self._intent.itemsize // 8
        slots = self._rings.intent[8:].reshape(4, 8 + width)
        return bool((slots[:, 0] < 0).any())

    def _wait_for_estimator(self) -> None:
        due = (self._now_ns - _ESTIMATOR_NS) // _FRAME_NS
        until = time.monotonic() + _PATIENCE_S
        while self._clock[_DONE] < due:
            if time.monotonic() > until:
                raise UserError("the estimator process does not answer: nothing was measured")
            time.sleep(0.0)


def _batch(rounds: int, seed: int) -> list[Death]:
    found = []
    with death_bench(seed) as bench:
        bench.engage()
        for k in range(rounds):
            bench.torque_on()
            number = signal.SIGKILL if k % 2 else signal.SIGSTOP
            found.append(bench.die(number))
            if number is signal.SIGKILL:
                bench.start_estimator()
            else:
                os.kill(bench.pid, signal.SIGCONT)
        os.kill(bench.pid, signal.SIGKILL)
        os.waitpid(bench.pid, 0)
    return found


@contextmanager
def death_bench(seed: int) -> Iterator[DeathBench]:
    """The bench with its firmware running; only in a process of its own, since it forks."""
    plan = bench_plan(Slot(core=-1, priority=0))
    rings = shared.create(1)
    assert rings.memory is not None
    with tempfile.TemporaryDirectory(prefix="exo-edge-") as folder:
        firmware = make_firmware(plan, Pace.LOCKSTEP, Path(folder))
        firmware.start()
        link = SimLink(firmware.sim_path)
        try:
            with open_bus(firmware.bus_spec) as bus:
                torque = new_torque(TABLE, plan.profile, plan.device, bus.fd)
                yield DeathBench(torque, new_rig(link.fd), rings, seed)
        finally:
            link.close()
            firmware.stop()
            rings.memory.unlink()
