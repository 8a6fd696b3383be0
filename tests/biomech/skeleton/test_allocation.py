"""A frame of a compiled model allocates nothing: inside compiled code nothing, on the Python side no array."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numba import njit
from numba.core.runtime import _nrt_python as nrt
from numba.core.runtime import rtsys

from edge_runtime.biomech.dual_newton import MAX_ITERATIONS, new_work, solve_dual_in
from edge_runtime.biomech.muscle_solve import activation_reach
from edge_runtime.biomech.skeleton.contact import new_knees
from edge_runtime.biomech.skeleton.frame import after_solve, before_solve, fill_tension, new_buffers
from edge_runtime.biomech.skeleton.loads import Push
from edge_runtime.biomech.skeleton.person import MIN_ACTIVATION, Person
from edge_runtime.types import COORDINATES as LIVE
from edge_runtime.types import F64, Grf, Kinematics
from tests.biomech.skeleton.handmade import COORDINATES, HIP_M, SHANK_M, THIGH_M, handmade

DT_S = 1.0 / 60.0
WEIGHT_N = 400.0
FOOT_Y = -(THIGH_M + SHANK_M)


@pytest.fixture
def counted() -> Iterator[None]:
    """Numba counts what compiled code allocates."""
    nrt.memsys_enable_stats()
    yield
    nrt.memsys_disable_stats()


@njit
def frames(
    count: int, s: Any, legs: Any, solved: Any, outside: Push, b: Any, knees: Any, work: Any, bounds: F64, ease: F64,
    dual: F64, activation: F64,
) -> float:  # fmt: skip
    """`count` whole frames with bounds of muscle dynamics, as `Person.frame` strings them together."""
    worst = 0.0
    for _ in range(count):
        before_solve(s, legs, solved, outside, 1.0, b)
        activation_reach(activation, DT_S, bounds[0], bounds[1], bounds[2])
        one, low, high = bounds[3], bounds[1], bounds[2]
        worst = solve_dual_in(work, b.gain, b.target, one, low, high, ease, 2, MAX_ITERATIONS, dual, activation)[1]
        fill_tension(activation, 1.0, b)
        after_solve(s, legs, (0.02, 0.02, 0.0), 60.0, outside.exo_nm, b, knees)
    return worst


def outside() -> Push:
    force, point = np.zeros((2, 3)), np.zeros((2, 3))
    force[0, 1], point[0] = WEIGHT_N, (-0.05, FOOT_Y, HIP_M)
    return Push(force, point, np.zeros((2, 3)), np.zeros(2))


@pytest.mark.usefixtures("counted")
def test_compiled_frames_allocate_nothing() -> None:
    person = Person(handmade(), 1.7)
    s, legs, solved = person.skeleton, person._legs, person._solved
    n, m = len(person.names.muscles), len(person.solved)
    bounds, activation = np.ones((4, n)), np.full(n, MIN_ACTIVATION)
    bounds[0] = MIN_ACTIVATION
    arguments = (
        s, legs, solved, outside(), new_buffers(s, m), new_knees(), new_work(n, m), bounds, np.ones(m), np.zeros(m),
        activation,
    )  # fmt: skip
    frames(1, *arguments)
    made = []
    for count in (1, 200):
        before = rtsys.get_allocation_stats().alloc
        assert frames(count, *arguments) < 1e-6
        made.append(rtsys.get_allocation_stats().alloc - before)
    assert made[0] == made[1]  # what handing the arrays over costs, once per call; nothing per frame


def moving() -> Kinematics:
    q, zero = np.zeros(len(LIVE)), np.zeros(len(LIVE))
    q[LIVE.index("pelvis_ty")] = -FOOT_Y
    return Kinematics(0, True, "", q, zero, zero, zero, np.ones(len(LIVE), np.bool_))


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize("way", ["frame", "live"])
def test_a_frame_keeps_its_arrays(way: str) -> None:
    person, rest, push = Person(handmade(), 1.7), np.zeros(len(COORDINATES)), outside()
    kin, exo = moving(), np.zeros(2)
    grf = Grf(0, True, "", push.force_n, np.zeros((2, 3)), np.ones(2), np.zeros((2, 3)))

    def step() -> None:
        if way == "frame":
            person.frame(rest, rest, rest, push, DT_S)
            return
        person.place_live(kin, grf, exo)
        person.balance(DT_S)
        person.contact()

    for _ in range(5):
        step()
    alive = rtsys.get_allocation_stats().alloc - rtsys.get_allocation_stats().free
    tracemalloc.start()
    try:
        kept = [id(values) for values in (*person.contact().knees, person.contact().activation)]
        for _ in range(50):
            step()
        arrays = tracemalloc.take_snapshot().filter_traces([tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)])
    finally:
        tracemalloc.stop()
    assert not arrays.traces
    assert [id(values) for values in (*person.contact().knees, person.contact().activation)] == kept
    assert rtsys.get_allocation_stats().alloc == rtsys.get_allocation_stats().free + alive
