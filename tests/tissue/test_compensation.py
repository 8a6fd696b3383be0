"""Interface compensation: its bounds, what doubt does to it, and legs that are not its model's own."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import calibration
from calibration.profile import load_profile
from edge_runtime.telemetry import COMPENSATION_REASONS
from edge_runtime.tissue.bench_compensation import gait_knee_rad, stiff_spring, tasks
from edge_runtime.tissue.compensation import (
    GAIN_LIMIT,
    OWN_MAX_NM,
    SPRING_MAX_NM_PER_RAD,
    compensate,
    inverse_params,
)
from edge_runtime.tissue.foundation import FoundationLeg, Tissue
from edge_runtime.tissue.geometry import SEGMENTS, Phantom, phantom_for
from edge_runtime.tissue.inverse import INVERSE_STATE
from edge_runtime.tissue.linkage import SHANK
from edge_runtime.tissue.one_spring import STIFF_BIAS, one_spring
from edge_runtime.tissue.static import CuffStatics
from edge_runtime.tissue.trial import Task, fit_stiffness, walk
from edge_runtime.tissue.working import springs_of
from firmware_bridge.table import TABLE
from tests.tissue.rigs import interface

LEG = load_profile(Path(calibration.__file__).with_name("profiles") / "demo.toml").interface_r
DT_S = 1e-3
Array = npt.NDArray[np.float64]


def known(stiffness: float = 1.0, interval: tuple[float, float] = (1.0, 1.0)) -> npt.NDArray[Any]:
    p = interface(size=0.02)
    p["stiffness"] = stiffness
    p["stiffness_low"], p["stiffness_high"] = interval
    p["stiffness_bias"] = 1.1
    p["kelvin_time_s"] = 0.02
    return p


def state() -> npt.NDArray[Any]:
    return np.zeros(1, INVERSE_STATE)


def settled(
    p: npt.NDArray[Any], torque_nm: float, spring: float = 0.0, set_rad: float = 0.0, hinge_rad: float = 0.4
) -> tuple[float, Any]:
    """Command and state with a hinge at rest that the drive holds, after two seconds."""
    s, command = state(), 0.0
    for _ in range(2000):
        command = compensate(p[0], s[0], torque_nm, 0.0, spring, set_rad, hinge_rad, 0.0, command, 1.0, DT_S)
    return command, s[0]


inputs = st.tuples(
    st.floats(-25, 25),
    st.floats(-3, 3),
    st.floats(0, 150),
    st.floats(-1, 3),
    st.floats(-0.5, 2.5),
    st.floats(-20, 20),
    st.floats(-30, 30),
    st.floats(0, 1),
)


@settings(deadline=None, max_examples=40)
@given(st.lists(inputs, min_size=1, max_size=30), st.floats(0.3, 1.0), st.floats(1.0, 8.0))
def test_command_keeps_the_sign_and_never_exceeds_its_bound(
    cycles: list[tuple[float, ...]], low: float, high: float
) -> None:
    p, s = inverse_params(known(interval=(low, high))), state()
    for values in cycles:
        command = compensate(p[0], s[0], *values, DT_S)
        wanted = s[0]["wanted_nm"]
        assert np.isfinite(command)
        own = s[0]["own_nm"]
        assert abs(command - own) <= GAIN_LIMIT * abs(wanted) + 1e-9
        assert (command - own) * wanted >= -1e-9
        assert abs(own) <= values[-1] * OWN_MAX_NM
        assert 0.0 <= s[0]["share"] <= 1.0


@pytest.mark.parametrize("which", range(8))
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_none_gives_none_and_leaves_no_trace(which: int, bad: float) -> None:
    p, s, fresh = inverse_params(known()), state(), state()
    good = [5.0, 0.0, 20.0, 0.5, 0.3, 0.1, 4.0, 1.0]
    for _ in range(50):
        compensate(p[0], s[0], *good, DT_S)
    broken = good.copy()
    broken[which] = bad
    assert np.isnan(compensate(p[0], s[0], *broken, DT_S))
    assert COMPENSATION_REASONS[s[0]["reason"]] == "invalid"
    for _ in range(50):
        assert compensate(p[0], s[0], *good, DT_S) == compensate(p[0], fresh[0], *good, DT_S)


def test_a_negative_spring_is_refused() -> None:
    assert np.isnan(compensate(inverse_params(known())[0], state()[0], 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0, DT_S))


@pytest.mark.parametrize("present", [0.0, 0.5, 1.0])
def test_where_nothing_is_wanted_the_device_is_moved_along_at_most_and_only_where_assistance_is_in_force(
    present: float,
) -> None:
    """Four strides at 0.9 Hz: from the second on the hinge's torque is what its inertia needs, and no more."""
    p, s = inverse_params(one_spring(LEG), LEG.transmission), state()
    turn = 2.0 * np.pi * 0.9 * DT_S
    commands = []
    for i in range(4444):
        hinge, rate = 0.5 - 0.5 * np.cos(turn * i), 0.5 * turn / DT_S * np.sin(turn * i)
        given_nm = LEG.inertia_kgm2 * 0.5 * (turn / DT_S) ** 2 * np.cos(turn * i) + LEG.viscous_nms_per_rad * rate
        given_nm += LEG.coulomb_nm * np.tanh(
            rate / 0.1
        )  # a drive that leaves the tissue unloaded: knee and hinge are one
        commands.append(compensate(p[0], s[0], 0.0, 0.0, 0.0, 0.0, hinge, rate, given_nm, present, DT_S))
    needed = LEG.inertia_kgm2 * 0.5 * (turn / DT_S) ** 2
    assert not np.any(commands[:1000])
    most = float(np.hypot(needed, LEG.viscous_nms_per_rad * 0.5 * turn / DT_S)) + LEG.coulomb_nm
    assert np.max(np.abs(commands)) <= present * most + 1e-9
    assert np.max(np.abs(commands[-1111:])) >= 0.85 * present * needed


def test_what_moves_the_device_itself_stays_below_torque_that_opposes_the_wearer() -> None:
    assert all(TABLE.host_limits(name).opposing_nm > OWN_MAX_NM for name in TABLE.joints)


def test_a_leg_that_stops_in_mid_stride_is_not_pushed_on() -> None:
    p, s, turn = inverse_params(one_spring(LEG)), state(), 2.0 * np.pi * 0.9 * DT_S
    own = []
    for i in range(4444 + 500):
        walks = i < 4444
        hinge = 0.5 - 0.5 * np.cos(turn * min(i, 4444))
        rate = 0.5 * turn / DT_S * np.sin(turn * i) if walks else 0.0
        compensate(p[0], s[0], 0.0, 0.0, 0.0, 0.0, hinge, rate, 0.0, 1.0, DT_S)
        own.append(float(s[0]["own_nm"]))
    assert np.max(np.abs(own[:4444])) > 0.3
    assert np.max(np.abs(own[4444 + 200 :])) < 0.05 * np.max(np.abs(own))


def test_at_rest_the_hinge_plays_the_spring_that_is_softer_at_the_knee() -> None:
    """By hand: knee and hinge with the tissue's stiffness k between them: torque = K (set - hinge + torque / k)."""
    p = inverse_params(one_spring(replace(LEG, stiffness_80deg_nm_per_rad=LEG.stiffness_nm_per_rad)))
    command, s = settled(p, 0.0, spring=40.0, set_rad=0.5, hinge_rad=0.0)
    k = STIFF_BIAS * LEG.stiffness_nm_per_rad
    assert command == pytest.approx(40.0 * 0.5 / (1.0 - 40.0 / k), rel=0.02)
    assert s["wanted_nm"] == pytest.approx(command, rel=1e-6)


def test_transmission_is_made_up_for() -> None:
    command, _ = settled(inverse_params(one_spring(LEG), 0.9), 5.0)
    assert command == pytest.approx(5.0 / 0.9, rel=1e-3)


@given(st.floats(0.02, 50.0), st.floats(0.2, 1.0), st.floats(1.0, 5.0), st.floats(1.0, 2.0))
def test_no_profile_lets_a_spring_swing_up_on_the_tissue_it_admits(
    stiffness: float, low: float, high: float, bias: float
) -> None:
    """K (1/k_model - 1/k_true) < 0.5 at the stiffest spring played, which is the likely stiffness."""
    leg = known(stiffness, (low * stiffness, high * stiffness))
    leg["stiffness_bias"] = bias
    taken = float(inverse_params(leg)["leg"]["stiffness"][0])
    assert all(stiffness * (1.0 / taken - 1.0 / true) <= 1e-9 for true in (low * stiffness, high * stiffness))
    assert stiffness * (1.0 / taken - 1.0 / (1.99 * stiffness)) < 0.5


@settings(deadline=None, max_examples=15)
@given(st.floats(1.0, 9.0), st.floats(1.0, 9.0))
def test_the_wider_the_interval_the_less_a_spring_is_stiffened(a: float, b: float) -> None:
    narrow, wide = sorted((a, b))
    first, second = (
        settled(inverse_params(known(interval=(1 / width, width))), 0.0, 5.0, 0.8)[1]["wanted_nm"]
        for width in (narrow, wide)
    )
    plain = 5.0 * (0.8 - 0.4)
    assert plain - 1e-6 <= second <= first + 1e-6


def test_an_interval_without_end_is_no_compensation() -> None:
    command, s = settled(inverse_params(known(interval=(0.1, 10.0))), 0.0, 5.0, 0.8)
    assert command == pytest.approx(2.0, abs=1e-9) and s["share"] == 0.0
    assert COMPENSATION_REASONS[s["reason"]] == "interval"


def test_outside_the_box_the_wanted_torque_goes_through_as_it_is() -> None:
    p = known()
    p["cuffs"]["reach"] *= 0.05
    command, s = settled(inverse_params(p), 8.0)
    assert command == pytest.approx(8.0, abs=1e-9) and s["share"] == 0.0
    assert COMPENSATION_REASONS[s["reason"]] == "box"


def test_leaving_and_entering_the_box_is_never_a_jump() -> None:
    """A torque that swings through the box's edge: the command follows it as smoothly as it comes."""
    p = known()
    p["cuffs"]["growth"] = 1.0
    p["cuffs"]["reach"] *= 0.25
    inverse, s, commands, shares = inverse_params(p), state(), [0.0], []
    wanted = [8.0 - 6.0 * np.cos(2 * np.pi * 0.7 * i * DT_S) for i in range(4000)]
    for value in wanted:
        commands.append(compensate(inverse[0], s[0], value, 0.0, 0.0, 0.0, 0.4, 0.0, commands[-1], 1.0, DT_S))
        shares.append(float(s[0]["share"]))
    steps = np.abs(np.diff(commands[1:]))
    assert min(shares[1000:]) < 0.5 < max(shares[1000:])
    assert steps.max() < np.abs(np.diff(wanted)).max() + 0.2 + 1e-9  # 200 Nm/s


def test_what_compensation_adds_changes_at_a_limited_rate() -> None:
    inverse, s = inverse_params(known()), state()
    for _ in range(1000):
        compensate(inverse[0], s[0], 10.0, 0.0, 0.0, 0.0, 0.4, 0.0, 10.0, 1.0, DT_S)
    before = float(s[0]["extra_nm"])
    compensate(inverse[0], s[0], 10.0, 0.0, 0.0, 0.0, 0.4, 15.0, 10.0, 1.0, DT_S)
    assert abs(s[0]["extra_nm"] - before) <= 0.2 + 1e-9
    assert COMPENSATION_REASONS[s[0]["reason"]] in ("rate", "box")


def test_a_spring_stiffer_than_the_tissue_bears_is_held_back_and_says_so() -> None:
    p = inverse_params(one_spring(replace(LEG, stiffness_nm_per_rad=100.0, stiffness_80deg_nm_per_rad=100.0)))
    command, s = settled(p, 0.0, 80.0, 0.45)
    assert s["spring_share"] < 1.0 and COMPENSATION_REASONS[s["reason"]] == "spring"
    assert 80.0 * 0.05 < command <= 2.5 * 80.0 * 0.05 + 1e-9
    assert settled(p, 0.0, SPRING_MAX_NM_PER_RAD, 0.45)[0] == settled(p, 0.0, 1e4, 0.45)[0]


@cache
def leg() -> Phantom:
    return phantom_for(1.76, 75.0)


@cache
def springs() -> npt.NDArray[Any]:
    """The phantom's cuffs by their stiffness at rest alone: a model that is wrong about all the rest."""
    p = springs_of(leg(), np.stack([CuffStatics(leg(), name).stiffness() for name in SEGMENTS]))
    p["stiffness_bias"] = 1.1
    p["kelvin_time_s"] = 0.02
    return p


@cache
def neo_hookean(stiffening: float = 0.0, loss: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Tissue:
    return Tissue(60e3, stiffening=stiffening, kelvin_time_s=0.0 if any(loss) else 0.02, arm_share=loss)


def fitted(tissue: Tissue, wrong: float = 1.0, share: float = 0.1) -> npt.NDArray[Any]:
    gives = FoundationLeg(leg(), tissue, 0.0).rest(5.0)
    p = fit_stiffness(springs(), gives)
    p["stiffness"] *= wrong
    p["stiffness_low"], p["stiffness_high"] = (1 - share) * p["stiffness"], (1 + share) * p["stiffness"]
    return inverse_params(p)


def errors(tissue: Tissue, task: Task, inverse: npt.NDArray[Any]) -> tuple[float, float]:
    """Percent off and on, over the second half."""
    start, last = float(task.knee_rad[0]), slice(len(task.knee_rad) // 2, None)
    off, on = (walk(FoundationLeg(leg(), tissue, start), task, model).over(last).rmse_pct for model in (None, inverse))
    return off, on


def test_a_spring_reaches_a_knee_of_other_tissue_in_gait() -> None:
    off, on = errors(neo_hookean(), tasks()["spring"], fitted(neo_hookean()))
    assert off > 30.0
    assert on < off / 4.0


def test_a_torque_reaches_a_walking_knee_of_other_tissue() -> None:
    """The device's inertia, three quarters of the error without compensation, is moved along from the second stride."""
    off, on = errors(neo_hookean(), tasks()["torque"], fitted(neo_hookean()))
    assert off > 15.0
    assert on < 6.0


@pytest.mark.parametrize("wrong", [0.7, 1.3])
def test_what_is_foreseen_does_not_build_up_from_stride_to_stride(wrong: float) -> None:
    """Eight strides on tissue of little loss, its stiffness 30 % off: what is foreseen has itself moved the hinge."""
    tissue, stride = Tissue(60e3, arm_share=(0.2, 0.1, 0.1)), tasks()["torque"]
    knee, torque = (np.tile(a[-1111:], 8) for a in (stride.knee_rad, stride.torque_nm))
    task = Task(knee, torque, 0.0, np.zeros(len(knee)))
    out = walk(FoundationLeg(leg(), tissue, float(knee[0])), task, fitted(tissue, wrong, 0.3))
    errors = [out.over(slice(a * 1111, (a + 1) * 1111)).rmse_pct for a in range(8)]
    assert np.mean(errors[5:]) < 1.1 * np.mean(errors[2:5])


@pytest.mark.parametrize("mass_share", [1.0, 0.5])
def test_the_columns_give_the_knee_the_inertia_of_the_device(mass_share: float) -> None:
    """Newton about the knee: rotor and shank half of a device without torque, tissue stiff, knee slow."""
    device = replace(leg().device, frame_mass_kg=0.6 * mass_share)
    plant = FoundationLeg(replace(leg(), device=device), Tissue(300e3, kelvin_time_s=0.02), 0.0)
    knee = 0.1 * (1.0 - np.cos(2.0 * np.pi * np.arange(2000) * DT_S))
    felt = np.array([plant.step(0.0, value)[2] for value in knee])
    inertia = device.rotor_inertia_kgm2 + device.frame_inertia_kgm2
    inertia += 0.5 * device.frame_mass_kg * leg().shank_cuff.centre_m ** 2
    acceleration = np.gradient(np.gradient(knee, DT_S), DT_S)[1000:1990]
    assert -felt[1000:1990] @ acceleration / (acceleration @ acceleration) == pytest.approx(inertia, rel=0.02)


@pytest.mark.parametrize("wrong", [0.7, 1.3])
@pytest.mark.parametrize("task", ["spring", "spring_60"])
def test_stiffness_known_to_30_percent_still_helps(wrong: float, task: str) -> None:
    tissue = neo_hookean(4.0, (0.4, 0.2, 0.2))
    work = stiff_spring() if task == "spring_60" else tasks()["spring"]
    off, on = errors(tissue, work, fitted(tissue, wrong, 0.3))
    assert on < off


@pytest.mark.parametrize("young_pa", [20e3, 60e3, 200e3])
@pytest.mark.parametrize("spring", [0.0, 30.0, 60.0])
@pytest.mark.parametrize("wrong", [0.75, 1.0, 1.3])
def test_the_closed_loop_comes_to_rest(young_pa: float, spring: float, wrong: float) -> None:
    """A hinge let go off its rest under a knee that is held: what swings dies out, on tissue of little loss."""
    tissue = Tissue(young_pa, arm_share=(0.2, 0.1, 0.1))
    inverse = fitted(tissue, wrong, 0.3)
    still = np.full(1400, 0.5)
    torque = np.full(1400, 3.0)
    torque[:700] += 3.0 * (spring == 0.0)
    task = Task(still, torque, spring, still + 0.05)
    out = walk(FoundationLeg(leg(), tissue, 0.5), task, inverse)
    swing = out.knee_nm[-250:] - np.convolve(out.knee_nm, np.ones(51) / 51, "same")[-250:]
    assert np.abs(swing[:200]).max() < 0.15 * np.abs(out.knee_nm).max()


def test_the_wearer_gets_no_more_energy_than_the_bound_allows() -> None:
    task = tasks()["spring"]
    tissue = neo_hookean()
    out = walk(FoundationLeg(leg(), tissue, float(task.knee_rad[0])), task, fitted(tissue))
    last = slice(-1111, None)
    rate = np.gradient(task.knee_rad, 1e-3)[last]
    got, right = out.knee_nm[last] * rate, out.wanted_nm[last] * rate
    assert np.sum(got - right) * 1e-3 < (GAIN_LIMIT - 1.0) * np.sum(np.abs(right)) * 1e-3


@pytest.mark.parametrize("stiffness", [60.0, 100.0, 400.0])
@pytest.mark.parametrize("spring", [0.0, 40.0])
def test_a_clamped_hinge_is_not_pushed_to_and_fro(stiffness: float, spring: float) -> None:
    values = replace(LEG, stiffness_nm_per_rad=stiffness, stiffness_80deg_nm_per_rad=stiffness)
    p, s, given, commands = inverse_params(one_spring(values)), state(), [0.0, 0.0], []
    for _ in range(2500):
        commands.append(compensate(p[0], s[0], 3.0, 0.0, spring, 0.45, 0.4, 0.0, given.pop(0), 1.0, DT_S))
        given.append(commands[-1])
    assert np.ptp(commands[-300:]) < 0.1


def test_one_spring_is_the_profile_s() -> None:
    p = one_spring(replace(LEG, stiffness_nm_per_rad=100.0, stiffness_80deg_nm_per_rad=300.0))[0]
    assert p["cuffs"][SHANK]["hessian"][5, 0] == pytest.approx(100.0)
    assert 1.0 + np.radians(80) * p["cuffs"][SHANK]["posture_per_rad"] == pytest.approx(3.0)


def test_gait_is_gait() -> None:
    knee = np.degrees(gait_knee_rad())
    assert 2.0 < knee.min() < 6.0 and 55.0 < knee.max() < 65.0
