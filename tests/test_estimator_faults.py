"""Engine faults in the whole chain: the frame has no torque and says why, and the chain recovers by itself."""

from __future__ import annotations

import numpy as np
import pytest

from edge_runtime.biomech.occlusion import OcclusionFill
from edge_runtime.body import body_of
from edge_runtime.doubt import NO_DOUBT
from edge_runtime.estimator import REASONS, Estimator, Timing
from edge_runtime.types import F64
from engines.backends.base import Runner
from engines.backends.faults import EngineFaultError
from engines.backends.guarded import GuardedRunner
from engines.backends.ort_cpu import OrtCpuRunner
from engines.beside import Inline
from engines.grf import GrfEngine
from engines.grf.weights import ZOO_PATH
from engines.inpaint import Fill
from firmware_bridge.table import TABLE
from tests.engines.faulty import FaultyRunner
from tests.engines.test_guarded import OF_FAULT
from tests.test_estimator import BUDGET_NS, DEMO, FRAME_NS, PROFILE, Chain, Clock, FakePose, NoFill

GRF_BUDGET_MS = 2.0


class RealGrf(Chain):
    """The chain with the real ground reaction network behind a watched runner that can be made to fail."""

    def __init__(self) -> None:
        self.pose, self.clock = FakePose(), Clock()
        self.net = FaultyRunner(OrtCpuRunner(ZOO_PATH), self.dawdle)
        self.guarded = GuardedRunner(
            "grf_gait", (self.net, None), self.reopen, GRF_BUDGET_MS, Inline, lambda: self.clock.now_ns
        )
        self.guarded.warm()
        grf = GrfEngine(None, lambda _: self.guarded)
        timing = Timing(16_600_000, FRAME_NS, BUDGET_NS)
        legs = OcclusionFill(NoFill(), Inline)
        body = body_of(PROFILE, DEMO)
        self.estimator = Estimator(self.pose, grf, legs, body, PROFILE, TABLE.host, timing, self.clock)
        self.estimator.warm()
        self.guarded.watch_time()
        self.k, self.interface = 0, NO_DOUBT

    def reopen(self) -> Runner:
        return OrtCpuRunner(ZOO_PATH)

    def dawdle(self) -> None:
        self.clock.now_ns += round(11 * GRF_BUDGET_MS * 1e6)


@pytest.mark.parametrize("fault", [*OF_FAULT, "slow"])
def test_a_fault_of_the_ground_reaction_engine_costs_its_frame_and_no_more_than_its_reopening(fault: str) -> None:
    chain = RealGrf()
    assert chain.step(30)["valid"] == 1.0
    chain.net.fault = fault
    row = chain.step()
    assert (row["valid"], REASONS[int(row["reason"])]) == (0.0, OF_FAULT.get(fault, "engine_slow"))
    assert chain.intent["valid"] == 0 and not chain.intent["torque_nm"].any()
    chain.net.fault = ""
    assert chain.step(40)["valid"] == 1.0  # half a second to open it again; a slow one goes on at once
    assert np.isfinite(chain.intent["torque_nm"]).all()


class BrokenFill(NoFill):
    """An inpainter whose engine fails."""

    def fill(self, t_s: F64, q: F64) -> Fill:
        raise EngineFaultError("inpaint_gait", "engine_lost", "gone")


def test_a_broken_inpainter_costs_frames_only_where_a_leg_is_hidden() -> None:
    chain = Chain()
    assert chain.step(30)["valid"] == 1.0
    chain.estimator._legs = OcclusionFill(BrokenFill(), Inline)
    assert chain.step(5)["valid"] == 1.0
    seen = chain.pose.step

    def half_hidden(rgb: np.ndarray, t_ns: int) -> object:
        found = seen(rgb, t_ns)
        assert found.visibility is not None
        found.visibility[[24, 26, 28, 30, 32]] = 0.0
        return found

    chain.pose.step = half_hidden  # type: ignore[method-assign, assignment]
    row = chain.step(3)
    assert (row["valid"], REASONS[int(row["reason"])]) == (0.0, "engine_lost")
    assert chain.intent["valid"] == 0
