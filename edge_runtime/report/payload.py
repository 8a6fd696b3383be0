"""Turns a record into the series that the page draws: thinned out, rounded, time from 0 s."""

from __future__ import annotations

import base64
from typing import Final

import numpy as np

from edge_runtime.record.names import is_state, name_of
from edge_runtime.record.summary import LATENCY_BUDGET_MS, first_setpoints
from edge_runtime.report import downsample
from edge_runtime.report.muscles import by_group, group_of
from edge_runtime.report.series import BUCKETS, Chart, Source, line, period, rounded, series, strip
from edge_runtime.report.tissue import tissue_charts, tissue_seconds
from edge_runtime.telemetry import STAGES
from edge_runtime.types import F64, SIDES

PEAK_BUCKETS: Final = 1500
HEAT_COLUMNS: Final = 1500
TOP_MUSCLES: Final = 12
WINDOW_S: Final = 10.0
REST: Final = "hand-over, wait and wire"
SIDE_NAMES: Final = {"r": "right", "l": "left"}


def build(source: Source, summary: dict[str, object]) -> dict[str, object]:
    """All that the page's script draws: time axes, marks, charts by id; a chart without data is left out."""
    sent_ns, latency_ms, _ = first_setpoints(source.record)
    sent_s = (sent_ns - source.record.t0_ns) / 1e9
    peak_s = downsample.bucket_max(source.cycle_s, PEAK_BUCKETS)
    axes = {"cycle": source.cycle_s, "estimate": source.estimate_s, "sent": sent_s, "peak": peak_s}
    if (tissue_s := tissue_seconds(source)).size:
        axes["tissue"] = tissue_s
    charts: dict[str, Chart] = {
        **_latency(source, latency_ms, summary),
        **_motion(source),
        **_muscles(source),
        **_torque(source),
        **tissue_charts(source),
    }
    return {
        "duration_s": max(source.record.duration_s, 1e-3),
        "window": _first_window(source),
        "axes": {name: rounded(downsample.minmax_times(t, BUCKETS), 4) for name, t in axes.items()},
        "cuts": [(e.t_ns - source.record.t0_ns) / 1e9 for e in source.record.events if e.code == "cut"],
        "invalid": _invalid(source),
        "charts": {name: chart for name, chart in charts.items() if chart.get("series") != []},
    }


def _first_window(source: Source) -> list[float]:
    """What the charts show at first: all of a short run, else the strides after the first engagement."""
    end = max(source.record.duration_s, 1e-3)
    if end <= 1.5 * WINDOW_S:
        return [0.0, end]
    engaged = is_state(source.record.cycles["governor_state"], source.names.states, "ENGAGED")
    start = float(source.cycle_s[engaged][0]) if engaged.any() else 0.0
    start = max(0.0, min(start - 0.5, end - WINDOW_S))
    return [start, start + WINDOW_S]


def _latency(source: Source, latency_ms: F64, summary: dict[str, object]) -> dict[str, Chart]:
    estimates, cycles = source.record.estimates, source.record.cycles
    ready_ms = (estimates["t_ready_ns"] - estimates["t_capture_ns"]) / 1e6
    budget: Chart = {"value": LATENCY_BUDGET_MS, "label": f"{LATENCY_BUDGET_MS:g} ms budget"}
    over_time = [
        series("capture to setpoint", "sent", latency_ms, "main", width=1.6),
        series("capture to intent", "estimate", ready_ms, "second"),
        series("pose alone", "estimate", estimates["pose_ms"], "quiet"),
    ]
    loop = [
        series(name, "peak", downsample.bucket_max(cycles[key], PEAK_BUCKETS), color, digits=1)
        for name, key, color in (
            ("wake-up after the deadline", "wake_us", "main"),
            ("compute", "compute_us", "second"),
        )
    ]
    return {
        "budget": {"kind": "budget", "unit": "ms", "ref": budget, "parts": _budget_parts(summary)},
        "stages": {"kind": "bars", "unit": "ms", "ref": budget, "rows": _stage_rows(summary)},
        "histogram": _histogram(latency_ms, budget),
        "latency": {**line("ms", over_time, ref=budget, height=230), "overview": True},
        "loop": {**line("µs", loop, height=170), "overview": True},
    }


def _budget_parts(summary: dict[str, object]) -> list[Chart]:
    """Median time of each stage, then the rest up to the median capture to setpoint."""
    stages, total = summary["stages_ms"], summary["capture_to_setpoint_ms"]
    assert isinstance(stages, dict) and isinstance(total, dict)
    medians = {_words(stage): float(stages[stage]["p50"] or 0.0) for stage in STAGES}
    rest = max(0.0, float(total["p50"] or 0.0) - sum(medians.values()))
    return [{"name": name, "value": value} for name, value in [*medians.items(), (REST, rest)]]


def _stage_rows(summary: dict[str, object]) -> list[dict[str, object]]:
    stages = summary["stages_ms"]
    assert isinstance(stages, dict)
    blocks = {_words(stage): stages[stage] for stage in STAGES}
    blocks["capture to intent"] = summary["capture_to_intent_ms"]
    blocks["capture to setpoint"] = summary["capture_to_setpoint_ms"]
    return [{"name": name, **block} for name, block in blocks.items()]


def _histogram(latency_ms: F64, budget: dict[str, object]) -> Chart:
    finite = latency_ms[np.isfinite(latency_ms)]
    top = max(1.25 * LATENCY_BUDGET_MS, float(np.quantile(finite, 0.999)) if finite.size else 0.0)
    counts, edges = np.histogram(np.minimum(finite, top), bins=60, range=(0.0, top))
    return {
        "kind": "histogram",
        "unit": "ms",
        "ref": budget,
        "edges": rounded(edges, 3),
        "counts": counts.tolist(),
    }


def _motion(source: Source) -> dict[str, Chart]:
    charts: dict[str, Chart] = {}
    for side, name in SIDE_NAMES.items():
        charts[f"knee_{side}"] = line("deg", _knee(source, side, name))
        load = [
            series("medial", "estimate", source.force(f"kcf_medial_n_{side}"), "green", digits=3),
            series("lateral", "estimate", source.force(f"kcf_lateral_n_{side}"), "purple", digits=3),
            series("total", "estimate", source.force(f"kcf_total_n_{side}"), name, digits=3, width=1.8),
        ]
        charts[f"kcf_{side}"] = line(source.force_unit, load)
    for key, axis in (("grf_vertical", "y"), ("grf_fore_aft", "x")):
        both = [
            series(name, "estimate", source.force(f"grf_{axis}_{side}"), name, digits=3, width=1.6)
            for side, name in SIDE_NAMES.items()
        ]
        charts[key] = line(source.force_unit, both)
    residuals = [
        series(name, "estimate", source.estimate(f"newton_{part}_bw", 100.0), color)
        for name, part, color in (
            ("predicted", "before", "quiet"),
            ("refined, acceleration as measured", "left", "main"),
        )
    ]
    phases = [
        series(name, "estimate", source.estimate(f"gait_phase_{side}"), name, digits=3)
        for side, name in SIDE_NAMES.items()
    ]
    return {
        **charts,
        "newton": line("% BW", residuals, height=130),
        "gait_phase": line("", phases, height=130, top=1.0),
    }


def _knee(source: Source, side: str, color: str) -> list[Chart | None]:
    encoder, skeletal = (np.rad2deg(source.record.cycles[f"{key}_{side}"]) for key in ("position_rad", "knee_rad"))
    camera = source.estimate(f"knee_angle_{side}", 180.0 / np.pi)
    return [
        series("encoder", "cycle", encoder, "green"),
        series("skeletal knee (simulated)", "cycle", skeletal, "ink", dash="4 3"),
        series("camera estimate", "estimate", camera, color, width=1.8),
    ]


def _muscles(source: Source) -> dict[str, Chart]:
    charts: dict[str, Chart] = {}
    if source.estimate_s.size == 0:
        return charts
    for side in SIDES:
        rows = by_group(source.record.muscles, side)
        if rows:
            charts[f"activation_{side}"] = _heat(source, rows)
    for rank, base in enumerate(_top_muscles(source)):
        both = [
            series(name, "estimate", source.estimate(f"activation_{base}_{side}"), name, digits=3)
            for side, name in SIDE_NAMES.items()
            if f"{base}_{side}" in source.record.muscles
        ]
        chart = line("", both, height=112, top=1.0)
        charts[f"muscle_{rank}"] = {**chart, "title": base, "subtitle": group_of(base)}
    return charts


def _heat(source: Source, rows: list[tuple[str, str]]) -> Chart:
    activation = np.column_stack([source.estimate(f"activation_{name}") for _, name in rows])
    thin = downsample.bucket_max(activation, HEAT_COLUMNS)
    levels = np.round(255.0 * np.clip(thin, 0.0, 1.0)).astype(np.uint8)
    return {
        "kind": "heat",
        "unit": "activation",
        "rows": [{"name": name, "group": group} for group, name in rows],
        "start": float(source.estimate_s[0]),
        "end": float(source.estimate_s[-1]) + period(source.estimate_s),
        "columns": levels.shape[0],
        "levels": base64.b64encode(levels.T.tobytes()).decode(),
    }


def _top_muscles(source: Source) -> list[str]:
    """The muscles (without side) that are most active at their 99th percentile."""
    peaks: dict[str, float] = {}
    for name in source.record.muscles:
        values = source.estimate(f"activation_{name}")
        values = values[np.isfinite(values)]
        base = name[:-2] if name.endswith(("_r", "_l")) else name
        if values.size:
            peaks[base] = max(peaks.get(base, 0.0), float(np.quantile(values, 0.99)))
    return sorted(peaks, key=lambda base: -peaks[base])[:TOP_MUSCLES]


def _torque(source: Source) -> dict[str, Chart]:
    cycles = source.record.cycles
    state = strip("governor", source, cycles["governor_state"], source.names.states)
    charts: dict[str, Chart] = {}
    for side, name in SIDE_NAMES.items():
        lines = [
            series("measured at the drive", "cycle", cycles[f"measured_nm_{side}"], "quiet"),
            series("after compensation", "cycle", cycles[f"compensated_nm_{side}"], "purple"),
            series("after the limiter, on the wire", "cycle", cycles[f"limited_nm_{side}"], "green"),
            series("delivered to the skeletal knee", "cycle", cycles[f"knee_nm_{side}"], name, width=1.8),
            series("asked", "cycle", cycles[f"desired_nm_{side}"], "ink", dash="5 3"),
        ]
        limiter = strip("limiter", source, cycles[f"limiter_{side}"], source.names.limiter_reasons)
        charts[f"torque_{side}"] = {**line("Nm", lines, height=260), "strips": [limiter, state]}
    return charts


def _invalid(source: Source) -> list[list[object]]:
    """Spans without a valid estimate, as [start, end, reason]."""
    reason = np.where(source.valid, np.nan, np.nan_to_num(source.record.estimates["reason"]))
    if source.estimate_s.size == 0:
        return []
    end = float(source.estimate_s[-1]) + period(source.estimate_s)
    found = downsample.spans(source.estimate_s, reason, end, source.estimate_s.size)
    return [[round(a, 4), round(b, 4), name_of(source.names.estimate_reasons, code)] for a, b, code in found]


def _words(stage: str) -> str:
    return {"grf": "ground reaction", "kcf": "knee contact"}.get(stage, stage.replace("_", " "))
