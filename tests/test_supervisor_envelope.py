"""A device whose timing was not accepted: never armed on hardware, told why once, and free in simulation."""

from __future__ import annotations

import pytest

from edge_runtime import shared
from edge_runtime.envelope import Refusal
from edge_runtime.states import State
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
