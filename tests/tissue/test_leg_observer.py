"""Observer of one leg on finite elements: follows its own leg, counts energy, falls back, recovers, repeats exactly."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edge_runtime.tissue.both_legs import LegPair
from edge_runtime.tissue.geometry import SEGMENTS, Mesh, Phantom, phantom_for
from edge_runtime.tissue.observer import LegObserver, Measured, Seen, smallest_volume_ratio
from edge_runtime.tissue.observer_trial import FRAME_S, FullPlant, Walk, measure, observe
from edge_runtime.tissue.reduced_pace import Reduced
from edge_runtime.tissue.springs import hinge_stiffness, phantom_of, spring_interface
from edge_runtime.tissue.static import CuffStatics
from edge_runtime.tissue.strides import StrideEnergy

SMALL = Mesh(1, 8, 5)
QUIET = Walk(strides=5, torque_nm=5.0, noise_rad=0.0, bias_rad=0.0, delay_s=0.0)


@cache
def leg() -> Phantom:
    return phantom_for(1.75, 75.0, SMALL)


@cache
def springs() -> npt.NDArray[Any]:
    return spring_interface(leg())


def observer() -> LegObserver:
    return LegObserver(leg(), springs(), FRAME_S)


@cache
def walk() -> list[Seen]:
    return observe(observer(), measure(QUIET, FullPlant(leg(), 1)))


def test_the_model_bends_as_its_own_leg_does() -> None:
    truth = [measured.hinge_rad - measured.knee_rad for measured in measure(QUIET, FullPlant(leg(), 1))][:-1]
    model = [seen.hinge_rad - seen.knee_rad for seen in walk()][1:]
    wrong = np.array(model[60:]) - np.array(truth[60:])
    assert np.sqrt(np.mean(wrong**2)) < 0.1 * np.sqrt(np.mean(np.square(truth[60:])))
    assert all(seen.full and seen.min_det_f > 0.5 for seen in walk())


def test_a_stride_loses_energy_and_less_than_it_is_given() -> None:
    last = walk()[-1]
    assert 0.0 < last.loss_j < last.given_j


def test_the_same_frames_give_the_same_answers() -> None:
    again = observe(observer(), measure(QUIET, FullPlant(leg(), 1)))
    for one, other in zip(walk(), again, strict=True):
        assert (one.hinge_rad == other.hinge_rad and one.judgement == other.judgement) or math.isnan(one.judgement.gain)
        for name in SEGMENTS:
            assert (one.pressure[name].patch_pa == other.pressure[name].patch_pa).all()


def test_pressure_of_rest_is_that_of_prestrain() -> None:
    pressed = replace(leg(), thigh_cuff=replace(leg().thigh_cuff, prestrain=0.05))
    seeing = LegObserver(pressed, springs(), FRAME_S)
    for _ in range(60):
        seen = seeing.step(Measured(0.0, 0.0, 0.0))
    assert seen is not None
    statics = CuffStatics(pressed, "thigh")
    rest = seeing.maps["thigh"].at(statics.solve(np.zeros(3)).points_m)
    assert seen.pressure["thigh"].p95_pa == pytest.approx(rest.p95_pa, rel=0.02)
    assert seen.pressure["shank"].p95_pa == pytest.approx(0.0, abs=0.1 * rest.p95_pa)


def test_crushed_tissue_falls_back_to_the_reduced_model_and_comes_back() -> None:
    soft = replace(leg(), material=replace(leg().material, young_pa=10e3))
    seeing = LegObserver(soft, springs(), FRAME_S)
    torque = [0.0] * 5 + [60.0] * 30 + [0.0] * 90
    seen = [seeing.step(Measured(0.2, 0.2, nm)) for nm in torque]
    crushed = [one for one in seen if one is not None and not one.full]
    assert crushed and crushed[0].min_det_f < 0.5
    assert all(one.hinge_rad == one.reduced_rad for one in crushed)
    assert seen[-1] is not None and seen[-1].full


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_bad_number_is_passed_over(bad: float) -> None:
    seeing = observer()
    for place in range(3):
        values = [0.1, 0.1, 1.0]
        values[place] = bad
        assert seeing.step(Measured(*values)) is None
    seen = seeing.step(Measured(0.1, 0.1, 1.0))
    assert seen is not None and math.isfinite(seen.knee_nm)


def test_after_a_gap_the_model_catches_up_without_harm() -> None:
    seeing = observer()
    for angle in (0.0, 1.2, 1.2, 1.2, 1.2, 1.2, 1.2, 1.2, 1.2, 1.2, 1.2, 1.2):
        seen = seeing.step(Measured(angle, angle, 0.0))
    assert seen is not None and seen.full and abs(seen.hinge_rad - 1.2) < 0.1


def test_every_second_frame_left_out_still_gives_the_same_leg() -> None:
    frames = list(measure(QUIET, FullPlant(leg(), 1)))
    seeing = observer()
    seen = [seeing.step(measured, 2) for measured in frames[::2]]
    whole = [walk()[max(2 * i - 1, 0)] for i in range(len(seen))]  # a step tells of the instant where it begins
    later = range(60, len(seen))
    assert all(one is not None and one.settled for one in seen[60:])
    wrong = [seen[i].knee_rad - whole[i].knee_rad for i in later]  # type: ignore[union-attr]
    assert np.abs(wrong).max() < math.radians(5.0)
    bend = np.array([(seen[i].hinge_rad - seen[i].knee_rad, whole[i].hinge_rad - whole[i].knee_rad) for i in later])  # type: ignore[union-attr]
    assert np.sqrt(np.mean((bend[:, 0] - bend[:, 1]) ** 2)) < 0.5 * np.sqrt(np.mean(bend[:, 1] ** 2))


def test_after_a_long_gap_nothing_is_said_until_the_model_has_settled() -> None:
    seeing = observer()
    for _ in range(40):
        seen = seeing.step(Measured(0.2, 0.2, 1.0))
    assert seen is not None and seen.settled
    after = [seeing.step(Measured(0.2, 0.2, 1.0), frames) for frames in (7, *(1,) * 30)]
    settled = [one is not None and one.settled for one in after]
    assert not any(settled[:18]) and settled[-1]


def test_warming_leaves_no_trace() -> None:
    warmed, fresh = observer(), observer()
    warmed.warm()
    for angle in (0.0, 0.1, 0.2, 0.3):
        one, other = warmed.step(Measured(angle, angle, 2.0)), fresh.step(Measured(angle, angle, 2.0))
        assert one is not None and other is not None
        assert (one.hinge_rad, one.knee_nm, one.settled) == (other.hinge_rad, other.knee_nm, other.settled)
        assert math.isnan(one.judgement.gain)


def test_two_legs_at_once_are_two_legs_alone() -> None:
    pair, alone = LegPair(observer(), observer()), observer()
    for k in range(20):
        right, left = Measured(0.02 * k, 0.02 * k, 1.0), Measured(0.01 * k, 0.01 * k, -1.0)
        one, _ = pair.step(right, left, 1)
        other = alone.step(right)
        assert one is not None and other is not None and one.hinge_rad == other.hinge_rad


def test_compiled_volume_ratio_is_numpy_s() -> None:
    statics = CuffStatics(leg(), "thigh")
    points = statics.solve(np.array([0.01, 0.0, 0.05])).points_m
    tets = statics.tets
    found = smallest_volume_ratio(points, tets.tets, np.ascontiguousarray(tets.gradients))
    assert found == pytest.approx(tets.det_f(points).min(), rel=1e-12)


def test_reduced_model_rests_where_the_stiffness_says() -> None:
    model = Reduced(springs(), FRAME_S)
    for _ in range(200):
        found = model.step(2.0, 0.0)
    assert found.hinge_rad == pytest.approx(2.0 / hinge_stiffness(springs()), rel=0.02)
    assert found.knee_nm == pytest.approx(2.0, rel=0.02)


def test_a_profile_s_stiffness_sets_the_modulus() -> None:
    phantom = phantom_of(1.75, 75.0, 100.0)
    assert hinge_stiffness(spring_interface(phantom)) == pytest.approx(100.0, rel=0.01)


def test_stride_energy_of_a_plain_damper() -> None:
    """A knee at rest in its cuffs' middle: all that goes in at the hinge is lost; a spring would give it back."""
    energy, frame_s = StrideEnergy(), 0.01
    turn = 2.0 * math.pi * frame_s
    for k in range(600):
        torque = 3.0 * 0.02 * 2.0 * math.pi * math.cos(k * turn)
        found = energy.step(torque, 0.02 * math.sin(k * turn), 0.0, 0.5 - 0.5 * math.cos(k * turn), frame_s)
    assert found.loss_j == pytest.approx(3.0 * (0.02 * 2.0 * math.pi) ** 2 / 2.0, rel=0.01)
