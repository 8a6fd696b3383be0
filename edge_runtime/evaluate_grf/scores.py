"""Errors of streamed trials, pooled: forces, centre of pressure, Newton, acceleration, events, time."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import numpy as np

from edge_runtime.biomech.frame_check import AXES as FRAME_AXES
from edge_runtime.biomech.tracker import Mask
from edge_runtime.evaluate_grf.stream import Run
from edge_runtime.stats import quantiles
from edge_runtime.types import F64
from engines.grf.evaluate import AXES, Scored, summary
from engines.grf.trials import GRAVITY

EVENT_N: Final = 25.0
"""Vertical force at which the plates' events are taken: between the 20 and 30 N of common practice."""
NEAR_S: Final = 0.15  # farther from a measured event than this an estimated one is another, or a false one
_Z_90: Final = 1.6449


def block(runs: list[Run]) -> dict[str, Any]:
    """Scores of `runs` after refinement by the keys of the product's benchmark table, over the whole cycle.

    `stance` the same over samples with a measured load only, `without_refinement` both for the network alone.
    """
    result = _forces([run.scored(run.refined) for run in runs])
    after = np.concatenate([run.after for run in runs])
    result["newton_residual_pct_bw"] = _pct(after)
    result["without_refinement"] = _forces([run.scored(run.plain) for run in runs])
    result["without_refinement"]["newton_residual_pct_bw"] = _pct(np.concatenate([run.before for run in runs]))
    result["newton"] = newton(runs)
    result["acceleration"] = acceleration(runs)
    result["events"] = events(runs)
    return result


def _forces(scored: list[Scored]) -> dict[str, Any]:
    result = summary(scored)
    loaded = [dataclasses.replace(s, mask=s.mask & (s.trial.force_bw[:, :, 1] > 0.0)) for s in scored]
    stance = summary(loaded)
    result["stance"] = {key: stance[key] for key in ("samples", *AXES, "coverage_90")}
    for axis in AXES:  # a peak needs the swing around its stance
        result["stance"][axis]["peak_error_pct_bw"] = result[axis]["peak_error_pct_bw"]
    return result


def newton(runs: list[Run]) -> dict[str, Any]:
    """|sum of forces - m (a - g)| in % of body weight: before refinement, `left` after it as if no acceleration had
    been adjusted, and after with it; mean, root mean square and 99th percentile of the frames."""
    found = {}
    for name in ("before", "left", "after"):
        value = np.concatenate([getattr(run, name) for run in runs])
        value = 100.0 * value[np.isfinite(value)]
        some = len(value) > 0
        found[name] = {
            "mean": float(value.mean()) if some else None,
            "rms": float(np.sqrt((value**2).mean())) if some else None,
            "p99": float(np.quantile(value, 0.99)) if some else None,
        }
    return found


def acceleration(runs: list[Run]) -> dict[str, Any]:
    """What the motion alone asks of the ground against the sum of the plates, where both feet were measured: error in
    % of body weight, and the share of it inside its 90 % interval, by axis."""
    error, sd = [], []
    for run in runs:
        both = run.trial.valid.all(axis=1) & np.isfinite(run.asked_bw).all(axis=1)
        error.append((run.asked_bw[:, :3] - run.trial.force_bw.sum(axis=1))[both])
        sd.append(run.asked_sd_bw[both, :3])
    e, s = np.concatenate(error), np.concatenate(sd)
    result: dict[str, Any] = {"samples": len(e)}
    for i, axis in enumerate(AXES):
        result[axis] = {"rmse_pct_bw": _rms_pct(e[:, i]), "coverage_90": _share(np.abs(e[:, i]) <= _Z_90 * s[:, i])}
    return result


def events(runs: list[Run]) -> dict[str, Any]:
    """Heel strike and toe-off against the plates' crossing of `EVENT_N`, estimated minus measured time in ms.

    A measured event counts where the foot was measured and estimated for `NEAR_S` around it; `missed` have no estimated
    one that near, `extra` are estimated ones without a measured one.
    """
    result = {}
    for name in ("heel_strike", "toe_off"):
        late, missed, extra = [], 0, 0
        for run in runs:
            a, b, c = _timing(run, name)
            late += a
            missed, extra = missed + b, extra + c
        ms = 1e3 * np.array(late)
        result[name] = {
            "n": len(ms) + missed,
            "missed": missed,
            "extra": extra,
            "bias_ms": float(np.median(ms)) if len(ms) else None,
            "median_ms": float(np.median(np.abs(ms))) if len(ms) else None,
            "p95_ms": float(np.quantile(np.abs(ms), 0.95)) if len(ms) else None,
        }
    return result


def _timing(run: Run, name: str) -> tuple[list[float], int, int]:
    """Lateness (s) of found events, how many were missed and how many have no measured one."""
    t_s, trial = run.trial.t_s, run.trial
    late, missed, extra = [], 0, 0
    for leg in range(2):
        down = trial.force_bw[:, leg, 1] * trial.mass_kg * GRAVITY > EVENT_N
        change = np.diff(down.astype(int), prepend=int(down[0]))
        measured = t_s[change == (1 if name == "heel_strike" else -1)]
        flags = run.struck if name == "heel_strike" else run.lifted
        found = t_s[flags[:, leg]]
        for at in measured[[_counts(t, run.mask[:, leg], t_s) for t in measured]] if len(measured) else []:
            near = found[np.abs(found - at) <= NEAR_S]
            if len(near):
                late.append(float(near[np.argmin(np.abs(near - at))] - at))
            else:
                missed += 1
        for at in found:
            lonely = not len(measured) or np.abs(measured - at).min() > NEAR_S
            extra += int(lonely and _counts(float(at), run.mask[:, leg], t_s))
    return late, missed, extra


def _counts(at_s: float, mask: Mask, t_s: F64) -> bool:
    around = np.abs(t_s - at_s) <= NEAR_S
    whole = t_s[0] <= at_s - NEAR_S and at_s + NEAR_S <= t_s[-1]
    return bool(whole and mask[around].all())


def frames(runs: list[Run]) -> dict[str, Any]:
    """The check of the coordinates' frame at the end of each trial that was long enough: how far off it says it is."""
    angles = np.array([run.angle_deg for run in runs]).reshape(-1, len(FRAME_AXES))
    known = np.isfinite(angles)
    result: dict[str, Any] = {"judged": int(known.any(axis=1).sum())}
    for i, axis in enumerate(FRAME_AXES):
        value = angles[known[:, i], i]
        result[axis] = {
            "n": len(value),
            "mean_deg": float(value.mean()) if len(value) else None,
            "max_abs_deg": float(np.abs(value).max()) if len(value) else None,
        }
    result["flagged"] = [run.trial.name for run in runs if run.frame_reason]
    return result


def times(runs: list[Run]) -> dict[str, Any]:
    """`ms_per_frame` of network and refinement together, and of each, frames with an answer; `cpu_ms_per_frame` is what
    the process itself took, without what the machine did meanwhile."""
    answered = [np.isfinite(run.after) for run in runs]
    network = np.concatenate([run.network_ms[a] for run, a in zip(runs, answered, strict=True)])
    physics = np.concatenate([run.physics_ms[a] for run, a in zip(runs, answered, strict=True)])
    return {
        "ms_per_frame": quantiles(network + physics),
        "cpu_ms_per_frame": quantiles(np.concatenate([run.cpu_ms[a] for run, a in zip(runs, answered, strict=True)])),
        "network_ms": quantiles(network),
        "refinement_ms": quantiles(physics),
    }


def _pct(value: F64) -> float | None:
    value = value[np.isfinite(value)]
    return 100.0 * float(value.mean()) if len(value) else None


def _rms_pct(value: F64) -> float | None:
    return 100.0 * float(np.sqrt((value**2).mean())) if len(value) else None


def _share(inside: Mask) -> float | None:
    return float(inside.mean()) if len(inside) else None
