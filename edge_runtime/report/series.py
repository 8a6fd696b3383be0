"""The building blocks of the page's charts: shared time axes, lines, strips, rounding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_runtime.record import Names, Record
from edge_runtime.record.names import name_of
from edge_runtime.record.summary import STANDARD_GRAVITY_MPS2
from edge_runtime.report import downsample
from edge_runtime.types import F64

BUCKETS: Final = 5000
"""Buckets of a thinned series, two points each: 12 ms over a minute."""

Chart = dict[str, object]


@dataclass(frozen=True, slots=True)
class Source:
    """A record with what its charts share: time axes in s from `t0_ns`, validity and the unit of forces."""

    record: Record
    names: Names
    cycle_s: F64
    estimate_s: F64
    valid: npt.NDArray[np.bool_]
    force_scale_n: float
    force_unit: str

    @classmethod
    def of(cls, record: Record, names: Names, mass_kg: float | None) -> Source:
        """Forces are in body weights where `mass_kg` is known, else in N."""
        t0 = record.t0_ns
        return cls(
            record=record,
            names=names,
            cycle_s=(record.cycles["t_ns"] - t0) / 1e9,
            estimate_s=(record.estimates["t_capture_ns"] - t0) / 1e9,
            valid=record.estimates["valid"] == 1.0,
            force_scale_n=mass_kg * STANDARD_GRAVITY_MPS2 if mass_kg else 1.0,
            force_unit="BW" if mass_kg else "N",
        )

    def estimate(self, name: str, scale: float = 1.0) -> F64:
        """A column of the estimates, NaN where the estimate is not valid."""
        return np.where(self.valid, self.record.estimates[name] * scale, np.nan)

    def force(self, name: str) -> F64:
        """A force of the estimates in `force_unit`."""
        return self.estimate(name, 1.0 / self.force_scale_n)


def strip(name: str, source: Source, codes: F64, names: tuple[str, ...]) -> Chart:
    """A coloured strip under a chart: runs of equal `codes` [cycles] and what the codes mean."""
    end = float(source.cycle_s[-1]) if source.cycle_s.size else 0.0
    found = downsample.spans(source.cycle_s, codes, end, BUCKETS)
    return {
        "name": name,
        "spans": [[round(a, 4), round(b, 4), code] for a, b, code in found],
        "labels": {str(code): name_of(names, code) for code in sorted({code for _, _, code in found})},
    }


def line(
    unit: str,
    lines: list[Chart | None],
    *,
    height: int = 200,
    top: float | None = None,
    ref: Chart | None = None,
) -> Chart:
    """A chart over time: `lines` from `series`, a reference line `ref`, a fixed upper end `top` of y."""
    kept = [item for item in lines if item is not None]
    return {"kind": "line", "unit": unit, "series": kept, "ref": ref, "height": height, "top": top}


def series(
    name: str, axis: str, values: F64, color: str, *, digits: int = 2, dash: str = "", width: float = 1.2
) -> Chart | None:
    """One line of a chart over the time axis `axis`, rounded to `digits`; None without a finite value."""
    if not np.isfinite(values).any():
        return None
    y = rounded(downsample.minmax(values, BUCKETS), digits)
    return {"name": name, "axis": axis, "color": color, "dash": dash, "width": width, "y": y}


def rounded(values: F64, digits: int) -> list[float | None]:
    """`values` [n] rounded for JSON, None for NaN."""
    return [None if math.isnan(value) else value for value in np.round(values, digits).tolist()]


def period(t: F64) -> float:
    """Median step of the time axis `t` [n]; 0 without a step."""
    return float(np.median(np.diff(t))) if t.size > 1 else 0.0
