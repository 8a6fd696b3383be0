"""The torque loop as its own process with the simulated firmware: however it ends, the supervisor sees it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pytest

import calibration
from calibration.profile import load_profile
from edge_runtime import shared
from edge_runtime.assembly import make_firmware
from edge_runtime.camera import ClipSpec
from edge_runtime.config import DEFAULT_PATH, load_device
from edge_runtime.observer import look, miss_of, with_evidence
from edge_runtime.plan import Plan
from edge_runtime.processes import Links, child, torque_loop
from edge_runtime.rt.mailbox import drain, lost_rows
from edge_runtime.rt.rights import Right
from edge_runtime.states import State
from edge_runtime.supervisor import TICK_NS, Supervisor
from edge_runtime.telemetry import CYCLE_FIELDS, ESTIMATE_HEAD
from firmware_bridge.simulator.process import Pace
from firmware_bridge.table import TABLE

PROFILE_PATH = Path(calibration.__file__).with_name("profiles") / "demo.toml"
WIDTH = len(ESTIMATE_HEAD)
START_S = 240.0  # compiling the loop on a busy machine
SEEN_S = 0.5  # 50 ms of standstill, looked at every 10 ms; the rest is for a busy machine


class Run:
    """A supervisor with a loop and a firmware of its own; estimates are always valid and ask for nothing."""

    def __init__(self, folder: Path) -> None:
        profile = load_profile(PROFILE_PATH)
        clip = ClipSpec(folder / "none.mp4", 0, 1, None)
        self.plan = Plan(clip, 1, profile, PROFILE_PATH, load_device(), DEFAULT_PATH, folder)
        self.rings = shared.create(WIDTH)
        self.events: list[tuple[int, str, str, str]] = []
        self.supervisor = Supervisor(TABLE, self.rings.control, lambda *event: self.events.append(event), True)
        self.firmware = make_firmware(self.plan, Pace.REALTIME, folder)
        self.firmware.start()
        assert self.rings.memory is not None
        links = Links(os.getpid(), self.rings.memory.name, WIDTH, self.firmware.bus_spec, self.firmware.sim_path)
        self.loop: BaseProcess = multiprocessing.get_context("spawn").Process(
            target=child, args=(torque_loop, self.plan, links)
        )
        self.loop.start()
        self.rings.control[shared.ESTIMATOR_READY] = 1
        self.rows = np.zeros((shared.CYCLE_ROWS, len(CYCLE_FIELDS)), np.int64)
        self.next_tick_ns = 0

    def step(self) -> State:
        """What the run does every 10 ms."""
        time.sleep(0.01)
        estimate = np.zeros(WIDTH)
        estimate[ESTIMATE_HEAD.index("valid")] = 1.0
        estimate[ESTIMATE_HEAD.index("t_capture_ns")] = now_ns = time.monotonic_ns()
        self.supervisor.see_estimate(estimate)
        if count := drain(self.rings.cycles, self.rows):
            self.supervisor.see_cycles(self.rows[:count].view(np.float64))
        if now_ns >= self.next_tick_ns or self.supervisor.loop_stopped(now_ns):
            self.supervisor.tick(now_ns)
            self.next_tick_ns = now_ns + TICK_NS
        return self.supervisor.state

    def until(self, state: State, limit_s: float) -> float:
        """Seconds until the supervisor is in `state`."""
        begun = time.monotonic()
        while self.step() is not state:
            assert time.monotonic() - begun < limit_s, (self.supervisor.state, self.events[-5:])
        return time.monotonic() - begun

    def codes(self) -> list[str]:
        return [code for _, _, code, _ in self.events]

    def misses(self) -> np.ndarray:
        out = np.zeros((shared.MISS_ROWS, len(shared.MISS_FIELDS)), np.int64)
        return out[: drain(self.rings.misses, out)].view(np.float64)

    def close(self) -> None:
        self.rings.control[shared.STOP] = 1
        self.loop.join(2.0)
        self.loop.kill()
        self.loop.join()
        self.firmware.stop()
        assert self.rings.memory is not None
        self.rings.memory.unlink()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    found = Run(tmp_path)
    try:
        found.until(State.ENGAGED, START_S)
        yield found
    finally:
        found.close()


def test_a_killed_loop_is_safe_at_once(run: Run) -> None:
    assert run.loop.pid is not None
    os.kill(run.loop.pid, signal.SIGKILL)
    assert run.until(State.SAFE, 5.0) < SEEN_S
    assert run.codes()[-1] == "loop_stopped"
    for _ in range(150):  # and is not cleared while it stands still
        assert run.step() is State.SAFE


def test_a_loop_that_returns_is_safe_at_once(run: Run) -> None:
    run.rings.control[shared.STOP] = 1
    assert run.until(State.SAFE, 5.0) < SEEN_S
    assert run.codes()[-1] == "loop_stopped"


def test_a_stopped_loop_is_safe_at_once_and_explains_itself_when_it_goes_on(run: Run) -> None:
    assert run.loop.pid is not None
    thread = int(run.rings.control[shared.LOOP_THREAD])
    before = look()
    run.misses()
    os.kill(run.loop.pid, signal.SIGSTOP)
    assert run.until(State.SAFE, 5.0) < SEEN_S
    assert run.codes()[-1] == "loop_stopped"
    time.sleep(0.2)
    os.kill(run.loop.pid, signal.SIGCONT)
    time.sleep(0.1)
    worst = max((miss_of(row) for row in run.misses()), key=lambda miss: miss.periods)
    assert worst.periods > 100
    told = with_evidence(worst, before, look(), thread)
    assert told.interval_ms > 200.0
    assert told.run_delay_ms >= 0.0
    assert told.cause
    run.until(State.ENGAGED, 30.0)
    assert "cleared" in run.codes()


def test_it_arms_warm_and_says_what_it_lacks(run: Run) -> None:
    control = run.rings.control
    until = time.monotonic() + 20.0
    while control[shared.WARM_FAULTS] < 0 and time.monotonic() < until:
        run.step()
    if Right.MEMORY not in Right(int(control[shared.RIGHTS_MISSING])):
        assert control[shared.WARM_FAULTS] == 0
        assert control[shared.MAJOR_FAULTS] == 0
    assert control[shared.LOOP_THREAD] > 0
    assert lost_rows(run.rings.cycles) == 0
    assert ("rights_missing" in run.codes()) == bool(control[shared.RIGHTS_MISSING])
