"""What the bench measures on a trace: one number per measure, with its unit, from the part after `from_s`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from edge_runtime.assist import STANDARD_GRAVITY_MPS2
from edge_runtime.config import load_device
from edge_runtime.errors import UserError
from edge_runtime.tissue.pressure import FLAG_DISCOMFORT_PA
from edge_runtime.types import F64
from firmware_bridge.table import STATES, TABLE
from hil.intents import contact_n
from hil.output_check import check_output, safe_entries
from hil.rigs.base import JOINTS
from hil.rigs.gel import wearer_of
from hil.scenario import Bound, Scenario
from hil.trace import Trace

_FELT_NM: Final = 0.05
"""A command up to this, and what damps in SAFE, counts as none: half of what the torque sensor's noise shows."""
_QUIET_S: Final = 0.1  # torque that stays away for so long is gone
_RATE_MS: Final = 20  # the firmware's filter of the rate is at 60 Hz
_LAG_MAX_MS: Final = 150
_NO_TORQUE_NM: Final = 0.2  # a wish below it says nothing about tracking

Score = Callable[[Trace, Scenario], float | None]


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure: its unit, what it says, and how it is taken; None where the trace does not tell."""

    unit: str
    text: str
    take: Score


def scores(trace: Trace, scenario: Scenario) -> dict[str, float | None]:
    """Every measure of `MEASURES`, None where it was not measured."""
    if not trace.t_s.size:
        return dict.fromkeys(MEASURES)
    return {name: _finite(measure.take(trace, scenario)) for name, measure in MEASURES.items()}


def check_bounds(bounds: Iterable[Bound], path: Path) -> None:
    """Raises UserError where a bound names no measure, another unit than its own, or bounds nothing."""
    for i, bound in enumerate(bounds):
        if bound.name not in MEASURES:
            raise UserError(f"{path}: `measure[{i}].name` must be one of {', '.join(MEASURES)}, got {bound.name!r}")
        unit = MEASURES[bound.name].unit
        if bound.unit != unit:
            raise UserError(f"{path}: `measure[{i}].unit` of {bound.name} must be {unit!r}, got {bound.unit!r}")
        if bound.min is None and bound.max is None:
            raise UserError(f"{path}: `measure[{i}]` bounds nothing; add min or max")


def _finite(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value


def _window(trace: Trace, scenario: Scenario) -> slice:
    return trace.between(scenario.from_s, scenario.seconds)


def _legs(trace: Trace, scenario: Scenario, wished: str = "desired_nm") -> list[tuple[F64, F64]]:
    """(wished, delivered) of each leg in the window while ENGAGED, where there is something wished."""
    part = _window(trace, scenario)
    engaged = trace.column("governor_state")[part] == STATES["ENGAGED"]
    legs = []
    for side in range(1 if scenario.fidelity == "full" or scenario.rig == "phantom-serial" else JOINTS):
        a, b = trace.column(wished, side)[part][engaged], trace.column("knee_nm", side)[part][engaged]
        both = np.isfinite(a) & np.isfinite(b)
        if both.any() and float(np.abs(a[both]).max()) > _NO_TORQUE_NM:
            legs.append((a[both], b[both]))
    return legs


def _of_worst(values: list[float], worst: Callable[[list[float]], float]) -> float | None:
    return worst(values) if values else None


def _transmission(trace: Trace, scenario: Scenario) -> float | None:
    slopes = [float(a @ b / (a @ a)) for a, b in _legs(trace, scenario, "limited_nm")]
    return _of_worst(slopes, min)


def _rmse(trace: Trace, scenario: Scenario) -> float | None:
    return _of_worst([float(np.sqrt(np.mean((a - b) ** 2))) for a, b in _legs(trace, scenario)], max)


def _rmse_pct(trace: Trace, scenario: Scenario) -> float | None:
    legs = _legs(trace, scenario)
    return _of_worst([100.0 * float(np.sqrt(np.mean((a - b) ** 2)) / np.abs(a).max()) for a, b in legs], max)


def _r(trace: Trace, scenario: Scenario) -> float | None:
    return _of_worst(
        [float(np.corrcoef(a, b)[0, 1]) for a, b in _legs(trace, scenario) if np.ptp(a) and np.ptp(b)], min
    )


def _lag(trace: Trace, scenario: Scenario) -> float | None:
    """Shift of the delivered torque that fits the wished one best, ms; late is positive."""
    lags = []
    for a, b in _legs(trace, scenario):
        if a.size > 4 * _LAG_MAX_MS and np.ptp(a) and np.ptp(b):
            inner = a[_LAG_MAX_MS:-_LAG_MAX_MS]
            wrong = [
                float(np.mean((inner - b[_LAG_MAX_MS + lag : b.size - _LAG_MAX_MS + lag]) ** 2))
                for lag in range(-_LAG_MAX_MS, _LAG_MAX_MS)
            ]
            lags.append(float(np.argmin(wrong) - _LAG_MAX_MS))
    return _of_worst(lags, lambda values: max(values, key=abs))


def _loss(trace: Trace, scenario: Scenario) -> float | None:
    """Work of the drive that does not come out at the knee, right leg, over the last whole cycles, J per cycle."""
    stride_s = scenario.motion.stride_s
    whole = math.floor((scenario.seconds - scenario.from_s) / stride_s) if stride_s > 0.0 else 0
    if whole < 1:
        return None
    part = trace.between(scenario.seconds - whole * stride_s, scenario.seconds)
    applied = trace.applied[part]
    drive = float(np.sum(applied["drive_nm"][1:, 0] * np.diff(applied["hinge_rad"][:, 0])))
    knee = float(np.sum(applied["knee_nm"][1:, 0] * np.diff(applied["knee_rad"][:, 0])))
    return (drive - knee) / whole


def _peak_pressure(trace: Trace, scenario: Scenario) -> float | None:
    return max((float(m.peak_pa.max()) for m in trace.maps), default=math.nan) / 1e3


def _hotspots(trace: Trace, scenario: Scenario) -> float | None:
    return float(sum(int((m.peak_pa > FLAG_DISCOMFORT_PA).sum()) for m in trace.maps)) if trace.maps else None


def _time_to_zero(trace: Trace, scenario: Scenario) -> float | None:
    """Worst over the faults: from a fault's begin until the governor commands no torque; infinite: it never does."""
    return max((_gone_after_ms(trace, fault.start_s) for fault in trace.faults), default=math.nan)


def _gone_after_ms(trace: Trace, start_s: float) -> float:
    part = trace.between(start_s, math.inf)
    rate = _recent_rate(trace.applied["hinge_rad"])[part]
    damping = np.minimum(TABLE.safe.damping_nm_s_per_rad * rate, TABLE.safe.damping_max_nm)
    safe = trace.applied["state"][part] == STATES["SAFE"]
    allowed = _FELT_NM + np.where(safe[:, None], damping, 0.0)
    held = (np.abs(trace.applied["command_nm"][part]) > allowed).any(axis=1)
    quiet = round(_QUIET_S * 1e3)
    free = np.convolve(~held, np.ones(quiet), "valid") >= quiet - 0.5
    return float(np.argmax(free)) if free.any() else math.inf


def _recent_rate(hinge_rad: F64) -> F64:
    """Highest speed of each hinge over the last moments, which the governor's filtered rate may still show, rad/s."""
    turned = np.abs(np.diff(hinge_rad, axis=0, prepend=hinge_rad[:1])) * 1e3
    padded = np.concatenate([np.repeat(turned[:1], _RATE_MS - 1, axis=0), turned])
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, _RATE_MS, axis=0).max(axis=-1))


def _violations(trace: Trace, scenario: Scenario) -> float:
    return float(check_output(trace.applied, TABLE.joints["knee_r"], STATES, TABLE.safe.damping_max_nm).violations)


def _latency(share: float) -> Score:
    def take(trace: Trace, scenario: Scenario) -> float | None:
        first = trace.column("intent_first") == 1.0
        waited_ms = (trace.column("t_ns")[first] - trace.column("intent_capture_ns")[first]) * 1e-6
        return float(np.quantile(waited_ms, share)) + load_device().actuator_delay_ms if first.any() else None

    return take


def _kcf(trace: Trace, scenario: Scenario) -> float | None:
    """Change of the highest contact force by the delivered torque, %; by one muscle's lever (`contact_n`)."""
    mass_kg = wearer_of(scenario).person.mass_kg
    part = _window(trace, scenario)
    moment_nm = mass_kg * scenario.motion.moment_nm_per_kg(trace.t_s[part])
    if float(np.abs(moment_nm).max(initial=0.0)) < mass_kg * STANDARD_GRAVITY_MPS2 * 1e-3:
        return None
    before = contact_n(moment_nm, mass_kg).max(axis=0)
    after = contact_n(moment_nm - trace.both("knee_nm")[part], mass_kg).max(axis=0)
    return float(100.0 * np.max(after / before - 1.0))


def _safe_power(trace: Trace, scenario: Scenario) -> float | None:
    """Highest power with which the governor drives a joint in SAFE once its ramp is over: damping only takes, W."""
    state = trace.applied["state"]
    in_safe = state == STATES["SAFE"]
    ramp = round(TABLE.safe.ramp_ms)
    settled = in_safe.copy()
    settled[:ramp] = False
    settled[ramp:] &= np.lib.stride_tricks.sliding_window_view(in_safe, ramp + 1).all(axis=1)
    if not settled.any():
        return None
    rate = np.gradient(trace.applied["hinge_rad"], 1e-3, axis=0)
    return float(np.nanmax((trace.applied["command_nm"] * rate)[settled]))


def _availability(trace: Trace, scenario: Scenario) -> float | None:
    state = trace.applied["state"][_window(trace, scenario)]
    return float(np.mean(state == STATES["ENGAGED"])) if state.size else None


def _safe_entries(trace: Trace, scenario: Scenario) -> float:
    return float(sum(safe_entries(trace.applied, STATES).values()))


def _peak(name: str) -> Score:
    def take(trace: Trace, scenario: Scenario) -> float | None:
        return float(np.nanmax(np.abs(trace.both(name)[_window(trace, scenario)])))

    return take


def _peak_command(trace: Trace, scenario: Scenario) -> float:
    return float(np.nanmax(np.abs(trace.applied["command_nm"])))


def _bend(trace: Trace, scenario: Scenario) -> float | None:
    part = trace.applied[_window(trace, scenario)]
    return float(np.degrees(np.nanmax(np.abs(part["hinge_rad"] - part["knee_rad"]))))


MEASURES: Final[dict[str, Measure]] = {
    "transmission": Measure("1", "torque at the knee over torque on the wire, least squares, worse leg", _transmission),
    "rmse": Measure("Nm", "delivered less desired torque, root mean square, worse leg", _rmse),
    "rmse_pct": Measure("%", "the same over the peak of the desired torque", _rmse_pct),
    "r": Measure("1", "correlation of delivered and desired torque, worse leg", _r),
    "phase_lag": Measure("ms", "delivered behind desired torque", _lag),
    "loss": Measure("J", "energy lost in interface and hinge per cycle, right leg", _loss),
    "peak_pressure": Measure("kPa", "highest mean of a 4 cm2 tile under a cuff", _peak_pressure),
    "hotspots": Measure("tiles", "tiles above the limit of comfort at the highest load", _hotspots),
    "time_to_zero": Measure("ms", "from a fault to no torque at the governor's output, worst fault", _time_to_zero),
    "violations": Measure("steps", "steps of the governor's output beyond its limits", _violations),
    "latency_p50": Measure("ms", "capture to acting torque, median", _latency(0.5)),
    "latency_p99": Measure("ms", "capture to acting torque, 99 %", _latency(0.99)),
    "latency_max": Measure("ms", "capture to acting torque, longest", _latency(1.0)),
    "kcf_change": Measure("%", "highest knee contact force with the torque against without", _kcf),
    "availability": Measure("1", "share of the time with assistance", _availability),
    "safe_entries": Measure("times", "how often the governor went to SAFE", _safe_entries),
    "safe_power": Measure("W", "highest power the governor puts into a joint in SAFE, after its ramp", _safe_power),
    "peak_command": Measure("Nm", "highest torque the governor commanded", _peak_command),
    "peak_desired": Measure("Nm", "highest torque wished for at a knee", _peak("desired_nm")),
    "peak_delivered": Measure("Nm", "highest torque at a knee", _peak("knee_nm")),
    "peak_bend": Measure("deg", "hinge against knee at most: how far tissue gives way", _bend),
}
"""Every measure by its name, as scenarios bound them."""
