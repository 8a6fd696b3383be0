"""The watched runner: every fault is told in its own call, the fallback answers next, the engine comes back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.backends.base import Runner
from engines.backends.faults import REASONS, EngineFaultError
from engines.backends.guarded import REOPENINGS, SLOW_IN_A_ROW, GuardedRunner
from engines.backends.ort_cpu import OrtCpuRunner
from engines.beside import Inline
from engines.errors import EngineError
from tests.engines.backend_contract import RunnerContract
from tests.engines.faulty import FaultyRunner
from tests.engines.test_backend_ort import save_net

BUDGET_MS = 2.0
OF_FAULT = {
    "nan": "engine_values",
    "inf": "engine_values",
    "shape": "engine_shape",
    "missing": "engine_shape",
    "lost": "engine_lost",
}
PAGES = Path(__file__).resolve().parents[2] / "docs" / "reasons"


class World:
    """A watched runner between a net that can be made to fail, its fallback, and a clock."""

    def __init__(self, folder: Path, with_fallback: bool = True) -> None:
        self.now_ns = 0
        self.path = save_net(folder / "net.onnx")
        self.first = FaultyRunner(OrtCpuRunner(self.path), self.dawdle)
        self.fallback = FaultyRunner(OrtCpuRunner(self.path)) if with_fallback else None
        self.reopened: list[FaultyRunner] = []
        self.broken = 0
        pair = (self.first, self.fallback)
        self.guarded = GuardedRunner("net", pair, self.reopen, BUDGET_MS, Inline, lambda: self.now_ns)
        self.guarded.warm()
        self.guarded.watch_time()

    def dawdle(self) -> None:
        self.now_ns += round(10.5 * BUDGET_MS * 1e6)

    def reopen(self) -> Runner:
        if self.broken:
            self.broken -= 1
            raise EngineError("no such device")
        self.reopened.append(FaultyRunner(OrtCpuRunner(self.path), self.dawdle))
        return self.reopened[-1]

    def ask(self, x: float) -> float:
        self.guarded.inputs["x"][:] = x
        return float(self.guarded.infer()["y"][0, 0])

    def reason(self) -> str:
        with pytest.raises(EngineFaultError) as caught:
            self.ask(1.0)
        assert "\n" not in str(caught.value) and "net" in str(caught.value)
        return caught.value.reason


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


class TestGuardedRunner(RunnerContract):
    @pytest.fixture
    def runner(self, tmp_path: Path) -> Runner:
        return World(tmp_path).guarded


@pytest.mark.parametrize("fault", OF_FAULT)
def test_a_fault_is_told_in_its_call_and_the_fallback_answers_the_next(world: World, fault: str) -> None:
    assert world.ask(3.0) == 7.0
    world.first.fault = fault
    assert world.reason() == OF_FAULT[fault]
    assert world.ask(4.0) == 9.0
    assert world.fallback is not None and world.fallback.calls == 1
    assert world.guarded.degraded


def test_the_engine_comes_back_opened_anew_with_the_inputs_that_callers_hold(world: World) -> None:
    inputs = world.guarded.inputs["x"]
    world.first.fault = "lost"
    assert world.reason() == "engine_lost"
    answers = [world.ask(float(k)) for k in range(40)]
    assert answers == [2.0 * k + 1.0 for k in range(40)]
    assert not world.guarded.degraded and world.reopened[0].calls > 0
    assert world.guarded.inputs["x"] is inputs


def test_without_a_fallback_each_call_says_so_until_the_engine_is_back(tmp_path: Path) -> None:
    world = World(tmp_path, with_fallback=False)
    world.first.fault = "nan"
    said: list[str] = []
    while len(said) < 100:
        try:
            assert world.ask(5.0) == 11.0
            break
        except EngineFaultError as fault:
            said.append(fault.reason)
    assert said[0] == "engine_values" and set(said[1:]) == {"engine_lost"}
    assert 20 <= len(said) <= 35


def test_a_device_that_does_not_open_is_tried_again_and_then_left(world: World) -> None:
    world.broken, world.first.fault = 99, "lost"
    assert world.reason() == "engine_lost"
    for k in range(300):
        assert world.ask(float(k)) == 2.0 * k + 1.0
    assert 99 - world.broken == REOPENINGS
    assert world.guarded.degraded


def test_slow_once_is_a_lost_result_slow_again_and_again_a_lost_engine(world: World) -> None:
    world.first.fault = "slow"
    assert [world.reason() for _ in range(SLOW_IN_A_ROW)] == ["engine_slow"] * SLOW_IN_A_ROW
    assert world.guarded.degraded
    assert world.ask(1.0) == 3.0


def test_one_slow_call_does_not_count_with_the_next(world: World) -> None:
    for _ in range(3 * SLOW_IN_A_ROW):
        world.first.fault = "slow"
        assert world.reason() == "engine_slow"
        world.first.fault = ""
        assert world.ask(2.0) == 5.0
    assert not world.guarded.degraded


def test_slowness_of_an_engine_that_nothing_stands_in_for_never_takes_it_away(tmp_path: Path) -> None:
    world = World(tmp_path, with_fallback=False)
    world.first.fault = "slow"
    assert {world.reason() for _ in range(5 * SLOW_IN_A_ROW)} == {"engine_slow"}
    world.first.fault = ""
    assert world.ask(2.0) == 5.0


def test_while_all_starts_an_engine_may_take_its_time(world: World) -> None:
    starting = GuardedRunner("net", (world.first, None), world.reopen, BUDGET_MS, Inline, lambda: world.now_ns)
    starting.warm()
    world.first.fault = "slow"
    assert starting.infer()["y"].shape == (1, 3)


def test_ten_times_the_budget_is_not_yet_slow(world: World) -> None:
    def just_in_time() -> None:
        world.now_ns += round(10.0 * BUDGET_MS * 1e6)

    world.first._dawdle, world.first.fault = just_in_time, "slow"
    assert world.ask(1.0) == 3.0


def test_keeping_warm_runs_only_after_idleness_and_leaves_the_inputs(world: World) -> None:
    world.guarded.inputs["x"][:] = 6.0
    calls = world.first.calls
    world.guarded.keep_warm(999_999_999, 1_000_000_000)
    assert world.first.calls == calls
    world.guarded.keep_warm(1_000_000_000, 1_000_000_000)
    assert world.first.calls == calls + 1
    np.testing.assert_array_equal(world.guarded.inputs["x"], 6.0)


def test_an_engine_that_dies_while_idle_is_opened_again_before_anybody_asks(world: World) -> None:
    world.first.fault = "lost"
    world.guarded.keep_warm(2_000_000_000, 1_000_000_000)
    assert world.ask(4.0) == 9.0
    assert world.guarded.faults["engine_lost"] == 1


def test_closing_closes_all(world: World) -> None:
    world.guarded.close()
    world.guarded.close()
    assert world.first.closed and world.fallback is not None and world.fallback.closed


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_its_page(reason: str) -> None:
    assert f"`{reason}`" in (PAGES / f"{reason}.md").read_text()
