"""Ground reaction from the motion alone: carries the weight, not late, under the lower foot; or nothing is said."""

from __future__ import annotations

import numpy as np
import pytest

from engines.grf.context import context
from engines.grf.features import BASE, COORDINATES, F64, GRID_S, HISTORY, Mask, base_channels
from engines.grf.newton import Asked, asked, mixed

GRAVITY = 9.80665
BOUNCE_HZ = 3.0
BOUNCE_M = 0.004
SEEN = np.ones((len(BASE), HISTORY), dtype=np.bool_)


def window(end_s: float = 0.0, bounce_m: float = BOUNCE_M, **angles: float) -> F64:
    """A body that bounces on both feet up to `end_s`, its legs moving a little with it: [BASE, HISTORY]."""
    t_s = end_s + (np.arange(HISTORY) - HISTORY + 1) * GRID_S
    q = np.zeros((HISTORY, len(COORDINATES)))
    wave = np.cos(2 * np.pi * BOUNCE_HZ * t_s)
    q[:, COORDINATES.index("pelvis_ty")] = 0.95 + bounce_m * wave
    for side in "rl":
        q[:, COORDINATES.index(f"hip_flexion_{side}")] = 0.02 * wave
    for name, value in angles.items():
        q[:, COORDINATES.index(name)] += value
    return base_channels(q).T


def told(base: F64, observed: Mask = SEEN) -> Asked | None:
    return asked(base, observed, context(base, observed, 1)[0, 0])


def known(base: F64) -> Asked:
    found = told(base)
    assert found is not None
    return found


def test_the_ground_carries_the_weight_of_who_stands_still() -> None:
    found = known(window(bounce_m=0.0))
    assert found.force_bw[:, 1].sum() == pytest.approx(1.0, abs=0.02)
    assert found.force_bw[0] == pytest.approx(found.force_bw[1], abs=1e-6)
    assert abs(found.force_bw[:, 0]).max() < 0.1 and not found.force_bw[:, 2].any()


def test_a_bouncing_body_asks_for_its_acceleration_of_now() -> None:
    peak = BOUNCE_M * (2 * np.pi * BOUNCE_HZ) ** 2 / GRAVITY
    ends = np.arange(0.0, 1.0 / BOUNCE_HZ, 0.02)
    force = np.array([known(window(end_s)).force_bw[:, 1].sum() for end_s in ends])
    truth = 1.0 - peak * np.cos(2 * np.pi * BOUNCE_HZ * ends)
    late = 1.0 - peak * np.cos(2 * np.pi * BOUNCE_HZ * (ends - 0.05))
    assert np.abs(force - truth).max() < 0.25 * peak < np.abs(late - truth).max()


def test_the_lower_foot_carries_and_the_mirrored_body_the_other_way() -> None:
    for lifted, standing in (("r", 1), ("l", 0)):
        found = known(
            window(**{f"knee_angle_{lifted}": 1.2, f"hip_flexion_{lifted}": 0.6, f"ankle_angle_{lifted}": 0.6})
        )
        assert found.contact[standing] > 0.9 and found.contact[1 - standing] < 0.01
        assert found.force_bw[standing, 1] > 0.8 and abs(found.force_bw[1 - standing]).max() < 0.01


def test_in_the_air_nothing_is_carried_and_doubtless_so() -> None:
    jumped = window()
    jumped[BASE.index("ty"), -15:] += 0.1
    found = known(jumped)
    assert found.contact.max() < 1e-3 and abs(found.force_bw).max() < 0.01
    assert (found.sd_bw < known(window()).sd_bw).any()


def test_the_force_goes_from_the_sole_to_the_body() -> None:
    behind, ahead = (
        known(window(hip_flexion_r=-0.3, hip_flexion_l=-0.3)),
        known(window(hip_flexion_r=0.3, hip_flexion_l=0.3)),
    )
    assert (behind.force_bw[:, 0] > 0.02).all() and (ahead.force_bw[:, 0] < -0.05).all()


def test_the_pressure_stands_under_the_end_of_the_foot_that_is_down() -> None:
    on_toes, on_heels = (
        known(window(ankle_angle_r=-0.4, ankle_angle_l=-0.4)),
        known(window(ankle_angle_r=0.4, ankle_angle_l=0.4)),
    )
    assert (on_toes.cop_m[:, 0] > 0.08).all() and (on_heels.cop_m[:, 0] < -0.02).all()


def test_without_a_step_before_it_is_late_and_says_so() -> None:
    base = window()
    short = SEEN.copy()
    short[:, : HISTORY - 25] = False
    found = told(base, short)
    assert found is not None
    assert found.sd_bw[0, 1] > 2.0 * known(base).sd_bw[0, 1]


@pytest.mark.parametrize("hidden", ["ty", "foot_r", "foot_l"])
def test_what_it_rests_on_must_be_observed_now(hidden: str) -> None:
    observed = SEEN.copy()
    observed[BASE.index(hidden), -1:] = False
    assert told(window(), observed) is None


def test_side_view_and_all_coordinates_ask_the_same() -> None:
    turned = window(pelvis_list=0.1, hip_adduction_r=0.1, pelvis_rotation=0.2)
    side = SEEN.copy()
    side[[BASE.index(name) for name in ("list", "rotation", "adduction_r", "adduction_l", "tz", "tx")]] = False
    first, second = known(turned), told(turned, side)
    assert second is not None
    assert np.allclose(first.force_bw, second.force_bw, atol=2e-3) and np.allclose(first.cop_m, second.cop_m, atol=2e-3)


def test_mixed_goes_from_one_to_the_other_and_disagreement_widens_it() -> None:
    one = Asked(np.ones((2, 3)), np.full((2, 3), 0.1), np.ones(2), np.zeros((2, 3)))
    other = Asked(np.zeros((2, 3)), np.full((2, 3), 0.3), np.zeros(2), np.ones((2, 3)))
    for share, same in ((0.0, one), (1.0, other)):
        found = mixed(one, other, share)
        assert np.allclose(found.force_bw, same.force_bw) and np.allclose(found.sd_bw, same.sd_bw)
        assert np.allclose(found.contact, same.contact) and np.allclose(found.cop_m, same.cop_m)
    lost = Asked(one.force_bw, np.full((2, 3), np.inf), one.contact, one.cop_m)
    assert np.isfinite(mixed(lost, other, 1.0).sd_bw).all() and np.isinf(mixed(lost, other, 0.5).sd_bw).all()
    half = mixed(one, other, 0.5)
    assert (half.sd_bw >= 0.5).all() and np.allclose(half.force_bw, 0.5)
