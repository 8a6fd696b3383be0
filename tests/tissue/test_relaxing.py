"""Relaxing elements, the reference for the arms: they relax to the elastic load, and lose no more than they may."""

from __future__ import annotations

import numpy as np
import pytest

from edge_runtime.tissue import bench_reduced
from edge_runtime.tissue.geometry import Mesh, phantom_for
from edge_runtime.tissue.identify import Plan, about, identify
from edge_runtime.tissue.pose_store import PoseStore
from edge_runtime.tissue.prony import Arms, storage_and_loss
from edge_runtime.tissue.relaxing import RelaxingTets
from edge_runtime.tissue.static import CuffStatics

LEG = phantom_for(1.75, 72.0, Mesh(1, 6, 3))
ARMS = Arms((0.3, 0.2, 0.1), (0.02, 0.3, 2.0))


def relaxing(arms: Arms) -> tuple[CuffStatics, RelaxingTets]:
    statics = CuffStatics(LEG, "shank")
    tets = RelaxingTets(statics.tets, arms)
    statics.tets = tets
    return statics, tets


def test_a_held_cuff_relaxes_by_its_arms_to_the_elastic_load() -> None:
    statics, tets = relaxing(ARMS)
    pose = np.array([0.001, -0.004, 0.05])
    loads = []
    for _ in range(200):
        tets.begin(0.05)
        found = statics.solve(pose)
        tets.end(found.points_m)
        loads.append(found.load)
    elastic = CuffStatics(LEG, "shank").solve(pose).load
    assert loads[-1] == pytest.approx(elastic * (1.0 + 0.1 * 0.05 / 2.0), rel=0.01)
    first = 1.0 + sum(g * tau / 0.05 * (1.0 - np.exp(-0.05 / tau)) for g, tau in zip(*ARMS, strict=True))
    assert loads[0] == pytest.approx(first * elastic, rel=1e-6)


def test_the_reduced_model_loses_what_the_relaxing_elements_lose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_reduced, "_FREQUENCIES_HZ", (1.0, 4.0))
    monkeypatch.setattr(bench_reduced, "_SWING_NM", 4.0)
    monkeypatch.setattr(bench_reduced, "_REFERENCE_STEPS", 24)
    plan = Plan(LEG, poses=60)
    with PoseStore(None, about(plan)) as store:
        tissue = identify(plan, store, lambda items, total, what: iter(items), "test")
    found = bench_reduced.dissipation(LEG, tissue)
    assert found["worst_pct"] < 10.0
    assert found["kelvin_voigt_error_pct"][1] > 100.0  # one Kelvin-Voigt time cannot do both


def test_a_small_cycle_loses_what_the_loss_modulus_says() -> None:
    statics, tets = relaxing(ARMS)
    count, frequency_hz, turn = 64, 1.0, 0.01
    phase = 2.0 * np.pi * np.arange(1, 3 * count + 1) / count
    moment = []
    for value in turn * np.sin(phase):
        tets.begin(1.0 / frequency_hz / count)
        found = statics.solve(np.array([0.0, 0.0, value]))
        tets.end(found.points_m)
        moment.append(found.load[2])
    last, way = np.array(moment)[-count - 1 :], turn * np.sin(phase)[-count - 1 :]
    lost = np.sum(0.5 * (last[1:] + last[:-1]) * np.diff(way))
    stiffness = CuffStatics(LEG, "shank").stiffness()[2, 2]
    _, loss = storage_and_loss(ARMS, np.array([frequency_hz]))
    assert lost == pytest.approx(np.pi * turn**2 * stiffness * loss[0], rel=0.01)
