"""Watch on the interface: what is wrong is found in time, what is right is left alone, under the camera's errors.

The true leg is a reduced model of its own: quick, so that many walks can be tried; with finite elements on both sides
`exo-edge bench tissue --part observer_ms` does the same.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.tissue.geometry import Phantom, phantom_for
from edge_runtime.tissue.observer_trial import FRAME_S, Found, Walk, found, measure, observe_reduced, slid
from edge_runtime.tissue.reduced_pace import Reduced
from edge_runtime.tissue.springs import spring_interface
from edge_runtime.tissue.watch import CAUSES, FIRST_S, FitWatch, Moment

LEG = phantom_for(1.75, 75.0)
SLIP_FRAME = 720


@cache
def springs(leg: Phantom = LEG) -> npt.NDArray[Any]:
    return spring_interface(leg)


def scaled(stiffness: float) -> npt.NDArray[Any]:
    out = springs().copy()
    out["stiffness"] = stiffness
    return out


def trial(
    walk: Walk, plant: npt.NDArray[Any], slipped: npt.NDArray[Any] | None = None, turned_rad: float = 0.0
) -> Found:
    legs = [Reduced(p, FRAME_S) if p is not None else None for p in (plant, slipped)]
    assert legs[0] is not None
    return found(observe_reduced(springs(), measure(walk, legs[0], legs[1], SLIP_FRAME, turned_rad)))


@settings(max_examples=12, deadline=None)
@given(
    stiffness=st.floats(0.8, 1.2),
    seed=st.integers(0, 10**6),
    stride_s=st.floats(0.9, 1.4),
    bias_rad=st.floats(-0.12, 0.12),
    delay_s=st.floats(0.0, 0.03),
)
def test_ten_normal_strides_raise_no_doubt(
    stiffness: float, seed: int, stride_s: float, bias_rad: float, delay_s: float
) -> None:
    walk = Walk(stride_s=stride_s, seed=seed, bias_rad=bias_rad, delay_s=delay_s)
    assert trial(walk, scaled(stiffness)).first == -1


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("stiffness", [0.5, 2.5])
def test_other_tissue_is_found_as_soon_as_the_fit_counts(seed: int, stiffness: float) -> None:
    result = trial(Walk(seed=seed), scaled(stiffness))
    assert result.cause == "tissue_stiffness"
    assert result.first * FRAME_S < FIRST_S + 3.0


def test_cuffs_of_half_the_length_are_found() -> None:
    short = {name: replace(getattr(LEG, name), length_m=0.06) for name in ("thigh_cuff", "shank_cuff")}
    result = trial(Walk(), springs(replace(LEG, **short)))
    assert result.cause == "tissue_stiffness" and 0 < result.full * FRAME_S < FIRST_S + 1.0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_device_that_slips_is_found_in_seconds(seed: int) -> None:
    walk = Walk(strides=16, seed=seed)
    forward = springs(slid(LEG, 0.0, 0.025))
    for slipped, turned_rad, within_s in ((forward, 0.0, 5.0), (None, math.radians(8.0), 2.5)):
        result = trial(walk, springs(), slipped, turned_rad)
        assert result.cause == "tissue_slip"
        assert 0.0 < (result.first - SLIP_FRAME) * FRAME_S < within_s


def moment(angle: float, full: float, torque_nm: float = 5.0, reduced: float | None = None) -> Moment:
    return Moment(0.3, 0.0, torque_nm, angle, full, full if reduced is None else reduced)


def walked(watch: FitWatch, gain: float, offset: float = 0.0, seconds: float = 12.0, reduced: float = 1.0) -> None:
    for k in range(round(seconds / FRAME_S)):
        full = 0.1 * math.sin(6.0 * k * FRAME_S)
        watch.step(moment(offset + gain * full, full, reduced=reduced * full), FRAME_S)


@given(gain=st.floats(0.3, 3.0), offset=st.floats(-0.3, 0.3))
@settings(max_examples=20, deadline=None)
def test_without_noise_the_gain_is_exact_whatever_the_zero(gain: float, offset: float) -> None:
    watch = FitWatch()
    walked(watch, gain, offset)
    assert watch.last.gain == pytest.approx(gain, rel=1e-6)
    off = abs(math.log(gain))
    plain = min(max((off - math.log(1.4)) / math.log(1.8 / 1.4), 0.0), 1.0)  # without the error that is allowed for
    assert plain - 0.25 <= watch.last.share <= plain + 1e-9


def test_a_reduced_model_gone_wrong_is_doubted() -> None:
    watch = FitWatch()
    walked(watch, 1.0, reduced=1.2)
    assert watch.last.share == 0.0
    walked(watch, 1.0, reduced=1.6)
    assert CAUSES[watch.last.cause] == "tissue_model" and watch.last.share == 1.0


def test_without_load_nothing_is_forgotten_and_a_new_fit_forgets() -> None:
    watch = FitWatch()
    walked(watch, 2.0)
    sure = watch.last
    assert sure.share == 1.0
    for _ in range(1000):
        watch.step(moment(0.0, 0.0, torque_nm=0.0), FRAME_S)
    assert watch.last.share == sure.share
    watch.reset()
    assert watch.last.share == 0.0 and math.isnan(watch.last.gain)


def test_doubt_rises_steadily_with_what_is_wrong() -> None:
    shares = []
    for gain in np.linspace(1.3, 2.0, 15):
        watch = FitWatch()
        walked(watch, float(gain))
        shares.append(watch.last.share)
    assert shares[0] == 0.0 and shares[-1] == 1.0
    assert (np.diff(shares) >= 0.0).all() and np.diff(shares).max() < 0.25
