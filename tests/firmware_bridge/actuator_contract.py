"""What every actuator must do, whatever its protocol: import `ActuatorContract` and give it a bench of yours.

A bench joins the actuator under test with the thing it commands, on a clock of its own, one cycle per millisecond.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import pytest

from firmware_bridge.actuators.base import Actuator, Frames, Reason, Sent

CYCLE_NS = 1_000_000
READY_CYCLES = 1500


class Bench(ABC):
    """The actuator, and the other end of its wire. `step_nm`: resolution; `range_nm`: most torque it may be told."""

    actuator: Actuator
    step_nm: float
    range_nm: float

    def __init__(self) -> None:
        self.now_ns = 1_000_000_000
        self.last: Sent | None = None

    @property
    @abstractmethod
    def applied_nm(self) -> float:
        """Torque at the joint that the other end applies."""

    @property
    @abstractmethod
    def in_torque_mode(self) -> bool:
        """The other end would follow a torque."""

    @abstractmethod
    def exchange(self, frames: Frames) -> Frames:
        """Carry frames to the other end; its replies, and what it sends on its own in this cycle."""

    @abstractmethod
    def fail(self) -> None:
        """Raise a fault at the other end."""

    @abstractmethod
    def corrupted(self, frame: bytes) -> bytes:
        """A reply turned into one that must be refused."""

    def cycle(self, frames: Frames, *, heard: bool = True) -> None:
        """One millisecond; the replies are lost where not `heard`."""
        replies = self.exchange(frames)
        self.now_ns += CYCLE_NS
        for frame in replies if heard else ():
            self.actuator.receive(frame, self.now_ns)

    def get_ready(self) -> None:
        """From cold to torque mode."""
        for _ in range(READY_CYCLES):
            if self.actuator.reading(self.now_ns).ready:
                return
            self.cycle(self.actuator.start(self.now_ns))
        raise AssertionError("the actuator never became ready")

    def command(self, torque_nm: float, cycles: int = 1, *, heard: bool = True) -> Sent:
        """So many cycles with this torque; the last command."""
        for _ in range(cycles):
            self.last = self.actuator.command(torque_nm, self.now_ns)
            self.cycle(self.last.frames, heard=heard)
        assert self.last is not None
        return self.last


class ActuatorContract(ABC):
    """Mix into a test class and return a fresh bench."""

    @abstractmethod
    def make(self) -> Bench:
        """A bench with a cold actuator."""

    @pytest.fixture
    def bench(self) -> Bench:
        return self.make()

    @pytest.fixture
    def ready(self, bench: Bench) -> Bench:
        bench.get_ready()
        return bench

    def test_cold_it_sends_no_torque(self, bench: Bench) -> None:
        sent = bench.command(5.0)
        assert (sent.torque_nm, sent.reason) == (0.0, Reason.NOT_READY)
        assert abs(bench.applied_nm) <= bench.step_nm
        assert bench.actuator.reading(bench.now_ns).ready is False

    def test_getting_ready_sends_no_torque(self, bench: Bench) -> None:
        for _ in range(READY_CYCLES):
            bench.cycle(bench.actuator.start(bench.now_ns))
            assert abs(bench.applied_nm) <= bench.step_nm
            if bench.actuator.reading(bench.now_ns).ready:
                break
        assert bench.in_torque_mode

    @pytest.mark.parametrize("torque_nm", [3.0, -3.0])
    def test_torque_arrives_with_its_sign_and_comes_back_measured(self, ready: Bench, torque_nm: float) -> None:
        sent = ready.command(torque_nm, 200)
        assert sent.reason is Reason.AS_ASKED
        assert sent.torque_nm == pytest.approx(torque_nm)
        assert ready.applied_nm == pytest.approx(torque_nm, abs=ready.step_nm)
        reading = ready.actuator.reading(ready.now_ns)
        assert reading.torque_nm == pytest.approx(torque_nm, abs=2 * ready.step_nm)
        assert reading.age_ms <= 3.0

    def test_beyond_the_range_it_is_cut_with_the_reason(self, ready: Bench) -> None:
        ready.command(ready.range_nm, 400)
        sent = ready.command(10.0 * ready.range_nm, 3)
        assert sent.reason is Reason.RANGE
        assert sent.torque_nm == pytest.approx(ready.range_nm)
        assert ready.applied_nm <= ready.range_nm + ready.step_nm

    @pytest.mark.parametrize("torque_nm", [math.nan, math.inf, -math.inf])
    def test_not_a_number_is_refused_and_torque_falls_to_zero(self, ready: Bench, torque_nm: float) -> None:
        ready.command(5.0, 200)
        before = ready.applied_nm
        sent = ready.command(torque_nm)
        assert sent.reason is Reason.NOT_FINITE
        assert 0.0 <= sent.torque_nm <= before
        assert ready.command(torque_nm, 20).torque_nm == 0.0
        assert abs(ready.applied_nm) <= ready.step_nm

    def test_without_replies_torque_falls_to_zero_and_comes_back_with_them(self, ready: Bench) -> None:
        ready.command(5.0, 200)
        for _ in range(60):
            before = abs(ready.last.torque_nm) if ready.last else 0.0
            sent = ready.command(5.0, heard=False)
            assert before - abs(sent.torque_nm) <= 1.21  # 600 Nm/s over two cycles: no step
        assert (sent.torque_nm, sent.reason) == (0.0, Reason.STALE)
        assert not ready.actuator.reading(ready.now_ns).ready

    def test_broken_replies_are_no_replies(self, ready: Bench) -> None:
        for _ in range(60):
            sent = ready.actuator.command(2.0, ready.now_ns)
            replies = ready.exchange(sent.frames)
            ready.now_ns += CYCLE_NS
            for frame in replies:
                ready.actuator.receive(ready.corrupted(frame), ready.now_ns)
        assert (sent.torque_nm, sent.reason) == (0.0, Reason.STALE)

    def test_foreign_and_short_frames_are_refused(self, ready: Bench) -> None:
        before = ready.actuator.reading(ready.now_ns)
        for frame in (b"", bytes(15), bytes(16), bytes(72), b"\xff" * 16, b"\xff" * 72, b"\x55\x07" + bytes(14)):
            assert ready.actuator.receive(frame, ready.now_ns) is False
        assert repr(ready.actuator.reading(ready.now_ns)) == repr(before)  # repr: a NaN equals itself

    def test_a_fault_takes_torque_away_and_is_told(self, ready: Bench) -> None:
        ready.command(5.0, 200)
        ready.fail()
        sent = ready.command(5.0, 120)
        reading = ready.actuator.reading(ready.now_ns)
        assert sent.torque_nm == 0.0 and sent.reason in (Reason.FAULT, Reason.NOT_READY)
        assert reading.fault != 0 and not reading.ready
        assert abs(ready.applied_nm) <= ready.step_nm

    def test_release_sends_zero_before_it_leaves_torque_mode_and_nothing_brings_it_back(self, ready: Bench) -> None:
        ready.command(5.0, 200)
        frames = ready.actuator.release()
        assert len(frames) >= 2
        ready.cycle(frames[:-1], heard=False)
        ready.cycle(frames[-1:], heard=False)
        ready.command(5.0, 100, heard=False)  # before it hears that the other end has left
        assert not ready.in_torque_mode
        ready.command(5.0, 100)
        assert abs(ready.applied_nm) <= ready.step_nm
        assert not ready.in_torque_mode
        assert ready.command(5.0).torque_nm == 0.0
