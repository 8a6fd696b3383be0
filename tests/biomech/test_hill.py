"""Muscle layer with anatomical lengths: curves against OpenSim's, closed forms, scaling, the calibration."""

from __future__ import annotations

import numpy as np
import pytest

from edge_runtime.biomech import hill
from edge_runtime.biomech.anatomy_fit import fit, postures
from edge_runtime.biomech.model import DOF_INDEX, DOFS, LegModel
from edge_runtime.biomech.muscles import MuscleModel
from edge_runtime.types import F64

OPENSIM_ACTIVE = {
    0.43: 0.2663,
    0.62: 0.6599,
    0.77: 0.8643,
    0.9: 0.9624,
    1.0: 1.0,
    1.23: 0.8057,
    1.5: 0.4688,
    1.74: 0.169,
    1.9: 0.0,
}
"""What OpenSim 4.6 gives for the active force-length curve of the muscles of Uhlrich et al. 2022."""
OPENSIM_VELOCITY = {
    -1.0: 0.0, -0.5: 0.2340363935488039, -0.1: 0.745171585030237, 0.0: 1.0, 0.1: 1.2065086712602473,
    0.5: 1.5884234012498917, 1.0: 1.7943429635553223,
}  # fmt: skip
"""What OpenSim 4.6's DeGrooteFregly2016Muscle gives (calcForceVelocityMultiplier)."""


def test_curves_are_opensims() -> None:
    for length, force in OPENSIM_ACTIVE.items():
        assert hill.force_length(length) == pytest.approx(force, abs=0.01)
    for velocity, force in OPENSIM_VELOCITY.items():
        assert hill.force_velocity(velocity) == pytest.approx(force, abs=1e-12)


def test_no_force_beyond_the_fastest_shortening_and_no_passive_push() -> None:
    assert hill.force_velocity(-1.5) == 0.0
    assert [hill.passive_force(length, 0.6) for length in (0.2, 0.9, 1.0)] == [0.0, 0.0, 0.0]
    assert hill.passive_force(1.6, 0.6) == pytest.approx(1.0)


def test_what_is_not_known_stays_not_known() -> None:
    assert np.isnan(hill.force_length(float("nan")))
    assert hill.force_length(0.1) == hill.force_length(5.0) == 0.0


def one(length_m: float, velocity_mps: float = 0.0, pennation: float = 0.0) -> F64:
    muscle = hill.Hill(*(np.array([x]) for x in (1000.0, 0.1, 0.2, np.sin(pennation), 0.6)))
    out = np.zeros((2, 1))
    hill.tensions(np.array([length_m]), np.array([velocity_mps]), np.array([0]), muscle, out)
    return out[:, 0]


def test_one_muscle_in_closed_form() -> None:
    assert one(0.3) == pytest.approx([1000.0, 0.0], abs=1e-9)  # fibre at optimal length, isometric
    assert one(0.3, -1.0) == pytest.approx([0.0, 0.0], abs=1e-9)  # ten optimal lengths per second
    assert one(0.36) == pytest.approx([1000.0 * hill.force_length(1.6), 1000.0])
    angle = 0.4  # pennated: the fibre's thickness stays, and its force acts through the cosine
    assert one(0.2 + 0.1 * np.cos(angle), pennation=angle) == pytest.approx([1000.0 * np.cos(angle), 0.0], abs=1e-9)


def test_a_slack_muscle_pulls_nothing() -> None:
    for length in (0.2, 0.15, 0.0):
        for pennation in (0.0, 0.4):
            active, passive = one(length, pennation=pennation)
            assert 0.0 <= active < 5.0
            assert passive == 0.0


def fibres(leg: LegModel, **angles: float) -> F64:
    """Normalized fibre lengths in a pose."""
    q = np.zeros(len(DOFS))
    for name, value in angles.items():
        q[DOF_INDEX[name]] = value
    leg.set_state(q, np.zeros(len(DOFS)), np.zeros(len(DOFS)))
    muscles = MuscleModel(leg)
    muscles.state()
    neutral = leg.model.tendon_length0[leg.model.actuator_trnid[:, 0]]
    _, parameters = hill.anatomical(leg.muscle_names, neutral, 1.0)
    along = (leg.data.actuator_length - parameters.slack_m) / parameters.optimal_m
    return np.asarray(np.sqrt(along**2 + parameters.sine**2))


def test_fibres_work_where_muscles_can(leg: LegModel) -> None:
    """Stock MyoLegs' fibres drift by up to 30 times; these stay in the range where a sarcomere makes force."""
    for pose in (
        {},
        {"hip_flexion_r": 0.5, "knee_angle_r": 0.2, "ankle_angle_r": 0.1},
        {"hip_flexion_r": -0.2, "knee_angle_r": 0.6, "ankle_angle_r": -0.3},
        {"hip_flexion_r": 0.3, "knee_angle_r": 1.1},
    ):
        lengths = fibres(leg, **pose)
        assert lengths.min() > 0.35
        assert lengths.max() < 1.75
        assert np.median(lengths) == pytest.approx(1.0, abs=0.2)


def test_lengths_scale_with_the_person() -> None:
    pose = {"hip_flexion_r": 0.4, "knee_angle_r": 0.8, "knee_angle_l": 0.3}
    small, large = LegModel(1.55, 50.0), LegModel(1.95, 100.0)
    assert fibres(small, **pose) == pytest.approx(fibres(large, **pose), rel=1e-6)
    forces = [MuscleModel(leg).state().active_n.copy() for leg in (small, large)]
    assert forces[1] == pytest.approx(forces[0] * 2.0 ** (2.0 / 3.0), rel=1e-5, abs=1e-6)


def test_left_is_right(leg: LegModel) -> None:
    names, lengths = leg.muscle_names, fibres(leg)
    pairs = [(names.index(n), names.index(n[:-1] + "l")) for n in names if n.endswith("_r")]
    assert len(pairs) == 40
    for right, left in pairs:
        assert lengths[right] == pytest.approx(lengths[left], rel=2e-2)


def test_fit_finds_the_muscle_it_was_made_from() -> None:
    along = np.linspace(0.5, 1.3, 60)
    optimal, slack, rest = fit(0.08 * along + 0.31, along)
    assert (optimal, slack, rest) == pytest.approx((0.08, 0.31, 0.0), abs=1e-9)
    optimal, slack, rest = fit(0.08 * along - 0.02, along)  # would need a negative tendon
    assert slack == 0.0
    assert optimal > 0.0
    assert rest > 0.0


def test_postures_are_the_same_on_every_run() -> None:
    first, again = postures(), postures()
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert first["knee_angle"].min() >= 0.0
