"""Forces and motion on one clock: lags of known size are found and undone, what is in step stays as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_runtime.biomech import alignment
from edge_runtime.biomech.alignment import SMALLEST_S, aligned, force_lag_s, shifted
from edge_runtime.biomech.model import DOFS, GRAVITY_MPS2
from edge_runtime.biomech.motion import made_up_gait
from edge_runtime.biomech.trials import References, Trial, read_trial
from tests.conftest import unavailable

MASS_KG, RATE_HZ = 70.0, 100.0
DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"


def walk() -> Trial:
    """A made-up gait whose pelvis bobs, on forces that obey Newton's law."""
    motion = made_up_gait(DOFS, 4.0, RATE_HZ, MASS_KG * GRAVITY_MPS2)
    q = motion.q.copy()
    q[:, DOFS.index("pelvis_ty")] = 0.9 + 0.02 * np.cos(2 * np.pi * 2.0 * motion.time_s)
    seen = np.ones((len(q), 2), np.bool_)
    trial = Trial(
        "walk", motion.time_s, DOFS, q, motion.force_n, motion.cop_m, motion.free_nm, seen, MASS_KG, None, References()
    )
    total = alignment._carrying_n(trial, np.arange(len(q)))
    share = motion.force_n[:, :, 1] / motion.force_n[:, :, 1].sum(axis=1, keepdims=True)
    force = np.zeros_like(motion.force_n)
    force[:, :, 1] = share * total[:, None]
    return replace(trial, force_n=force)


@pytest.mark.parametrize("lag_ms", [-25, 13, 20, 40])
def test_a_lag_is_found_and_undone(lag_ms: int) -> None:
    late = shifted(walk(), -1e-3 * lag_ms)
    found = aligned(late)
    assert found.lag_ms == pytest.approx(lag_ms, abs=2.0)
    inner = slice(20, -20)
    assert found.trial.force_n[inner] == pytest.approx(walk().force_n[inner], abs=25.0)
    assert aligned(found.trial).lag_ms == 0.0


@pytest.mark.parametrize("lag_ms", [-6, 0, 6])
def test_what_is_nearly_in_step_is_left_alone(lag_ms: int) -> None:
    trial = shifted(walk(), -1e-3 * lag_ms)
    found = aligned(trial)
    assert found.trial is trial
    assert found.lag_ms == 0.0


def test_no_lag_is_told_without_pelvis_or_feet_or_where_forces_are_of_another_motion() -> None:
    trial = walk()
    lost = tuple(name.replace("pelvis_ty", "height") for name in trial.coordinates)
    assert force_lag_s(replace(trial, coordinates=lost)) is None
    assert force_lag_s(replace(trial, seen=np.zeros_like(trial.seen))) is None
    noise = np.random.default_rng(0).normal(0.0, 100.0, trial.force_n.shape)
    assert not force_lag_s(replace(trial, force_n=noise))


def test_between_samples_the_moment_of_a_force_is_straight() -> None:
    trial = walk()
    force, cop = np.zeros_like(trial.force_n), np.zeros_like(trial.cop_m)
    force[10, 0, 1], force[11, 0, 1], cop[10, 0, 0], cop[11, 0, 0] = 300.0, 100.0, 0.2, 0.4
    half = shifted(replace(trial, force_n=force, cop_m=cop), 0.5 / RATE_HZ)
    assert half.force_n[10, 0, 1] == pytest.approx(200.0)
    assert half.cop_m[10, 0, 0] == pytest.approx((300.0 * 0.2 + 100.0 * 0.4) / 400.0)
    assert half.cop_m[11, 0, 0] == pytest.approx(0.4)  # the idle sample after it has no point, not one at zero


def test_recorded_walks() -> None:
    if not DATA.is_dir():
        unavailable("recorded gait beside the checkout is not there")
    for path in sorted((DATA / "schreiber2019_walk").glob("201402*_C4_*.npz")):
        lag = force_lag_s(read_trial(path))
        assert lag is not None
        assert 0.012 <= lag <= 0.022
    assert abs(force_lag_s(read_trial(DATA / "treadmill_walk_60s/results_ik.sto")) or 0.0) < SMALLEST_S
