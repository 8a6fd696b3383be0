"""Engine faults in the whole chain: the frame has no torque and says why, and the chain recovers by itself."""

from __future__ import annotations

import numpy as np
import pytest

from edge_runtime.biomech.occlusion import OcclusionFill
from edge_runtime.body import body_of
from edge_runtime.doubt import NO_DOUBT
from edge_runtime.estimate_row import REASONS
from edge_runtime.estimator import Estimator, Timing
from edge_runtime.types import F64, U8
from engines.backends.base import Runner
from engines.backends.faults import EngineFaultError
from engines.backends.guarded import GuardedRunner
from engines.backends.ort_cpu import OrtCpuRunner
from engines.beside import Inline
from engines.grf import GrfEngine
from engines.grf.weights import ZOO_PATH
from engines.inpaint import Fill
from engines.plans import live_engines
from engines.pose.head import Geometry, PoseHead
from engines.pose.head.engine import ZOO_PATH as HEAD_PATH
from firmware_bridge.table import TABLE
from tests.engines.faulty import FaultyRunner
from tests.engines.test_guarded import OF_FAULT
from tests.test_estimator import BUDGET_NS, DEMO, FRAME_NS, PROFILE, Chain, Clock, FakeGrf, FakePose, NoFill, Result

GRF_BUDGET_MS = live_engines()["grf_gait"].latency_budget_ms
HEAD_BUDGET_MS = live_engines()["pose_head"].latency_budget_ms


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


class PoseInView(FakePose):
    """The standing person with all that the pose head reads."""

    def step(self, rgb: U8, t_capture_ns: int) -> Result:
        found = super().step(rgb, t_capture_ns)
        assert found.xy_px is not None
        found.sharpness, found.size_px = np.full(33, 0.8), (640, 480)
        found.world_m = np.column_stack([(found.xy_px - found.xy_px[23]) / 220.0, np.tile([0.1, -0.1, 0.0], 11)])
        return found


class RealHead(Chain):
    """The chain with the real pose head behind a watched runner that can be made to fail."""

    def __init__(self) -> None:
        self.pose, self.grf, self.clock = PoseInView(), FakeGrf(), Clock()
        self.net = FaultyRunner(OrtCpuRunner(HEAD_PATH), self.dawdle)
        self.guarded = GuardedRunner(
            "pose_head", (self.net, None), lambda: OrtCpuRunner(HEAD_PATH), HEAD_BUDGET_MS, Inline, self.clock
        )
        self.guarded.warm()
        head = PoseHead(Geometry(), None, lambda _: self.guarded)
        timing = Timing(16_600_000, FRAME_NS, BUDGET_NS)
        legs, body = OcclusionFill(NoFill(), Inline), body_of(PROFILE, DEMO)
        self.estimator = Estimator(self.pose, self.grf, legs, body, PROFILE, TABLE.host, timing, self.clock, head)
        self.estimator.warm()
        self.guarded.watch_time()
        self.k, self.interface = 0, NO_DOUBT

    def dawdle(self) -> None:
        self.clock.now_ns += round(11 * HEAD_BUDGET_MS * 1e6)

    def until_valid(self) -> list[str]:
        """Reasons of the frames before the next valid one."""
        reasons: list[str] = []
        while not (row := self.step())["valid"]:
            reasons.append(REASONS[int(row["reason"])])
            assert self.intent["valid"] == 0 and not self.intent["torque_nm"].any()
            assert len(reasons) < 60
        return reasons

    @property
    def memory(self) -> F64:
        return self.guarded.inputs["state"].astype(np.float64)


@pytest.mark.parametrize("fault", [*OF_FAULT, "slow"])
def test_a_fault_of_the_pose_head_costs_its_frame_and_its_memory_starts_afresh(fault: str) -> None:
    chain = RealHead()
    from_nothing = chain.until_valid()
    fresh = chain.memory.copy()
    chain.step(30)
    assert np.abs(chain.memory - fresh).max() > 0.01  # it has gone on remembering
    reason = OF_FAULT.get(fault, "engine_slow")
    chain.net.fault = fault
    row = chain.step()
    assert (row["valid"], REASONS[int(row["reason"])]) == (0.0, reason)
    assert chain.intent["valid"] == 0 and not chain.intent["torque_nm"].any()
    assert not chain.memory.any()
    chain.net.fault = ""
    reasons = chain.until_valid()
    assert set(from_nothing) == {"settling"} and reasons[-len(from_nothing) :] == from_nothing
    assert set(reasons[: -len(from_nothing)]) <= {"engine_lost"}  # while it is opened again
    np.testing.assert_allclose(chain.memory, fresh, atol=1e-6)


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
