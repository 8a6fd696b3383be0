"""SAFE in the middle of a walk: torque gone within lease and ramp, cleared as an operator would, engaged anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_runtime.record.reader import Record, load
from edge_runtime.rt import loop
from edge_runtime.run import Clock, View, execute
from firmware_bridge.table import STATES, TABLE
from tests.e2e.test_virtual import plan_for

pytestmark = [pytest.mark.e2e, pytest.mark.assets]
STALL_AT_NS = 3_000_000_000


@pytest.fixture(scope="module")
def record(assets: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Two passes in lock-step; at 3 s the host loop sends nothing for 40 ms, as if its core had been taken."""
    real = loop.run_lockstep

    def stalled(torque, rig, control, intent, feedback, rows, first_ns, count):  # type: ignore[no-untyped-def]
        fd = int(torque.config[0]["bus_fd"])
        if STALL_AT_NS <= first_ns < STALL_AT_NS + 40_000_000:
            torque.config[0]["bus_fd"] = -1
        done = real(torque, rig, control, intent, feedback, rows, first_ns, count)
        torque.config[0]["bus_fd"] = fd
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edge_runtime.lockstep_run.run_lockstep", stalled)
        out = execute(plan_for(assets["demo_clip"], tmp_path_factory.mktemp("safe"), 2), Clock.VIRTUAL, View.NONE)
    return load(out.folder)


def test_the_lease_ends_it_and_the_drive_lets_go(record: Record) -> None:
    cycles = record.cycles
    safe = cycles["governor_state"] == STATES["SAFE"]
    assert "lease" in {event.code for event in record.events}
    begin = cycles["t_ns"][safe][0]
    gone = (cycles["t_ns"] > begin + (TABLE.safe.ramp_ms + 10) * 1e6) & safe
    speed = np.maximum(np.abs(cycles["velocity_radps_r"]), np.abs(cycles["velocity_radps_l"]))
    allowed = 0.3 + TABLE.safe.damping_nm_s_per_rad * speed[gone]
    for side in "rl":
        assert (np.abs(cycles[f"measured_nm_{side}"][gone]) <= allowed).all()


def test_it_is_cleared_and_engages_from_nothing(record: Record) -> None:
    cycles = record.cycles
    state, t_s = cycles["governor_state"], cycles["t_ns"] * 1e-9
    safe = np.flatnonzero(state == STATES["SAFE"])
    assert 1.0 < t_s[safe[-1]] - t_s[safe[0]] < 3.0
    engaged_ns = np.flatnonzero((state == STATES["ENGAGED"]) & (np.arange(state.size) > safe[-1]))
    first = t_s[engaged_ns[0]]
    early = (t_s >= first) & (t_s < first + 0.1)
    assert np.abs(cycles["desired_nm_l"][early]).max() < 3.0
    assert {"cleared", "firmware_safe"} <= {event.code for event in record.events}
