"""The simulated wearer of a clip: a smooth path without end, followed by the rig without lag."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest

from edge_runtime import shared
from edge_runtime.rt import rig as rigs
from edge_runtime.rt.rig import WEARER, exchange, new_rig
from edge_runtime.rt.torque import new_torque
from edge_runtime.simulated_wearer import read_wearer, smooth_path
from edge_runtime.types import F64
from firmware_bridge.table import STATES, TABLE
from tests.rt.test_cycle import DEVICE, PROFILE

MS = 1_000_000
PERIOD_S = 1.0 / 30.0


def knees(frames: int) -> F64:
    t = np.arange(frames) * PERIOD_S
    return np.stack([0.5 + 0.45 * np.sin(2 * np.pi * 0.9 * t), 0.5 + 0.45 * np.cos(2 * np.pi * 0.9 * t)], axis=1)


def test_a_path_is_the_motion_and_comes_round_without_a_jump() -> None:
    seen = knees(100)
    seen[:12] = np.nan  # searched at first
    path = smooth_path(seen, PERIOD_S)
    assert len(path) == round(100 * PERIOD_S * 1e3)
    at = np.round(np.arange(20, 100) * PERIOD_S * 1e3).astype(int)
    assert np.degrees(np.abs(path[at] - knees(100)[20:]).max()) < 4.0
    twice = np.vstack([path, path])
    assert np.abs(np.diff(twice, axis=0)).max() * 1e3 < 8.0  # rad/s, what the rig can follow
    assert np.abs(np.diff(twice, 2, axis=0)).max() * 1e6 < 200.0


def test_jitter_of_the_picture_is_not_walked() -> None:
    noisy = knees(100) + np.random.default_rng(1).normal(0.0, 0.05, (100, 2))
    rough, smooth = (np.abs(np.diff(smooth_path(k, PERIOD_S), 2, axis=0)).mean() for k in (noisy, knees(100)))
    assert rough < 4.0 * smooth


@pytest.mark.parametrize("count", [1, 2, 9])
def test_a_clip_of_a_few_frames_is_a_path_too(count: int) -> None:
    path = smooth_path(np.full((count, 2), 0.3), PERIOD_S)
    assert path == pytest.approx(np.full((round(count * PERIOD_S * 1e3), 2), 0.3))


def test_nobody_in_the_clip_leaves_no_file(tmp_path: Path) -> None:
    assert read_wearer(tmp_path / "wearer.npz") is None


def test_the_rig_follows_the_path_round_and_round_and_stops_in_safe() -> None:
    path, control = smooth_path(knees(100), PERIOD_S), np.zeros(64, np.int64)
    start_ns, pass_ns = 5_000 * MS, round(100 * PERIOD_S * 1e9)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.setblocking(False)
        torque, rig = new_torque(TABLE, PROFILE, DEVICE, -1), new_rig(ours.fileno(), rigs.Path(path, pass_ns), control)

        def angle(now_ns: int) -> float:
            assert exchange(rig, torque, WEARER, now_ns, 1e-3)
            return float(np.frombuffer(theirs.recv(48), np.float64)[2])

        standing = angle(start_ns - MS)
        control[shared.START_NS] = start_ns
        off = []
        for k in range(7000):  # two passes and more
            off.append(angle(start_ns + k * MS) - path[k * MS % pass_ns * len(path) // pass_ns, 0])
        assert standing == pytest.approx(0.09)
        assert np.degrees(np.abs(off[500:]).max()) < 2.0
        torque.state[0]["governor_state"] = STATES["SAFE"]
        stopped = [angle(start_ns + (7000 + k) * MS) for k in range(400)]
        assert abs(stopped[-1] - stopped[-100]) < 1e-3
