"""Waiting for a start: as long as somebody is at work, and no longer; and its processes judged at one moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest

from edge_runtime import shared
from edge_runtime.children import Children
from edge_runtime.signals import sigint_kept_from_children, stop_on_signals
from edge_runtime.startup import STUCK_S, Startup, cpu_s
from edge_runtime.states import State

S = 1_000_000_000


class Waiting:
    """A start whose parts use their processors as the test says."""

    def __init__(self) -> None:
        self.control = shared.local(100).control
        self.used = [0, 0]
        self.startup = Startup(self.control, lambda: (self.used[0], self.used[1]), 0)
        self.now_ns = 0

    def idle_until_given_up(self) -> float:
        """Seconds, 1000 where it never gives up."""
        begun_ns = self.now_ns
        while not self.startup.stuck(self.now_ns) and self.now_ns - begun_ns < 1_000 * S:
            self.now_ns += S
        return (self.now_ns - begun_ns) / S


def test_nobody_at_work_is_given_up_after_its_time() -> None:
    assert Waiting().idle_until_given_up() == pytest.approx(STUCK_S, abs=2.0)


@pytest.mark.parametrize("part", [0, 1])
def test_whoever_compiles_is_waited_for(part: int) -> None:
    waiting = Waiting()
    for _ in range(100):
        waiting.used[part] += 1  # a second of work in half a minute: a machine under heavy load
        waiting.now_ns += 30 * S
        assert not waiting.startup.stuck(waiting.now_ns)
    assert waiting.idle_until_given_up() == pytest.approx(STUCK_S, abs=2.0)


def test_work_of_one_that_is_ready_is_no_progress() -> None:
    waiting = Waiting()
    waiting.control[shared.LOOP_READY] = waiting.control[shared.ESTIMATOR_READY] = 1
    begun_ns = waiting.now_ns
    while not waiting.startup.stuck(waiting.now_ns):
        waiting.used = [waiting.used[0] + 1, waiting.used[1] + 1]
        waiting.now_ns += S
    assert (waiting.now_ns - begun_ns) / S == pytest.approx(STUCK_S, abs=2.0)


def test_it_says_who_is_waited_for_and_what_for() -> None:
    waiting = Waiting()
    control = waiting.control
    text = waiting.startup.waits_for(State.OFF, 7 * S)
    assert text == "starting for 7 s: the torque loop starts, the estimator starts"
    control[shared.LOOP_STEP] = 1
    assert "the torque loop compiles" in waiting.startup.waits_for(State.OFF, 7 * S)
    control[shared.LOOP_READY], control[shared.ESTIMATOR_STEP] = 1, 2
    assert waiting.startup.waits_for(State.OFF, 90 * S) == (
        "starting for 90 s: the estimator tries its networks on the first frames"
    )
    control[shared.ESTIMATOR_READY] = 1
    assert "the handshake with the firmware" in waiting.startup.waits_for(State.IDLE, 7 * S)
    assert "the firmware arms" in waiting.startup.waits_for(State.READY, 7 * S)


def test_used_time_is_that_of_the_process() -> None:
    before = time.process_time()
    while time.process_time() < max(2.0, before):
        pass
    assert abs(cpu_s(os.getpid()) - time.process_time()) <= 1.1
    assert cpu_s(2**22 + 1) == 0  # above the largest id there is


def family(alive: list[Any]) -> Children:
    children = Children(shared.local(1))
    names = ("torque_loop", "estimator")
    processes: list[Any] = [
        SimpleNamespace(name=name, is_alive=one, exitcode=0) for name, one in zip(names, alive, strict=True)
    ]
    children._processes = processes
    return children


def test_an_estimator_that_ends_after_its_last_frame_is_no_fault() -> None:
    """It says that it is done and ends, both between two questions of the same look."""
    children = family([lambda: True, lambda: True])

    def ends_now() -> bool:
        children._control[shared.ESTIMATOR_DONE] = 1
        return False

    children._processes[1].is_alive = ends_now  # type: ignore[method-assign]
    children.look()
    assert (children.estimator_done, children.estimator_dead) == (True, False)


def test_who_ends_after_the_look_is_judged_at_the_next() -> None:
    alive = [True, True]
    children = family([lambda: alive[0], lambda: alive[1]])
    children.look()
    alive[1] = False
    assert children.problem(starting=False) is None
    children.look()
    assert (children.estimator_dead, children.loop_dead) == (True, False)
    assert children.problem(starting=False) == (
        "the estimator process ended (status 0); torque is at zero, see the events in the record"
    )
    assert "while starting; see its line above" in str(children.problem(starting=True))


def test_ctrl_c_while_children_start_reaches_us_and_never_them() -> None:
    asked: list[int] = []
    told = "import signal, sys; sys.exit(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))"
    with stop_on_signals(lambda: asked.append(1)):
        with sigint_kept_from_children():
            os.kill(os.getpid(), signal.SIGINT)
            blocked = subprocess.run([sys.executable, "-c", told], check=False).returncode
        assert asked == [1]
        assert subprocess.run([sys.executable, "-c", told], check=False).returncode == 0
    assert blocked == 1


def test_frames_wait_for_a_tissue_observer_until_it_is_warm_or_gone() -> None:
    there = [True]
    children = family([lambda: True, lambda: True])
    children.look()
    assert not children.observer_builds
    observer: Any = SimpleNamespace(name="tissue_observer", is_alive=lambda: there[0], exitcode=1)
    children._processes.append(observer)
    children.look()
    assert children.observer_builds
    children._control[shared.TISSUE_STEP] = shared.TISSUE_WARM
    children.look()
    assert not children.observer_builds
    children._control[shared.TISSUE_STEP] = 1
    there[0] = False
    children.look()
    assert not children.observer_builds and children.observer_ended and children.problem(starting=True) is None


def test_a_start_says_that_the_tissue_observer_is_not_ready() -> None:
    waiting = Waiting()
    waiting.control[shared.TISSUE_STEP] = 1
    assert "tissue observer" in waiting.startup.waits_for(State.ARMED, S)
    waiting.control[shared.TISSUE_STEP] = shared.TISSUE_WARM
    assert "tissue observer" not in waiting.startup.waits_for(State.ARMED, S)
