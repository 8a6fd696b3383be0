"""Quantile blocks, strict JSON and the host block."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.stats import host_block, jsonable, quantiles, to_json


def test_quantiles_of_a_known_series() -> None:
    block = quantiles(np.arange(1001.0))
    assert block == {"n": 1001, "p50": 500.0, "p90": 900.0, "p99": 990.0, "p99_9": 999.0, "max": 1000.0}


def test_nan_is_left_out_and_nothing_gives_none() -> None:
    assert quantiles([np.nan, 2.0, np.inf])["n"] == 1
    assert quantiles([]) == {"n": 0, "p50": None, "p90": None, "p99": None, "p99_9": None, "max": None}


@given(st.lists(st.floats(-1e9, 1e9), min_size=1))
def test_quantiles_are_ordered_and_inside(values: list[float]) -> None:
    block = quantiles(values)
    series = [min(values), *(block[key] for key in ("p50", "p90", "p99", "p99_9", "max"))]
    numbers = [float(value) for value in series if value is not None]
    assert len(numbers) == 6
    slack = 1e-6 * max(1.0, *(abs(v) for v in numbers))
    assert all(a <= b + slack for a, b in pairwise(numbers))
    assert block["max"] == max(values)


def test_to_json_is_strict_and_keeps_the_order_of_keys() -> None:
    text = to_json({"b": np.float64("nan"), "a": (np.int64(3), np.array([1.5, np.inf])), "c": np.True_})
    assert json.loads(text, parse_constant=lambda name: 1 / 0) == {
        "b": None,
        "a": [3, [1.5, None]],
        "c": True,
    }
    assert text.index('"b"') < text.index('"a"')
    assert jsonable(np.zeros(2)) == [0.0, 0.0]


def test_host_block_says_what_measured_it() -> None:
    block = host_block(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    host = block["host"]
    assert isinstance(host, dict)
    assert set(host) == {"cpu", "kernel", "cores", "gpu"}
    assert host["cpu"] and host["kernel"].startswith("Linux") and host["cores"] >= 1
    assert block["date"] == "2026-01-02T03:04:05+00:00"
    assert block["commit"] is None or len(str(block["commit"])) == 40
    json.dumps(block, allow_nan=False)
