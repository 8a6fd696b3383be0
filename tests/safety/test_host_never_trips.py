"""Two guards, one table: whatever the estimator asks, the host's setpoints never make the governor trip.

The real cycle of the torque loop against the real compiled governor, over a socket pair, on one virtual clock. Intents
jump at random, come late or not at all; cycles come early and late; the wearer's knees move at random.
"""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.safety.pair import Pair


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
