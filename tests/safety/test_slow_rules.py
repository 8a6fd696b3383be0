"""The rules that look back over seconds, real loop against real governor: the host lets go first, always."""

from __future__ import annotations

import dataclasses
import socket
from pathlib import Path

import pytest

from calibration.profile import Assist
from edge_runtime.telemetry import CYCLE_FIELDS
from firmware_bridge.codegen import joint_integers
from firmware_bridge.table import JOINTS, LIMITER_REASONS, TABLE
from tests.safety.pair import PROFILE, Pair

Sockets = tuple[socket.socket, socket.socket]
STRONG = dataclasses.replace(PROFILE, assist=Assist(share=0.5, ceiling_nm=20.0))
LIMIT = joint_integers(TABLE.joints[JOINTS[0]])
HOST = TABLE.host_limits(JOINTS[0])
LIMITER = CYCLE_FIELDS.index("limiter_r")


def pair(library: Path, sockets: Sockets, seed: int) -> Pair:
    """Armed, with a profile that allows all the table does; both knees get one level of torque for ever."""
    made = Pair(library, sockets, seed, STRONG)
    made.rate_hz = (0.3, 0.35)  # a leg that bends and stretches slowly, for longer than any phase of gait
    made.middle_cdeg, made.swing_cdeg = 5250, 5000
    made.arm()
    made.level_nm[:] = 40.0
    return made


def run(made: Pair, seconds: float, late: bool) -> set[str]:
    """Cycles with a steady request; returns the reasons that the right joint's limiter told. Ends at a trip."""
    told = set()
    for _ in range(round(seconds * 1e3)):
        made.ask()
        jitter = int(made.rng.choice([-80, 0, 300, 2_000, 11_000], p=[0.1, 0.8, 0.07, 0.02, 0.01]))
        made.step(1_000 + jitter * late)
        told.add(LIMITER_REASONS[int(made.torque.row[LIMITER])])
        if made.governor.state == "SAFE":
            return told
    return told


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("late", [False, True])
def test_the_host_lets_an_opposing_wearer_go(library: Path, sockets: Sockets, seed: int, late: bool) -> None:
    made = pair(library, sockets, seed)
    assert "opposing" in run(made, 8.0, late)
    assert made.governor.state != "SAFE", made.governor.reason


@pytest.mark.parametrize("late", [False, True])
def test_the_host_cools_the_drive_in_time(library: Path, sockets: Sockets, late: bool) -> None:
    made = pair(library, sockets, 1)
    made.swing_cdeg = 100
    assert "i2t" in run(made, 45.0, late)
    assert made.governor.state != "SAFE", made.governor.reason
    assert max(map(abs, made.governor.torque)) <= HOST.i2t_nm * 100.0 + 1.0
    assert made.torque.limiter[0]["heat_nm2"] > 0.97 * HOST.i2t_nm**2


def test_full_torque_is_gone_before_a_fast_leg_past_its_stop_trips(library: Path, sockets: Sockets) -> None:
    made = pair(library, sockets, 1032)
    made.swing_cdeg, made.middle_cdeg, made.rate_hz = 7500, 5250, (1.2, 1.1)
    assert "soft_stop" in run(made, 8.0, late=True)
    assert made.governor.state != "SAFE", made.governor.reason


def test_an_opposing_host_is_caught(library: Path, sockets: Sockets) -> None:
    made = pair(library, sockets, 1)
    made.torque.limits["opposing_ns"] *= 3
    run(made, 8.0, late=False)
    assert (made.governor.state, made.governor.reason) == ("SAFE", "opposing")


def test_a_host_that_overheats_the_drive_is_caught(library: Path, sockets: Sockets) -> None:
    made = pair(library, sockets, 1)
    made.swing_cdeg = 100
    made.torque.limits["i2t_nm"] *= 1.2
    run(made, 60.0, late=False)
    assert (made.governor.state, made.governor.reason) == ("SAFE", "i2t")
