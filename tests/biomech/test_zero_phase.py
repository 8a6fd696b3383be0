"""Zero-phase filter and spline derivatives against SciPy and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import make_interp_spline
from scipy.signal import butter, filtfilt

from edge_runtime.biomech.zero_phase import derivatives, low_pass

RATE_HZ = 100.0
T = np.arange(0.0, 6.0, 1.0 / RATE_HZ)
INNER = slice(100, -100)


@pytest.mark.parametrize("cutoff_hz", [2.0, 6.0, 20.0])
def test_inside_it_is_scipys_third_order_butterworth_both_ways(cutoff_hz: float) -> None:
    signal = np.random.default_rng(0).normal(size=(len(T), 2)).cumsum(axis=0)
    b, a = butter(3, cutoff_hz / (0.5 * RATE_HZ))
    wanted = filtfilt(b, a, signal, axis=0)
    assert np.abs(low_pass(signal, RATE_HZ, cutoff_hz) - wanted)[INNER].max() < 1e-4 * np.abs(signal).max()


def test_it_shifts_nothing_and_halves_the_cutoff_frequency() -> None:
    wave = np.cos(2 * np.pi * 6.0 * T)[:, None]
    out = low_pass(wave, RATE_HZ, 6.0)[INNER]
    assert out == pytest.approx(0.5 * wave[INNER], abs=1e-3)


@pytest.mark.parametrize("cutoff_hz", [50.0, 80.0])
def test_a_cutoff_that_the_sampling_cannot_carry_changes_nothing(cutoff_hz: float) -> None:
    wave = np.cos(T)[:, None]
    assert (low_pass(wave, RATE_HZ, cutoff_hz) == wave).all()


def test_straight_lines_pass_unchanged_to_the_very_ends() -> None:
    line = np.stack([2.0 - 3.0 * T, T], axis=1)
    assert np.abs(low_pass(line, RATE_HZ) - line).max() < 1e-6
    first, second = derivatives(line, RATE_HZ)
    assert np.abs(first - [-3.0, 1.0]).max() < 1e-9
    assert np.abs(second).max() < 1e-7


def test_derivatives_are_those_of_the_quintic_spline() -> None:
    signal = np.stack([np.sin(9.0 * T), T * np.cos(5.0 * T)], axis=1)
    spline = make_interp_spline(T, signal, k=5)
    first, second = derivatives(signal, RATE_HZ)
    assert np.abs(first - spline(T, 1))[INNER].max() < 1e-9
    assert np.abs(second - spline(T, 2))[INNER].max() < 1e-7
