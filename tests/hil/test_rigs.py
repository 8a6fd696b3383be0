"""The simulated rigs against the contract, and the phantom against what physics says."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from calibration.reduced_tissue import load_tissue
from edge_runtime.tissue.forward import step
from edge_runtime.tissue.linkage import STATE
from hil.faults.model import Fault
from hil.rigs.base import JOINTS, Rig
from hil.rigs.finite_leg import STEP_MS
from hil.rigs.firmware import FirmwareRig
from hil.rigs.gel import DEMO_TISSUE, reduced_of
from hil.rigs.phantom_sim import PhantomSim
from hil.scenario import Drive, Tissue, Wearer
from tests.hil.rig_contract import RigContract, scenario, turn


class TestPhantomSim(RigContract):
    def make(self) -> Rig:
        return PhantomSim()


class TestFirmwareRig(RigContract):
    """Its governor has no host here, so it gives no torque: the tests of torque run in the scenarios."""

    def make(self) -> Rig:
        return _Alone()

    test_torque_follows_the_command_and_goes_with_it = None  # type: ignore[assignment]


class _Alone(FirmwareRig):
    """Steps its governor with itself, as the bench does."""

    def step(self, command_nm, now_ns):  # type: ignore[no-untyped-def]
        self.governor.step(self.governor.sample, now_ns)
        return super().step(command_nm, now_ns)


def quiet(**changes: object) -> PhantomSim:
    rig = PhantomSim()
    rig.open(scenario(drive=Drive(torque_noise_nm=0.0), **changes))
    return rig


def test_the_drive_is_late_by_its_delay() -> None:
    for delay_ms in (0.0, 3.0):
        rig = PhantomSim()
        rig.open(scenario(drive=Drive(delay_ms=delay_ms, bandwidth_hz=1000.0, torque_noise_nm=0.0)))
        torque = [float(sample.torque_nm[0]) for sample in turn(rig, 5.0, 8)]
        assert next(k for k, nm in enumerate(torque) if nm > 1.0) == delay_ms


def test_a_locked_knee_bends_the_tissue_as_its_stiffness_says() -> None:
    """Against the tissue model alone under the same torque; dry friction of the hinge off."""
    drive = Drive(coulomb_nm=0.0, torque_noise_nm=0.0)
    rig = PhantomSim()
    rig.open(scenario(drive=drive, wearer=Wearer("locked", 20.0)))
    sample = turn(rig, 4.0, 2000)[-1]
    leg, state = reduced_of(scenario()), np.zeros(1, STATE)
    state["coordinates"][0, 3] = np.radians(20.0)
    for _ in range(2000):
        step(leg[0], state[0], 4.0, np.radians(20.0), 0.0, 1e-3)
    assert sample.angle_rad[0] == pytest.approx(float(state["coordinates"][0, 3]), abs=5e-4)
    assert sample.knee_nm[0] == pytest.approx(4.0, rel=0.1)
    assert sample.knee_rad[0] == pytest.approx(np.radians(20.0))


def test_softer_gel_gives_way_further() -> None:
    bends = []
    for young_kpa in (30.0, 60.0, 120.0):
        sample = turn(quiet(tissue=Tissue(young_kpa)), 4.0, 1000)[-1]
        bends.append(float(sample.angle_rad[0] - sample.knee_rad[0]))
    assert bends[0] > 1.6 * bends[1] > 1.6 * 1.6 * bends[2] > 0.0


def test_the_gel_of_the_identified_modulus_is_the_identified_tissue() -> None:
    tissue = load_tissue(DEMO_TISSUE)
    leg = reduced_of(scenario(tissue=Tissue(tissue.young_pa / 1e3)))
    assert float(leg["stiffness"][0]) == pytest.approx(tissue.stiffness)


def test_a_free_knee_moves_and_a_locked_one_does_not() -> None:
    moved = {}
    for knee in ("locked", "driven", "free"):
        samples = turn(quiet(wearer=Wearer(knee)), 3.0, 400)
        moved[knee] = float(samples[-1].knee_rad[0] - samples[0].knee_rad[0])
    assert moved["locked"] == 0.0
    assert moved["free"] > 5.0 * moved["driven"] > 0.0


def test_the_cuff_slips_only_after_its_time() -> None:
    plain, slipping = quiet(), quiet()
    slipping.inject(Fault("rig.cuff_slip", 0.2, 0.1, {"size": 20.0}, 0))
    a, b = (turn(rig, 4.0, 2000) for rig in (plain, slipping))
    angles = np.array([[float(x.angle_rad[0]), float(y.angle_rad[0])] for x, y in zip(a, b, strict=True)])
    apart = np.abs(angles[:, 0] - angles[:, 1])
    assert apart[:1690].max() == 0.0  # 1.5 s of lead, then 0.2 s
    assert apart[-1] > np.radians(0.05)


def test_the_same_seed_gives_the_same_noise_and_another_does_not() -> None:
    def sensed(seed: int) -> list[float]:
        rig = PhantomSim()
        rig.open(scenario(seed=seed, drive=Drive(torque_noise_nm=0.5)))
        return [float(sample.torque_nm[0]) for sample in turn(rig, 0.0, 50)]

    assert sensed(1) == sensed(1) != sensed(2)


def test_finite_elements_and_reduced_model_agree_on_a_steady_torque() -> None:
    """An independent oracle of either: one integrates 941 coordinates in MuJoCo, the other four.

    The reduced tissue creeps for seconds, the finite elements' loss is over at once.
    """
    ends = {}
    for fidelity, steps in (("reduced", 10_000), ("full", 160 * STEP_MS)):
        rig = PhantomSim()
        rig.open(scenario(fidelity=fidelity, drive=Drive(coulomb_nm=0.0, torque_noise_nm=0.0)))
        sample = turn(rig, 4.0, steps)[-1]
        ends[fidelity] = float(sample.angle_rad[0] - sample.knee_rad[0]), float(sample.knee_nm[0])
        if fidelity == "full":
            assert sample.pressure_pa[0] > 0.0 and np.isnan(sample.pressure_pa[1])
            assert len(rig.maps(0)) == JOINTS
    assert ends["full"][0] == pytest.approx(ends["reduced"][0], rel=0.1)
    assert ends["full"][1] == pytest.approx(ends["reduced"][1], rel=0.05)


def test_a_rig_may_be_used_for_another_scenario_after_the_first() -> None:
    rig = quiet()
    turn(rig, 4.0, 100)
    rig.open(dataclasses.replace(scenario(), tissue=Tissue(100.0)))
    assert abs(float(turn(rig, 0.0, 1)[0].torque_nm[0])) < 0.5
