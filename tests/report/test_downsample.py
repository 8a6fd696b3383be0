"""Thinning out keeps the peaks, the gaps and the short runs."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge_runtime.report.downsample import bucket_max, minmax, minmax_times, spans
from edge_runtime.types import F64

values = arrays(np.float64, st.integers(1, 400), elements=st.floats(-1e6, 1e6))


@given(values, st.integers(1, 50))
def test_minmax_keeps_the_extremes_and_fits_its_times(series: F64, buckets: int) -> None:
    thin = minmax(series, buckets)
    times = minmax_times(np.arange(series.size, dtype=np.float64), buckets)
    assert thin.size == times.size <= max(series.size, 2 * buckets)
    assert thin.min() == series.min() and thin.max() == series.max()
    assert np.all(np.diff(times) >= 0.0)


def test_a_gap_stays_a_gap_and_a_lone_value_stays() -> None:
    series = np.full(1000, np.nan)
    series[700] = 3.0
    thin = minmax(series, 10)
    assert np.isnan(thin[:14]).all()
    assert thin[14] == thin[15] == 3.0


def test_short_series_are_untouched() -> None:
    series = np.array([1.0, np.nan, 2.0])
    assert minmax(series, 2) is series and minmax_times(series, 2) is series


def test_bucket_max_per_column() -> None:
    block = np.column_stack([np.arange(100.0), np.where(np.arange(100) == 42, 9.0, np.nan)])
    thin = bucket_max(block, 10)
    assert thin.shape == (10, 2)
    assert thin[:, 0].tolist() == [9.0 + 10 * k for k in range(10)]
    assert thin[:, 1].tolist() == [0, 0, 0, 0, 9.0, 0, 0, 0, 0, 0]


def test_spans_are_runs_without_nan() -> None:
    t = np.arange(6.0)
    codes = np.array([2.0, 2.0, np.nan, 1.0, 1.0, 3.0])
    assert spans(t, codes, 6.0, 100) == [(0.0, 2.0, 2), (3.0, 5.0, 1), (5.0, 6.0, 3)]
    assert spans(np.zeros(0), np.zeros(0), 0.0, 10) == []


def test_a_single_odd_sample_survives_thinning() -> None:
    codes = np.zeros(10_000)
    codes[5_000:] = 4.0
    codes[7_321] = 6.0
    found = spans(np.arange(10_000.0), codes, 10_000.0, 100)
    assert [code for _, _, code in found] == [0, 4, 6, 4]
