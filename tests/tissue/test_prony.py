"""Prony arms: moduli against a numerical Fourier integral, fits to loss tangents and relaxations, and bad values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.errors import UserError
from edge_runtime.tissue.prony import Arms, arms_from_loss, arms_from_relaxation, read_relaxation, storage_and_loss

ARMS = Arms((0.3, 0.2, 0.1), (0.02, 0.3, 2.0))


def relaxation(arms: Arms, time_s: np.ndarray) -> np.ndarray:
    out: np.ndarray = 1.0 + np.exp(-time_s[:, None] / np.array(arms.time_s)) @ np.array(arms.share)
    return out


@pytest.mark.parametrize("frequency_hz", [0.3, 1.0, 5.0])
def test_moduli_are_the_transform_of_the_relaxation(frequency_hz: float) -> None:
    t, w = np.linspace(0.0, 30.0, 600001), 2.0 * np.pi * frequency_hz
    fading = relaxation(ARMS, t) - 1.0
    storage, loss = storage_and_loss(ARMS, np.array([frequency_hz]))
    assert storage[0] == pytest.approx(1.0 + w * np.trapezoid(fading * np.sin(w * t), t), rel=1e-3)
    assert loss[0] == pytest.approx(w * np.trapezoid(fading * np.cos(w * t), t), rel=1e-2)


@settings(max_examples=8, deadline=None)
@given(tangent=st.floats(0.02, 0.4))
def test_a_flat_loss_tangent_is_met_over_a_factor_of_sixteen(tangent: float) -> None:
    frequency_hz = np.geomspace(0.25, 4.0, 15)
    arms = arms_from_loss(frequency_hz, np.full(15, tangent))
    storage, loss = storage_and_loss(arms, frequency_hz)
    assert np.abs(loss / storage / tangent - 1.0).max() < 0.03
    assert min(arms.share) >= 0.0


def test_a_relaxation_of_three_arms_is_found_again() -> None:
    t = np.geomspace(0.005, 20.0, 40)
    arms = arms_from_relaxation(t, 5e4 * relaxation(ARMS, t))
    frequency_hz = np.geomspace(0.25, 4.0, 9)
    ours, truth = storage_and_loss(arms, frequency_hz), storage_and_loss(ARMS, frequency_hz)
    assert np.abs(ours[0] / truth[0] - 1.0).max() < 0.01
    assert np.abs(ours[1] / truth[1] - 1.0).max() < 0.06


@pytest.mark.parametrize(
    ("at", "values"), [([1.0, 2.0], [0.1, 0.1]), ([0.0, 1.0, 2.0], [0.1] * 3), ([1.0, 2.0, 3.0], [0.1, np.nan, 0.1])]
)
def test_values_that_cannot_be_are_named(at: list[float], values: list[float]) -> None:
    with pytest.raises(UserError, match="loss tangent"):
        arms_from_loss(np.array(at), np.array(values))


def test_a_relaxation_file_is_read_and_a_bad_one_named(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("# s, Pa\n0.01,120\n0.1,110\n1,100\n")
    bad.write_text("1,100\n0.1,110\n")
    time_s, modulus = read_relaxation(good)
    assert list(time_s) == [0.01, 0.1, 1.0] and list(modulus) == [120.0, 110.0, 100.0]
    for path in (bad, tmp_path / "none.csv"):
        with pytest.raises(UserError, match=path.name):
            read_relaxation(path)
