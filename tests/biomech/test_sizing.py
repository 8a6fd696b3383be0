"""Size of a trial's person: recovered from feet that stand on the ground, or taken from what the trial states."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_runtime.biomech import sizing
from edge_runtime.biomech.model import DOFS, GRAVITY_MPS2, UNSCALED_STATURE_M, LegModel
from edge_runtime.biomech.motion import made_up_gait
from edge_runtime.biomech.scaling import Segments
from edge_runtime.biomech.sizing import size_of
from edge_runtime.biomech.trials import References, Stated, Trial
from edge_runtime.errors import UserError

MASS_KG, RATE_HZ = 70.0, 50.0


def walk(stature_m: float, width: float) -> Trial:
    """A made-up gait of a person with known legs: the pelvis is lifted so that the loaded sole is on the ground, and
    the force acts where the fit says it does."""
    motion = made_up_gait(DOFS, 4.0, RATE_HZ, MASS_KG * GRAVITY_MPS2)
    leg = LegModel(stature_m, MASS_KG, Segments(MASS_KG, pelvis=(1.0, 1.0, width)))
    q, cop = motion.q.copy(), np.zeros_like(motion.cop_m)
    for k in range(len(q)):
        leg.set_state(q[k], motion.qd[k], motion.qdd[k])
        loaded = int(motion.force_n[k, 1, 1] > motion.force_n[k, 0, 1])
        for foot, side in enumerate("rl"):
            scaled = sizing._sole(leg, side)  # off by the foot's own scale of a few mm
            cop[k, foot] = 0.5 * (scaled[0] + scaled[1])
            cop[k, foot, 2] += sizing.OUTWARD_M * (1 - 2 * foot)
            if foot == loaded:
                q[k, 4] = sizing.SHOE_M - scaled[:, 1].min()
        cop[k, :, 1] = 0.0
    seen = np.ones((len(q), 2), np.bool_)
    return Trial("walk", motion.time_s, DOFS, q, motion.force_n, cop, motion.free_nm, seen, MASS_KG, None, References())


@pytest.mark.parametrize(("stature_m", "width"), [(1.6, 1.0), (1.75, 1.2), (1.95, 0.85)])
def test_feet_on_the_ground_tell_leg_length_and_width(stature_m: float, width: float) -> None:
    size = size_of(walk(stature_m, width))
    assert size.leg_height_m == pytest.approx(stature_m, rel=0.015)
    assert size.segments.pelvis[2] == pytest.approx(width, abs=0.06)
    assert "feet on the ground" in size.why


def test_stated_lengths_come_first() -> None:
    trial = replace(walk(1.75, 1.0), stated=Stated(1.80, 0.45, 0.42, 0.17))
    size = size_of(trial)
    leg = size.leg_model()
    leg.set_state(*np.zeros((3, len(DOFS))))
    hip, knee, ankle = (leg.data.xpos[leg.model.body(f"{name}_r").id] for name in ("femur", "tibia", "talus"))
    other = leg.data.xpos[leg.model.body("femur_l").id]
    assert np.linalg.norm(hip - knee) == pytest.approx(0.45, abs=1e-3)
    assert np.linalg.norm(knee - ankle) == pytest.approx(0.42, abs=1e-3)
    assert np.linalg.norm(hip - other) == pytest.approx(0.17, abs=1e-3)
    assert size.height_m == 1.80
    assert leg.model.body_mass.sum() == pytest.approx(MASS_KG)


def test_without_the_pelvis_stature_decides_or_is_assumed_and_said() -> None:
    trial = walk(1.75, 1.0)
    columns = [i for i, name in enumerate(DOFS) if not name.startswith("pelvis")]
    bare = replace(trial, coordinates=tuple(DOFS[i] for i in columns), q=trial.q[:, columns])
    assert size_of(bare).leg_height_m == sizing.ASSUMED_HEIGHT_M
    assert "assumed" in size_of(bare).why
    assert size_of(replace(bare, stated=Stated(height_m=1.9))).leg_height_m == 1.9
    assert size_of(bare, height_m=1.6).leg_height_m == 1.6


def test_mass_comes_from_the_force_where_it_is_not_stated() -> None:
    size = size_of(replace(walk(1.75, 1.0), mass_kg=None))
    assert size.mass_kg == pytest.approx(MASS_KG, rel=0.02)
    assert "vertical force" in size.why
    with pytest.raises(UserError, match="mass_kg"):
        size_of(replace(walk(1.75, 1.0), mass_kg=3.0))


def test_constants_are_unscaled_myolegs() -> None:
    leg = LegModel(UNSCALED_STATURE_M, MASS_KG)
    leg.set_state(*np.zeros((3, len(DOFS))))
    hip, knee, ankle = (leg.data.xpos[leg.model.body(f"{name}_r").id] for name in ("femur", "tibia", "talus"))
    assert np.linalg.norm(hip - knee) == pytest.approx(sizing.THIGH_M, abs=2e-4)
    assert np.linalg.norm(knee - ankle) == pytest.approx(sizing.SHANK_M, abs=2e-4)
    assert np.linalg.norm(hip - leg.data.xpos[leg.model.body("femur_l").id]) == pytest.approx(sizing.HIPS_M, abs=1e-4)
