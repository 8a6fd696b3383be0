"""Intent: interpolation and the fade by age, at their corners."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.intent import HORIZON_NS, INTENT_WORDS, KNOT_SPACING_NS, KNOTS, at, lateness_gain, new_intent

RAMP = np.arange(KNOTS, dtype=float)


def test_knots_are_hit_and_the_ends_are_held() -> None:
    for i in range(KNOTS):
        assert at(RAMP, i * KNOT_SPACING_NS) == i
    assert at(RAMP, -1) == 0.0
    assert at(RAMP, HORIZON_NS + 1) == KNOTS - 1
    assert at(RAMP, KNOT_SPACING_NS // 2) == pytest.approx(0.5)


def test_the_fade_is_linear_in_time_between_its_two_ages() -> None:
    assert lateness_gain(20, 20, 60) == 1.0
    assert lateness_gain(21, 20, 60) < 1.0
    assert lateness_gain(40, 20, 60) == 0.5
    assert lateness_gain(59, 20, 60) > 0.0
    assert lateness_gain(60, 20, 60) == 0.0


@given(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12))
def test_older_never_means_more(a: int, b: int) -> None:
    old, young = max(a, b), min(a, b)
    assert 0.0 <= lateness_gain(old, 20_600_000, 56_600_000) <= lateness_gain(young, 20_600_000, 56_600_000) <= 1.0


def test_the_mailbox_carries_the_whole_record() -> None:
    intent = new_intent()
    assert intent.view(np.int64).shape == (INTENT_WORDS,)
    intent[0]["torque_nm"][1, 5] = -3.25
    assert intent.view(np.int64).copy().view(intent.dtype)[0]["torque_nm"][1, 5] == -3.25
