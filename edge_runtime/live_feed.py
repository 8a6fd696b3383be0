"""From telemetry rows to what the live view shows: keeps the newest of each and a window of latencies."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from edge_runtime.live import LiveState
from edge_runtime.record.summary import LATENCY_BUDGET_MS, STANDARD_GRAVITY_MPS2
from edge_runtime.telemetry import CYCLE_FIELDS, ESTIMATE_HEAD
from edge_runtime.types import F64
from firmware_bridge.table import LIMITER_REASONS, TABLE

_LATENCY_WINDOW: Final = 600  # estimates behind the live p50 and p99
_CYCLE: Final = {name: i for i, name in enumerate(CYCLE_FIELDS)}
_ESTIMATE: Final = {name: i for i, name in enumerate(ESTIMATE_HEAD)}


class LiveFeed:
    """Fed with the rows of both streams; `mass_kg` of the wearer turns forces into body weights."""

    def __init__(self, mass_kg: float) -> None:
        self._weight_n = mass_kg * STANDARD_GRAVITY_MPS2
        self._cycle: F64 | None = None
        self._estimate: F64 | None = None
        self._latency_ms: deque[float] = deque(maxlen=_LATENCY_WINDOW)

    def see_cycles(self, rows: F64) -> None:
        """Rows [n, CYCLE_FIELDS] of the loop, oldest first."""
        first = rows[rows[:, _CYCLE["intent_first"]] == 1.0]
        sent_ns = first[:, _CYCLE["t_ns"]] + first[:, _CYCLE["compute_us"]] * 1e3
        self._latency_ms.extend((sent_ns - first[:, _CYCLE["intent_capture_ns"]]) * 1e-6)
        self._cycle = rows[-1].copy()

    def see_estimate(self, row: F64) -> None:
        """One row of the estimator."""
        self._estimate = row.copy()

    def state(
        self, *, elapsed_s: float, total_s: float, frames: int, dropped: int, cycles: int, host_state: str
    ) -> LiveState | None:
        """The view's content now; None before the first cycle."""
        row = self._cycle
        if row is None:
            return None
        latency = np.array(self._latency_ms) if self._latency_ms else None
        missed = int(row[_CYCLE["missed"]])
        return LiveState(
            elapsed_s=elapsed_s,
            total_s=total_s,
            estimator_hz=frames / elapsed_s if elapsed_s > 0.5 else None,
            loop_hz=1000.0 * cycles / (cycles + missed) if cycles > 100 else None,
            latency_p50_ms=None if latency is None else float(np.percentile(latency, 50)),
            latency_p99_ms=None if latency is None else float(np.percentile(latency, 99)),
            budget_ms=LATENCY_BUDGET_MS,
            age_ms=_known(row[_CYCLE["age_ms_r"]]),
            state=host_state,
            governor_reason=_reason(row),
            torque_nm=(float(row[_CYCLE["limited_nm_r"]]), float(row[_CYCLE["limited_nm_l"]])),
            torque_limit_nm=TABLE.host_limits("knee_r").torque_nm,
            limiter=(_limiter(row, "r"), _limiter(row, "l")),
            kcf_medial_bw=self._in_bw("medial"),
            kcf_lateral_bw=self._in_bw("lateral"),
            dropped=dropped,
            missed=missed,
            rejected=int(row[_CYCLE["rejected"]]),
        )

    def _in_bw(self, part: str) -> tuple[float | None, float | None]:
        if self._estimate is None:
            return (None, None)
        right, left = (_known(self._estimate[_ESTIMATE[f"kcf_{part}_n_{side}"]] / self._weight_n) for side in "rl")
        return (right, left)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _reason(row: F64) -> str:
    name = TABLE.reason_name(int(row[_CYCLE["governor_reason"]]))
    return "" if name == "none" else name


def _limiter(row: F64, side: str) -> str:
    name = LIMITER_REASONS[int(row[_CYCLE[f"limiter_{side}"]])]
    return "" if name == "none" else name
