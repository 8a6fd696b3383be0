"""Thins out long series for drawing without losing their peaks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from edge_runtime.types import F64


def minmax_times(t: F64, buckets: int) -> F64:
    """The times that belong to `minmax`: `t` itself up to 2 x `buckets` samples, else two per bucket."""
    if t.size <= 2 * buckets:
        return t
    edges = _edges(t.size, buckets)
    first, last = t[edges[:-1]], t[edges[1:] - 1]
    step = (last - first) / 4.0
    return np.column_stack([first + step, last - step]).ravel()


def minmax(values: F64, buckets: int) -> F64:
    """`values` [n] as they are up to 2 x `buckets` samples, else the smallest and the largest of each bucket.

    The two follow the slope of the bucket; NaN only where a whole bucket is NaN."""
    if values.size <= 2 * buckets:
        return values
    edges = _edges(values.size, buckets)
    nan = np.isnan(values)
    low = np.minimum.reduceat(np.where(nan, np.inf, values), edges[:-1])
    high = np.maximum.reduceat(np.where(nan, -np.inf, values), edges[:-1])
    rising = np.where(nan, 0.0, values)[edges[1:] - 1] >= np.where(nan, 0.0, values)[edges[:-1]]
    pair = np.column_stack([np.where(rising, low, high), np.where(rising, high, low)])
    pair[~np.isfinite(pair)] = np.nan
    return pair.ravel()


def bucket_max(values: F64, buckets: int) -> F64:
    """Largest value per bucket along the first axis of `values` [n, ...]; at most `buckets`, NaN as 0."""
    clean = np.nan_to_num(values)
    if clean.shape[0] <= buckets:
        return clean
    result: F64 = np.maximum.reduceat(clean, _edges(clean.shape[0], buckets)[:-1], axis=0)
    return result


def spans(t: F64, codes: F64, end: float, buckets: int) -> list[tuple[float, float, int]]:
    """Runs of equal `codes` [n] as (start, end, code), NaN left out; the last run ends at `end`.

    Past 2 x `buckets` samples a bucket takes the code of its rarest non-zero value, so that short runs show.
    """
    if t.size > 2 * buckets:
        edges = _edges(t.size, buckets)
        counts = _counts(codes)
        rarest = [_rarest(codes[a:b], counts) for a, b in pairwise(edges)]
        t, codes = t[edges[:-1]], np.array(rarest)
    clean = np.where(np.isfinite(codes), codes, -1.0).astype(np.int64)
    starts = np.flatnonzero(np.diff(clean, prepend=clean[:1] - 1)) if clean.size else np.zeros(0, np.int64)
    stops = np.append(t[starts[1:]], end)
    rows = zip(t[starts].tolist(), stops.tolist(), clean[starts].tolist(), strict=True) if starts.size else ()
    return [(a, b, code) for a, b, code in rows if code >= 0]


def _edges(n: int, buckets: int) -> npt.NDArray[np.int64]:
    return np.linspace(0, n, buckets + 1).astype(np.int64)


def _counts(codes: F64) -> dict[float, int]:
    found, counts = np.unique(codes[np.isfinite(codes)], return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _rarest(codes: F64, counts: dict[float, int]) -> float:
    here = set(codes[np.isfinite(codes)].tolist())
    return min(here - {0.0} or here, key=lambda code: counts[code], default=float("nan"))
