"""A device whose timing was not accepted: never armed on hardware, told why once, and free in simulation."""

from __future__ import annotations

import numpy as np
import pytest

from edge_runtime import shared
from edge_runtime.envelope import Refusal
from edge_runtime.estimate_row import REASONS
from edge_runtime.states import State
from edge_runtime.telemetry import ESTIMATE_HEAD
from firmware_bridge.table import MODES
from tests.test_supervisor import World

REFUSAL = Refusal("envelope_missing", "timing of this device was never accepted; run exo-edge accept on this device")


def test_a_refused_device_stays_in_ready_on_hardware() -> None:
    world = World(simulated=False)
    world.supervisor.refuse_arming(REFUSAL)
    assert world.tick(30) is State.READY
    assert world.control[shared.MODE] == MODES["OFF"]
    assert world.codes().count("envelope_missing") == 1
    assert ("error", "envelope_missing", f"not armed: {REFUSAL.text}") in [event[1:] for event in world.events]


@pytest.mark.parametrize(
    ("simulated", "virtual_bus", "refused"), [(True, 0, True), (False, 1, True), (False, 0, False)]
)
def test_everyone_else_arms(simulated: bool, virtual_bus: int, refused: bool) -> None:
    world = World(simulated)
    world.control[shared.BUS_SIMULATED] = virtual_bus
    if refused:
        world.supervisor.refuse_arming(REFUSAL)
    assert world.tick(8) is State.ENGAGED
    assert "envelope_missing" not in world.codes()


def test_every_refusal_is_said_once_and_by_its_own_reason() -> None:
    world = World(simulated=False)
    for name in ("pose_landmark", "grf_gait"):
        world.supervisor.refuse_arming(Refusal("certificate_missing", f"engine {name}: never certified"))
    world.supervisor.refuse_arming(REFUSAL)
    assert world.tick(30) is State.READY
    assert world.codes().count("certificate_missing") == 2
    assert world.codes().count("envelope_missing") == 1
    assert any("grf_gait" in text for *_, text in world.events)


def test_an_engine_fault_is_said_where_it_begins_and_again_only_after_a_second() -> None:
    world = World()
    world.tick(8)
    row = np.zeros(len(ESTIMATE_HEAD))
    row[ESTIMATE_HEAD.index("reason")] = REASONS.index("engine_values")
    for k in (0, 1, 2, 150):
        row[ESTIMATE_HEAD.index("t_capture_ns")] = world.now_ns + k * 16_666_667
        world.supervisor.see_estimate(row)
    assert world.codes().count("engine_values") == 2
    row[ESTIMATE_HEAD.index("reason")] = REASONS.index("engine_lost")
    world.supervisor.see_estimate(row)
    assert world.codes().count("engine_lost") == 1
    row[ESTIMATE_HEAD.index("reason")] = REASONS.index("searching")
    world.supervisor.see_estimate(row)
    assert "searching" not in world.codes()
