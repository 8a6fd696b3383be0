"""What the last 1.28 s tell: body size, height of the soles, the last step and stride, and Newton's force there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.grf.context import CONTEXT, REACH, context
from engines.grf.features import BASE, COORDINATES, GRID_S, base_channels
from engines.grf.leg import pelvis_to_ankle

OWN_HEEL, OWN_TOE, OTHER_HEEL, OWN_LOW, SIZE, SIZE_KNOWN, SOLES_KNOWN = 0, 1, 2, 4, 6, 7, 8
STEP, STRIDE = slice(9, 19), slice(19, 29)
NOW, LAG, LIKE, FOUND = 2, 7, 8, 9  # within step and stride
GRAVITY = 9.80665


def posture(size: float, floor_m: float = 0.0, **angles_deg: float) -> np.ndarray:
    """Standing with flat feet on the floor, legs `size` times the model's; then the angles are set."""
    q = np.zeros(len(COORDINATES))
    q[COORDINATES.index("pelvis_ty")] = size * (0.075 - 0.033 - pelvis_to_ankle(q[None], "r")[0, 1]) + floor_m
    for name, angle in angles_deg.items():
        q[COORDINATES.index(name)] = np.radians(angle)
    return q


def gait(stride_s: float, bounce_m: float, outputs: int = 1) -> np.ndarray:
    t_s = np.arange(REACH + outputs) * GRID_S
    phase = 2.0 * np.pi * t_s / stride_s
    q = np.zeros((len(t_s), len(COORDINATES)))
    for side, shift in (("r", 0.0), ("l", np.pi)):
        q[:, COORDINATES.index(f"hip_flexion_{side}")] = 0.2 + 0.5 * np.cos(phase + shift)
        q[:, COORDINATES.index(f"knee_angle_{side}")] = 0.6 - 0.5 * np.sin(phase + shift)
    q[:, COORDINATES.index("pelvis_ty")] = 0.95 + bounce_m * np.cos(2.0 * phase)
    return q


def about(q: np.ndarray, outputs: int = 1, observed: np.ndarray | None = None) -> np.ndarray:
    base = base_channels(q).T
    return context(base, np.ones(base.shape, np.bool_) if observed is None else observed, outputs)


@pytest.mark.parametrize("size", [0.85, 1.0, 1.2])
def test_size_is_what_puts_the_standing_sole_on_the_floor(size: float) -> None:
    still = np.tile(posture(size), (REACH + 1, 1))
    right = about(still)[0, 0]
    assert right[SIZE_KNOWN] == right[SOLES_KNOWN] == 1.0
    assert 1.07 + 0.1 * right[SIZE] == pytest.approx(size, abs=0.01)
    assert right[[OWN_HEEL, OWN_TOE, OTHER_HEEL, OWN_LOW]] == pytest.approx(0.0, abs=0.05)


def test_a_lifted_foot_is_high_and_the_other_sees_it() -> None:
    q = np.tile(posture(1.0), (REACH + 1, 1))
    q[-1] = posture(1.0, hip_flexion_r=40.0, knee_angle_r=40.0)
    right, left = about(q)[:, 0]
    lift_m = (0.408 + 0.397) - (0.408 * np.cos(np.radians(40.0)) + 0.397)
    assert 0.1 * right[OWN_HEEL] == pytest.approx(lift_m, abs=0.01)
    assert left[OTHER_HEEL] == right[OWN_HEEL]
    assert left[OWN_HEEL] == pytest.approx(0.0, abs=0.05)


def test_a_pelvis_height_that_is_not_over_the_floor_gives_no_size_but_heights() -> None:
    q = np.tile(posture(1.0, floor_m=-0.6), (REACH + 1, 1))
    q[-1] = posture(1.0, floor_m=-0.6, hip_flexion_r=40.0, knee_angle_r=40.0)
    right = about(q)[0, 0]
    assert right[SIZE] == right[SIZE_KNOWN] == 0.0
    assert 0.1 * right[OWN_HEEL] > 0.05


@pytest.mark.parametrize("stride_s", [0.65, 0.9, 1.0])
def test_last_step_and_stride_are_found_with_the_acceleration_there(stride_s: float) -> None:
    bounce_m = 0.03
    right = about(gait(stride_s, bounce_m))[0, 0]
    for part, lag_s in ((STEP, stride_s / 2), (STRIDE, stride_s)):
        assert right[part][FOUND] == 1.0
        assert 0.5 * (right[part][LAG] + 1.0) == pytest.approx(lag_s, abs=0.004)
        assert right[part][LIKE] < 0.15
    flat = about(gait(stride_s, 0.0))[0, 0]
    phase = 4.0 * np.pi * REACH * GRID_S / stride_s
    bounce_g = -bounce_m * (4.0 * np.pi / stride_s) ** 2 * np.cos(phase) / GRAVITY
    assert right[STRIDE][NOW] - flat[STRIDE][NOW] == pytest.approx(bounce_g, abs=0.05 + 0.08 * abs(bounce_g))


def test_standing_has_no_step_of_another_posture() -> None:
    q = np.tile(posture(1.0), (REACH + 1, 1))
    q[-30:] = posture(1.0, hip_flexion_r=60.0, knee_angle_r=80.0, hip_flexion_l=-30.0)
    assert np.all(about(q)[0, 0, STRIDE] == 0.0)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_each_output_rests_on_its_own_past_only(seed: int) -> None:
    rng = np.random.default_rng(seed)
    outputs = 8
    q = gait(0.9, 0.03, outputs) + 0.02 * rng.normal(size=(REACH + outputs, len(COORDINATES)))
    seen = (rng.random((len(BASE), 1)) < 0.9) & (rng.random((len(BASE), REACH + outputs)) < 0.98)
    every = about(q, outputs, seen)
    assert every.shape == (2, outputs, CONTEXT)
    assert np.isfinite(every).all()
    alone = [about(q[i : i + REACH + 1], 1, seen[:, i : i + REACH + 1])[:, 0] for i in range(outputs)]
    assert every == pytest.approx(np.stack(alone, axis=1), abs=1e-4)


def test_nothing_observed_tells_nothing() -> None:
    q = gait(0.9, 0.03)
    assert not about(q, 1, np.zeros((len(BASE), len(q)), np.bool_)).any()
