"""A made-up gait run for tests of the record and the report: plausible shapes, no measured data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_runtime.record import Names, Recorder
from edge_runtime.telemetry import CYCLE_FIELDS, STAGES, estimate_fields
from edge_runtime.types import F64, SIDES

BASES = (
    "addbrev", "addlong", "addmagDist", "addmagIsch", "addmagMid", "addmagProx", "bflh", "bfsh", "edl",
    "ehl", "fdl", "fhl", "gaslat", "gasmed", "glmax1", "glmax2", "glmax3", "glmed1", "glmed2", "glmed3",
    "glmin1", "glmin2", "glmin3", "grac", "iliacus", "perbrev", "perlong", "piri", "psoas", "recfem",
    "sart", "semimem", "semiten", "soleus", "tfl", "tibant", "tibpost", "vasint", "vaslat", "vasmed",
)  # fmt: skip
MUSCLES = tuple(f"{base}_{side}" for side in SIDES for base in BASES)
NAMES = Names(
    states=("OFF", "IDLE", "READY", "ARMED", "ENGAGED", "DEGRADED", "SAFE"),
    limiter_reasons=("none", "invalid", "disengaged", "age", "torque", "slew_up", "slew_down"),
    estimate_reasons=("", "no person", "scene cut", "leg hidden"),
)
MASS_KG = 70.0
WEIGHT_N = MASS_KG * 9.80665
STRIDE_S = 1.1
T0_NS = 5_000_000_000
CUT_S = 3.2
READY_MS = 9.0


@dataclass(frozen=True)
class FakeRun:
    cycles: F64
    estimates: F64
    events: tuple[tuple[int, str, str, str], ...]


def fake_run(seconds: float, seed: int = 1) -> FakeRun:
    """`seconds` of walking: engages after 0.8 s, the scene is cut every 3.2 s."""
    rng = np.random.default_rng(seed)
    estimates = _estimates(seconds, rng)
    cycles = _cycles(seconds, estimates, rng)
    events = [(T0_NS, "info", "start", "clip demo, 70 kg"), (T0_NS + 800_000_000, "info", "engaged", "ARMED")]
    cuts = np.arange(CUT_S, seconds, CUT_S)
    events += [(T0_NS + int(t * 1e9), "warning", "cut", "the scene breaks here") for t in cuts]
    return FakeRun(cycles, estimates, tuple(sorted(events)))


def write_run(folder: Path, run: FakeRun, batch: int = 50) -> Path:
    """Write `run` as the recorder process would: batches of cycles, then what else came meanwhile."""
    attachments = {"device.toml": b"[person]\nmass_kg = 70.0\n", "profile.toml": b'id = "p-0001"\n'}
    with Recorder(folder, MUSCLES, attachments, {"clip": "demo.mp4"}) as recorder:
        ready, events, done = _column(run.estimates, "t_ready_ns"), list(run.events), 0
        for start in range(0, len(run.cycles), batch):
            rows = run.cycles[start : start + batch]
            recorder.cycles(rows)
            until = int(np.searchsorted(ready, rows[-1, 0]))
            for row in run.estimates[done:until]:
                recorder.estimate(row)
            done = until
            while events and events[0][0] <= rows[-1, 0]:
                recorder.event(*events.pop(0))
    return folder


def _column(rows: F64, name: str) -> F64:
    return rows[:, estimate_fields(MUSCLES).index(name)]


def _knee_rad(phase: F64) -> F64:
    """Flexion over the stride, phase 0..1: a loading bump and the swing peak."""
    bump = 16.0 * np.exp(-(((phase - 0.14) / 0.07) ** 2)) + 58.0 * np.exp(-(((phase - 0.72) / 0.11) ** 2))
    return np.deg2rad(5.0 + bump)


def _grf(phase: F64) -> tuple[F64, F64, F64]:
    stance = np.clip(phase / 0.62, 0.0, 1.0)
    on = (phase < 0.62).astype(np.float64)
    humps = np.exp(-(((stance - 0.25) / 0.16) ** 2)) + np.exp(-(((stance - 0.77) / 0.15) ** 2))
    vertical = on * np.sin(np.pi * stance) ** 0.4 * (0.55 + 0.5 * humps)
    return on * -0.19 * np.sin(2 * np.pi * stance), vertical, on * 0.05 * np.sin(np.pi * stance)


def _estimates(seconds: float, rng: np.random.Generator) -> F64:
    n = int(seconds * 60)
    t = np.arange(n) / 60.0
    out: dict[str, F64] = {name: np.zeros(n) for name in estimate_fields(MUSCLES)}
    out["t_capture_ns"], out["frame"] = T0_NS + np.round(t * 1e9), np.arange(n, dtype=np.float64)
    out["detector"][0] = 1.0
    typical = dict(zip(STAGES, (6.1, 0.15, 0.5, 0.06, 0.35, 0.9, 0.05, 0.02), strict=True))
    for stage, value in typical.items():
        out[f"{stage}_ms"] = value * rng.lognormal(0.0, 0.12, n)
    total = np.sum([out[f"{stage}_ms"] for stage in STAGES], axis=0) + 0.3 + 20.0 * out["detector"]
    out["t_ready_ns"] = out["t_capture_ns"] + np.round(total * 1e6)
    bad = (t % CUT_S < 0.12) & (t > 1.0)
    out["valid"] = np.where(bad, 0.0, 1.0)
    out["reason"] = np.where(bad, 2.0, 0.0)
    for side, offset in zip(SIDES, (0.0, 0.5), strict=True):
        _leg(out, side, (t / STRIDE_S + offset) % 1.0, bad, rng)
    for name in ("knee_angle_r", "knee_angle_l", "hip_flexion_r", "hip_flexion_l"):
        out[f"observed_{name}"] = np.ones(n)
    for i, name in enumerate(MUSCLES):
        peak, width = (i * 0.37) % 1.0, 0.06 + 0.1 * ((i * 0.61) % 1.0)
        shape = np.exp(-((((t / STRIDE_S - peak + 0.5) % 1.0 - 0.5) / width) ** 2))
        out[f"activation_{name}"] = np.clip(0.02 + (0.1 + 0.6 * ((i * 0.83) % 1.0)) * shape, 0.0, 1.0)
    out["reserve_rms_nm"] = rng.gamma(2.0, 0.3, n)
    return np.column_stack(list(out.values()))


def _leg(
    out: dict[str, F64], side: str, phase: F64, bad: np.ndarray[tuple[int], np.dtype[np.bool_]],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    out[f"knee_angle_{side}"] = _knee_rad(phase) + rng.normal(0.0, 0.02, phase.size)
    for axis, share in zip("xyz", _grf(phase), strict=True):
        out[f"grf_{axis}_{side}"] = np.where(bad, np.nan, share * WEIGHT_N)
    out[f"contact_{side}"] = (phase < 0.62).astype(np.float64)
    load = _grf(phase)[1]
    medial, lateral = (0.15 + 1.35 * load) * WEIGHT_N, (0.1 + 0.75 * load) * WEIGHT_N
    for part, force in zip(("medial", "lateral", "total"), (medial, lateral, medial + lateral), strict=True):
        out[f"kcf_{part}_n_{side}"] = np.where(bad, np.nan, force)
    out[f"knee_moment_nm_{side}"] = 30.0 * np.sin(2 * np.pi * phase) * (phase < 0.62)
    out[f"assist_nm_{side}"] = np.where(bad, 0.0, 0.2 * out[f"knee_moment_nm_{side}"])


def _cycles(seconds: float, estimates: F64, rng: np.random.Generator) -> F64:
    n = int(seconds * 1000)
    t = np.arange(n) / 1000.0
    out: dict[str, F64] = {name: np.zeros(n) for name in CYCLE_FIELDS}
    out["t_ns"] = T0_NS + np.arange(n) * 1e6 + np.round(rng.gamma(2.0, 4.0, n) * 1e3)
    out["cycle"], out["wake_us"] = np.arange(n, dtype=np.float64), (out["t_ns"] - T0_NS) % 1e6 / 1e3
    out["compute_us"] = 6.0 + rng.gamma(2.0, 1.5, n)
    ready = _column(estimates, "t_ready_ns")
    out["intent_seq"] = np.searchsorted(ready, out["t_ns"]).astype(np.float64)
    newest = np.maximum(out["intent_seq"].astype(np.int64) - 1, 0)
    seen = out["intent_seq"] > 0
    out["intent_capture_ns"] = np.where(seen, _column(estimates, "t_capture_ns")[newest], 0.0)
    out["intent_first"] = np.concatenate(([0.0], np.sign(np.diff(out["intent_seq"]))))
    out["sent"], out["received"] = 2.0 * out["cycle"], 2.0 * out["cycle"]
    out["governor_state"] = np.select([t < 0.3, t < 0.8], [2.0, 3.0], 4.0)
    for side, offset in zip(SIDES, (0.0, 0.5), strict=True):
        _drive(out, side, (t / STRIDE_S + offset) % 1.0, _column(estimates, f"assist_nm_{side}")[newest], rng)
    return np.column_stack(list(out.values()))


def _drive(out: dict[str, F64], side: str, phase: F64, asked: F64, rng: np.random.Generator) -> None:
    n = phase.size
    desired = np.convolve(asked, np.ones(17) / 17.0)[:n] * (out["governor_state"] == 4.0)
    compensated = 1.08 * desired + np.clip(9.0 * np.gradient(desired), -0.6, 0.6)
    limited = np.zeros(n)
    for k in range(1, n):
        limited[k] = limited[k - 1] + np.clip(compensated[k] - limited[k - 1], -0.12, 0.12)
    out[f"desired_nm_{side}"], out[f"compensated_nm_{side}"] = desired, compensated
    out[f"limited_nm_{side}"] = np.round(limited, 2)
    out[f"limiter_{side}"] = np.where(np.abs(limited - compensated) > 0.02, 5.0 + (limited > compensated), 0.0)
    out[f"measured_nm_{side}"] = np.convolve(limited, np.ones(5) / 5.0)[:n] + rng.normal(0.0, 0.03, n)
    out[f"knee_nm_{side}"] = 0.92 * np.convolve(limited, np.ones(15) / 15.0)[:n]
    out[f"knee_rad_{side}"] = _knee_rad(phase)
    out[f"position_rad_{side}"] = _knee_rad(phase) + 0.01 * limited / 5.0
    out[f"velocity_radps_{side}"] = np.gradient(out[f"position_rad_{side}"], 1e-3)
    out[f"age_ms_{side}"] = (out["t_ns"] - out["intent_capture_ns"]) / 1e6 * (out["intent_seq"] > 0)
