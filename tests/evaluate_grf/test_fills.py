"""Every fill keeps the contract of the protocol; the simple ones do what their names say."""

from __future__ import annotations

import numpy as np
import pytest

from edge_runtime.evaluate_grf.fills import Fill, Hold, Linear, Masked, fills
from edge_runtime.types import COORDINATES, F64

T_S: F64 = np.arange(150, dtype=np.float64) * 0.01


def history() -> tuple[F64, F64]:
    """A ramp in every coordinate, whole and with the left leg unseen for the last 0.3 s."""
    whole = T_S[:, None] * np.arange(1.0, len(COORDINATES) + 1.0)
    q = whole.copy()
    q[120:, [name.endswith("_l") for name in COORDINATES]] = np.nan
    return whole, q


@pytest.mark.parametrize("fill", fills(), ids=lambda fill: fill.name)
def test_what_was_seen_comes_back_and_nothing_given_is_changed(fill: Fill) -> None:
    _, q = history()
    given = q.copy()
    fill.reset()
    out, sd = fill.fill(T_S, q)
    seen = np.isfinite(given)
    assert np.array_equal(q, given, equal_nan=True)
    assert out.shape == sd.shape == q.shape
    assert np.array_equal(out[seen], given[seen]) and not sd[seen].any()
    assert (sd[~seen] > 0.0).all()


@pytest.mark.parametrize("fill", fills(), ids=lambda fill: fill.name)
def test_the_past_does_not_change_with_the_future(fill: Fill) -> None:
    _, q = history()
    fill.reset()
    early = fill.fill(T_S[:130], q[:130])[0][-1]
    changed = q.copy()
    changed[130:] += 5.0
    fill.reset()
    assert np.array_equal(fill.fill(T_S[:130], changed[:130])[0][-1], early, equal_nan=True)


@pytest.mark.parametrize("fill", fills(), ids=lambda fill: fill.name)
def test_a_leg_that_was_never_seen_stays_unknown(fill: Fill) -> None:
    _, q = history()
    q[:, -1] = np.nan
    fill.reset()
    assert np.isnan(fill.fill(T_S, q)[0][:, -1]).all()


def test_hold_keeps_the_last_value_and_linear_goes_on() -> None:
    whole, q = history()
    held, straight = Hold().fill(T_S, q)[0], Linear().fill(T_S, q)[0]
    assert held[149, -1] == whole[119, -1]
    assert straight[149, -1] == pytest.approx(whole[149, -1])
    assert np.isnan(Masked().fill(T_S, q)[0][149, -1])
