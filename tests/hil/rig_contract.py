"""What every rig must do, whatever it is: a mixin for the tests of a rig."""

from __future__ import annotations

import copy
import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from edge_runtime.errors import WORLD_ERRORS
from hil.faults.model import Fault
from hil.rigs.base import JOINTS, Rig, RigSample
from hil.scenario import Scenario, load_scenario, shipped

STEP_NS = 1_000_000
START_NS = 1_000_000_000


def scenario(**changes: object) -> Scenario:
    """A short scenario on a locked knee."""
    path = next(path for path in shipped() if path.stem == "torque_ramp")
    return dataclasses.replace(load_scenario(path), seconds=2.0, **changes)  # type: ignore[arg-type]


def turn(rig: Rig, command_nm: float, steps: int, start_ns: int = START_NS) -> list[RigSample]:
    """Samples, copied, of so many milliseconds with one command."""
    samples = []
    for k in range(steps):
        sample = rig.step(np.full(JOINTS, command_nm), start_ns + k * STEP_NS)
        samples.append(copy.deepcopy(sample))
    return samples


class RigContract:
    """Subclass it as `Test…` and give `make`; `settles_nm` is how close the torque sensor comes to a command."""

    settles_nm = 0.3

    def make(self) -> Rig:
        """A rig that is not open."""
        raise NotImplementedError

    @pytest.fixture
    def rig(self) -> Rig:
        return self.make()

    def test_a_sample_has_both_joints_and_finite_sensors(self, rig: Rig) -> None:
        rig.open(scenario())
        try:
            sample = turn(rig, 0.0, 20)[-1]
        finally:
            rig.close()
        for values in (sample.angle_rad, sample.rate_radps, sample.torque_nm):
            assert values.shape == (JOINTS,) and np.isfinite(values).all()
        assert sample.valid.shape == (JOINTS,) and sample.valid.all() and sample.reason == ""
        assert sample.pressure_pa.shape == (JOINTS,)
        assert rig.name

    def test_torque_follows_the_command_and_goes_with_it(self, rig: Rig) -> None:
        rig.open(scenario())
        try:
            loaded = turn(rig, 4.0, 600)[-1]
            released = turn(rig, 0.0, 600, START_NS + 600 * STEP_NS)[-1]
        finally:
            rig.close()
        assert loaded.torque_nm == pytest.approx(4.0, abs=self.settles_nm)
        assert (loaded.angle_rad > released.angle_rad).all()  # flexion is positive
        assert released.torque_nm == pytest.approx(0.0, abs=self.settles_nm)

    def test_an_unknown_fault_is_one_clear_line(self, rig: Rig) -> None:
        rig.open(scenario())
        try:
            with pytest.raises(WORLD_ERRORS) as raised:
                rig.inject(Fault("rig.no_such_thing", 0.0, 1.0, {}, 0))
        finally:
            rig.close()
        assert "no_such_thing" in str(raised.value) and "\n" not in str(raised.value)

    def test_closing_twice_is_fine_and_it_opens_again(self, rig: Rig) -> None:
        for _ in range(2):
            rig.open(scenario())
            assert math.isfinite(float(turn(rig, 0.0, 2)[-1].angle_rad[0]))
            rig.close()
            rig.close()


def same(a: Path, b: Path) -> bool:
    """Whether two files hold the same bytes."""
    return a.read_bytes() == b.read_bytes()
