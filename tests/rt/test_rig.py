"""The simulated wearer's reference: smooth, whatever the loop does; a stall must not throw the simulated leg."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import numpy as np
import pytest

from edge_runtime.intent import new_intent
from edge_runtime.rt.rig import WEARER, Rig, exchange, new_rig
from edge_runtime.rt.torque import new_torque
from firmware_bridge.table import TABLE
from tests.rt.test_cycle import DEVICE, PROFILE

MS = 1_000_000
RATE_MAX_RADPS, ACCELERATION_MAX_RADPS2 = 8.0, 120.0


class Wearer:
    """The rig's channel with both ends here; the video's knee swings."""

    def __init__(self, ours: socket.socket, theirs: socket.socket) -> None:
        self.torque = new_torque(TABLE, PROFILE, DEVICE, -1)
        self.rig: Rig = new_rig(ours.fileno())
        self.theirs = theirs
        self.now_ns = 0

    def after(self, gap_ms: float, target_rad: float) -> tuple[float, float]:
        """Angle and velocity of the right knee's reference, `gap_ms` after the last one."""
        intent = new_intent()
        intent[0]["valid"], intent[0]["knee_rad"] = 1, target_rad
        self.torque.intent[:] = intent
        self.now_ns += round(gap_ms * MS)
        assert exchange(self.rig, self.torque, WEARER, self.now_ns, gap_ms * 1e-3)
        words = np.frombuffer(self.theirs.recv(48), np.float64)
        return float(words[2]), float(words[4])


@pytest.fixture
def wearer() -> Iterator[Wearer]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.setblocking(False)
        yield Wearer(ours, theirs)


def test_it_follows_the_video(wearer: Wearer) -> None:
    for _ in range(600):
        angle, rate = wearer.after(1.0, 1.0)
    assert angle == pytest.approx(1.0, abs=1e-3)
    assert rate == pytest.approx(0.0, abs=1e-2)


@pytest.mark.parametrize("stall_ms", [1.5, 9.0, 182.0])
def test_after_a_stall_it_goes_on_where_the_simulated_knee_has_gone(wearer: Wearer, stall_ms: float) -> None:
    for _ in range(100):
        before, rate = wearer.after(1.0, 1.0)
    assert rate > 2.0
    gone = before + rate * stall_ms * 1e-3  # knee_plant.h: it goes on at that velocity until told again
    angle, after = wearer.after(stall_ms, 0.2)
    assert abs(after - rate) <= ACCELERATION_MAX_RADPS2 * 1e-3 + 1e-9
    assert abs(angle - gone) <= ACCELERATION_MAX_RADPS2 * 1e-6 + 1e-9
    for _ in range(1_000):
        last = angle
        angle, _ = wearer.after(1.0, 0.2)
        assert abs(angle - last) <= RATE_MAX_RADPS * 1e-3 + 1e-9
    assert angle == pytest.approx(0.2, abs=0.01)
