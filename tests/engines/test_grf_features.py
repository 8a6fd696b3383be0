"""What the GRF network is shown: signs, mirror image, gaps, and nothing of what was not observed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.types import COORDINATES as RUNTIME_COORDINATES
from edge_runtime.types import SIDES as RUNTIME_SIDES
from engines.grf.features import (
    BASE,
    COORDINATES,
    FEATURES,
    HISTORY,
    SIDES,
    SOLES,
    base_channels,
    base_observed,
    derived,
    features,
    mask_from,
    seen_from,
)
from engines.grf.leg import ankles, leg_scale
from engines.grf.window import foot_heading, from_foot, on_grid, to_foot

MIRROR = [COORDINATES.index(c[:-1] + {"r": "l", "l": "r"}[c[-1]] if c[-2:] in ("_r", "_l") else c) for c in COORDINATES]
MIRROR_SIGN = np.array([-1.0 if c in ("pelvis_list", "pelvis_rotation", "pelvis_tz") else 1.0 for c in COORDINATES])


def posture(**angles_deg: float) -> np.ndarray:
    q = np.zeros(len(COORDINATES))
    for name, angle in angles_deg.items():
        q[COORDINATES.index(name)] = np.radians(angle)
    return q


def test_contract_names_are_those_of_the_runtime() -> None:
    assert COORDINATES == RUNTIME_COORDINATES
    assert SIDES == RUNTIME_SIDES


def test_segment_angles_follow_opensim_signs() -> None:
    base = base_channels(posture(pelvis_tilt=5.0, hip_flexion_r=30.0, knee_angle_r=50.0, ankle_angle_r=10.0))
    expected = {"tilt": 5.0, "thigh_r": 35.0, "shank_r": -15.0, "foot_r": -5.0, "thigh_l": 5.0, "foot_l": 5.0}
    for name, angle in expected.items():
        assert np.degrees(base[BASE.index(name)]) == pytest.approx(angle)


def test_hidden_ankle_hides_only_its_foot() -> None:
    observed = np.ones(len(COORDINATES), dtype=np.bool_)
    observed[COORDINATES.index("ankle_angle_l")] = False
    hidden = [name for name, seen in zip(BASE, base_observed(observed), strict=True) if not seen]
    assert hidden == ["foot_l"]


def own_sole(q: np.ndarray) -> np.ndarray:
    base = base_channels(q)[:, None]
    value, known = derived(base, np.ones(base.shape, dtype=np.bool_))
    assert known.all()
    return value[SOLES : SOLES + 4, 0]


def test_a_bent_leg_lifts_the_sole_and_a_swung_one_carries_it_forward() -> None:
    standing = own_sole(posture())
    bent = own_sole(posture(hip_flexion_r=40.0, knee_angle_r=40.0))
    assert np.all(bent[[1, 3]] > standing[[1, 3]] + 0.05)
    assert np.all(bent[[0, 2]] > standing[[0, 2]] + 0.2)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_left_foot_sees_the_mirrored_motion_as_the_right_foot_sees_the_motion(seed: int) -> None:
    rng = np.random.default_rng(seed)
    q = rng.normal(size=(HISTORY, len(COORDINATES)))
    observed = rng.random((HISTORY, len(COORDINATES))) < 0.8
    base, mask = base_channels(q).T, base_observed(observed).T
    other = base_channels(q[:, MIRROR] * MIRROR_SIGN).T
    other_mask = base_observed(observed[:, MIRROR]).T
    right = features(seen_from("r", base), mask_from("r", mask))
    left = features(seen_from("l", other), mask_from("l", other_mask))
    assert right.shape == (HISTORY - 2, FEATURES)
    assert np.array_equal(right, left)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_values_that_are_not_observed_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(len(BASE), HISTORY))
    mask = base_observed(rng.random((HISTORY, len(COORDINATES))) < 0.9).T
    other = np.where(mask, base, 1e3 * rng.normal(size=base.shape))
    assert np.array_equal(features(base, mask), features(other, mask))


def test_grid_takes_straight_lines_and_holds_the_ends() -> None:
    t_s = np.array([0.0, 0.02, 0.05])
    base = np.outer([0.0, 2.0, 5.0], np.ones(len(BASE)))
    observed = np.ones_like(base, dtype=np.bool_)
    observed[1, 0] = False
    value, mask = on_grid(t_s, base, observed, np.array([-0.01, 0.0, 0.01, 0.02, 0.04, 0.05]))
    assert value[0] == pytest.approx([0.0, 0.0, 1.0, 2.0, 4.0, 5.0])
    assert mask[0].tolist() == [True, True, False, False, False, True]
    assert mask[1].all()


def test_grid_of_one_frame_is_that_frame() -> None:
    value, mask = on_grid(
        np.zeros(1), np.full((1, len(BASE)), 3.0), np.ones((1, len(BASE)), bool), np.array([-0.1, 0.0])
    )
    assert np.all(value == 3.0)
    assert mask.all()


def test_leg_is_scaled_until_the_loaded_ankle_stands_at_its_height() -> None:
    q = np.tile(posture(), (5, 1))
    q[:, COORDINATES.index("pelvis_ty")] = 1.0
    load = np.zeros((5, 2))
    load[2:, 1] = 1.0
    scale = leg_scale(q, load)
    assert ankles(q, scale)[:, :, 1] == pytest.approx(0.075 * scale)
    assert ankles(q, scale)[0, 0, 2] == pytest.approx(-ankles(q, scale)[0, 1, 2])
    assert np.isnan(leg_scale(q, np.zeros((5, 2))))


def test_a_foot_turned_inward_has_its_own_axes() -> None:
    ahead = np.array([0.1, 0.0, 0.0], dtype=np.float32)
    inward = to_foot(ahead, np.array(np.radians(30.0)))
    assert inward == pytest.approx([0.1 * np.cos(np.pi / 6), 0.0, 0.1 * np.sin(np.pi / 6)], abs=1e-6)
    assert from_foot(inward, np.array(np.radians(30.0))) == pytest.approx(ahead, abs=1e-6)


def test_left_and_right_foot_turned_inward_alike_head_alike() -> None:
    q = posture(hip_rotation_r=20.0, hip_rotation_l=20.0)
    base = base_channels(q)[:, None]
    seen = np.ones(base.shape, dtype=np.bool_)
    for side in SIDES:
        assert foot_heading(seen_from(side, base), seen)[0] == pytest.approx(np.radians(20.0))
    assert foot_heading(base, ~seen)[0] == 0.0


def test_falling_freely_is_one_g_of_the_centre_of_mass() -> None:
    q = np.tile(posture(knee_angle_r=30.0), (HISTORY, 1))
    q[:, COORDINATES.index("pelvis_ty")] = 1.0 - 0.5 * 9.81 * (np.arange(HISTORY) * 0.01) ** 2
    base = base_channels(q).T
    seen = np.ones(base.shape, dtype=np.bool_)
    fall = features(base, seen)[:, FEATURES - len(BASE) - 2]
    assert fall == pytest.approx(-9.81 / 10.0, abs=1e-4)
    seen[BASE.index("foot_l")] = False
    assert not features(base, seen)[:, FEATURES - len(BASE) - 2].any()
