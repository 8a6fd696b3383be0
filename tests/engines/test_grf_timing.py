"""The engine learns from Newton's law how early or late its forces come, only from what is known, and no further."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.grf.features import GRID_S
from engines.grf.timing import SHIFTS_S, WINDOW, Timing, body_height, read_at

GRAVITY = 9.80665
STEP_S = 0.36
MEAN_DELAY_S, SHARE = 0.0048, 0.85


def force_bw(t_s: np.ndarray) -> np.ndarray:
    """Vertical force of running, mean 1: harmonics of half sines, then flight."""
    phase = (np.asarray(t_s) % STEP_S) / STEP_S
    stance = 0.65
    return np.where(phase < stance, np.sin(np.pi * phase / stance) * np.pi / (2.0 * stance), 0.0)


FINE_S = 1e-4
_GRID = np.arange(0.0, 20.0, FINE_S)
_RATE = np.cumsum(force_bw(_GRID) - 1.0) * FINE_S * GRAVITY
_HEIGHT = np.cumsum(_RATE - _RATE.mean()) * FINE_S


def learned(
    early_s: float, seconds: float = 8.0, noise_m: float = 0.0, fps: float = 100.0, hidden: bool = False
) -> float:
    """Delay found where the predictions come `early_s` before the forces of the body's motion."""
    rng, timing, found = np.random.default_rng(0), Timing(), 0.0
    ages_s = np.arange(1 - WINDOW, 1) * GRID_S
    for i in range(round(seconds * fps)):
        t_s = 1.0 + i / fps
        height = np.interp(t_s + ages_s, _GRID, _HEIGHT) + noise_m * rng.normal(size=WINDOW)
        known = np.full(WINDOW, not hidden)
        found = timing.step(round(t_s * 1e9), float(force_bw(np.array(t_s + early_s))), height, known)
    return found


@pytest.mark.parametrize("fps", [60.0, 100.0, 150.0])
@pytest.mark.parametrize("early_s", [-0.004, 0.0048, 0.012])
def test_a_constant_earliness_is_found_and_its_share_given_back(early_s: float, fps: float) -> None:
    assert learned(early_s, fps=fps) == pytest.approx(SHARE * (early_s - MEAN_DELAY_S), abs=0.0012)


def test_nothing_is_corrected_before_it_is_known_or_where_the_body_is_hidden() -> None:
    assert learned(0.012, seconds=0.05) == 0.0
    assert learned(0.012, hidden=True) == 0.0


def test_noisy_motion_is_hardly_believed() -> None:
    assert abs(learned(0.012, noise_m=0.01)) < 0.3 * learned(0.012)


def test_correction_stays_within_what_the_network_gives() -> None:
    assert abs(learned(0.03)) <= SHIFTS_S[-1]


def unexplained(
    bounce: float, force: Callable[[np.ndarray], np.ndarray], seconds: float = 8.0, noise_m: float = 0.0
) -> float:
    """What is left where the body bounces `bounce` times as in running and `force` is predicted, at 60 frames/s."""
    rng, timing, ages_s = np.random.default_rng(0), Timing(), np.arange(1 - WINDOW, 1) * GRID_S
    for i in range(round(60.0 * seconds)):
        t_s = 1.0 + i / 60.0
        height = bounce * np.interp(t_s + ages_s, _GRID, _HEIGHT) + noise_m * rng.normal(size=WINDOW)
        timing.step(round(t_s * 1e9), float(force(np.array(t_s))), height, np.ones(WINDOW, dtype=np.bool_))
    return timing.unexplained


def test_force_that_moves_the_body_so_is_explained_and_that_of_another_gait_is_not() -> None:
    assert unexplained(1.0, force_bw) == pytest.approx(0.0, abs=0.02)
    assert unexplained(1.0, lambda t: 2.0 - force_bw(t)) == pytest.approx(2.0, abs=0.1)
    assert unexplained(1.0, lambda t: force_bw(1.4 * t)) > 0.7
    assert unexplained(1.0, lambda t: 0.5 + 0.5 * force_bw(t)) > 0.7
    assert unexplained(0.0, force_bw) == pytest.approx(1.0, abs=0.1)


def test_noise_of_the_motion_and_standing_still_leave_nothing_unexplained() -> None:
    assert unexplained(1.0, force_bw, noise_m=0.002) == pytest.approx(0.0, abs=0.1)
    assert unexplained(0.0, np.ones_like) == pytest.approx(0.0, abs=1e-9)


def test_nothing_is_unexplained_before_a_step_is_compared() -> None:
    assert unexplained(0.0, force_bw, seconds=0.4) == 0.0


def test_a_pause_keeps_the_wearer_and_a_reset_forgets_them() -> None:
    timing = Timing()
    ages_s = np.arange(1 - WINDOW, 1) * GRID_S
    known = np.ones(WINDOW, dtype=np.bool_)

    def step(t_s: float) -> float:
        height = np.interp(t_s + ages_s, _GRID, _HEIGHT)
        return timing.step(round(t_s * 1e9), float(force_bw(np.array(t_s + 0.01))), height, known)

    for i in range(600):
        last = step(1.0 + 0.01 * i)
    timing.pause()
    assert step(9.0) == pytest.approx(last)
    timing.reset()
    assert step(9.01) == 0.0


@pytest.mark.parametrize("delay_s", [-0.01, -0.003, 0.0, 0.006, 0.01])
def test_reading_earlier_or_later_is_exact_on_parabolas(delay_s: float) -> None:
    def f(t: np.ndarray) -> np.ndarray:
        return 1.0 + 30.0 * t - 900.0 * t * t

    by_time = np.tile(f(np.array(SHIFTS_S))[None, :, None], (2, 1, 3))
    assert read_at(by_time, delay_s) == pytest.approx(np.full((2, 3), f(np.array(-delay_s))))


@given(st.floats(-0.6, 0.6), st.floats(-0.6, 0.6))
def test_a_nodding_pelvis_moves_itself_and_the_trunk_upon_it(before_rad: float, after_rad: float) -> None:
    lumbar_m, pelvis_m = np.array([-0.1007, 0.0815]), np.array([-0.0707, 0.0])

    def height_m(tilt_rad: float) -> float:
        turn = np.array([[np.cos(tilt_rad), -np.sin(tilt_rad)], [np.sin(tilt_rad), np.cos(tilt_rad)]])
        trunk_m = turn @ lumbar_m + np.array([0.0, 0.32])  # stays upright
        return float(0.536 * trunk_m[1] + 0.142 * (turn @ pelvis_m)[1])

    found = body_height(np.full(2, 0.9), np.array([before_rad, after_rad]))
    assert found[1] - found[0] == pytest.approx(height_m(after_rad) - height_m(before_rad), abs=1e-12)
