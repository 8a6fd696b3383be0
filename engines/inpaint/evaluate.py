"""What each way of filling a hidden leg costs in joint angle and in ground reaction, on people not trained on."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from engines.errors import EngineError
from engines.grf.engine import MARKERS, GrfEngine
from engines.grf.evaluate import SIDE_VIEW
from engines.grf.fair import FairEngines
from engines.grf.features import COORDINATES, F64, GRID_S, HISTORY, Mask
from engines.grf.trials import GRAVITY, Trial, find_trials, read_trial
from engines.inpaint import simple
from engines.inpaint.engine import Fill, Inpainter
from engines.inpaint.history import HistoryFill
from engines.inpaint.periodic import guess
from engines.inpaint.stream import COASTING_SD_RAD
from engines.inpaint.window import LEG_JOINTS, LEGS, NOW, Window, on_grid

GAPS_S: Final = (0.1, 0.2, 0.5, 1.0)
LEAD_S: Final = 1.6
"""Motion before the gap that is streamed: all that the inpainter remembers."""

SHORT_S: Final = 3.0
SHORT_COUNT: Final = 3
"""Trials under `SHORT_S`, as those overground, get so many times the gaps: they are few, and cheap to stream."""

MIN_LEAD_S: Final = 0.8
"""A gap begins no earlier in its trial: less than that of a person is no reason to speak of a gap."""

CAMERA_S: Final = 1.0 / 60.0
"""Age of a fill that is computed beside the loop, when it is used: one camera frame."""

SIMPLE: Final = ("held", "extrapolated", "interpolated")
STREAMED: Final = ("periodic", "mean", "sample", "diffusion", "beside")
"""`interpolated` knows how the gap ends and stands for filling afterwards; all others know the past only. `periodic`
to `beside` are followed as in the running loop (`LegStream`): `periodic` is gait repeating itself, `mean` the network's
first denoising step, `sample` one of its samples, `diffusion` what the engine gives, `beside` the same one camera frame
old, as the running loop has it."""

ROWS: Final = ("known", "masked", *SIMPLE, *STREAMED)
_SAGITTAL: Final = np.array([0, 3, 4])
_Z_90: Final = 1.6449  # half-width of the central 90 % of a normal distribution


@dataclass(frozen=True)
class Gap:
    """Frames `first` to `last` of `trial` in which the leg `side` (0 right, 1 left) is unseen."""

    trial: Trial
    side: int
    first: int
    last: int
    length_s: float

    @property
    def frames(self) -> slice:
        """The frames of the gap."""
        return slice(self.first, self.last + 1)

    @property
    def leg(self) -> slice:
        """The columns of the leg in `q`."""
        return slice(LEGS.start + LEG_JOINTS * self.side, LEGS.start + LEG_JOINTS * (self.side + 1))


@dataclass(frozen=True)
class Scored:
    """One gap: error of the joints [n, 3] rad and of the force [n, 2, 3] BW by row of the table, and deviations.

    `sd` [n, 3] rad is the engine's; `force_sd` [n, 2, 3] BW; `valid` [n, 2] where a plate and the engine were.
    """

    gap: Gap
    joints: dict[str, F64]
    force: dict[str, F64]
    force_sd: dict[str, F64]
    sd: F64
    valid: Mask
    fill_ms: F64


def gaps_of(trial: Trial, length_s: float, count: int, rng: np.random.Generator) -> Iterator[Gap]:
    """`count` gaps at random moments and sides of `trial`, `SHORT_COUNT` times as many in a short one; none where it is
    too short."""
    t_s = trial.t_s - trial.t_s[0]
    count *= SHORT_COUNT if t_s[-1] < SHORT_S else 1
    if t_s[-1] < MIN_LEAD_S + length_s:
        return
    for _ in range(count):
        start_s = rng.uniform(MIN_LEAD_S, t_s[-1] - length_s)
        first = int(np.searchsorted(t_s, start_s))
        last = int(np.searchsorted(t_s, start_s + length_s, "right")) - 1
        if last > first:
            yield Gap(trial, int(rng.integers(2)), first, last, length_s)


class _Memo:
    """The inpainter, asked once per frame whoever asks; `ms` what each fill took."""

    def __init__(self, inpainter: Inpainter) -> None:
        self._inpainter = inpainter
        self._key: tuple[float, int] = (np.nan, 0)
        self.ms: list[float] = []

    def fill(self, t_s: F64, q: F64) -> Fill:
        key = (float(t_s[-1]), len(t_s))
        if key != self._key:
            began_ns = time.perf_counter_ns()
            self._fill = self._inpainter.fill(t_s, q)
            self.ms.append((time.perf_counter_ns() - began_ns) * 1e-6)
            self._key = key
        return self._fill


class _Chosen:
    """What of a fill a row of the table takes for the joints."""

    def __init__(self, memo: _Memo, choose: Callable[[Fill, Window], F64]) -> None:
        self._memo, self._choose = memo, choose

    def fill(self, t_s: F64, q: F64) -> Fill:
        fill = self._memo.fill(t_s, q)
        return replace(fill, joints=self._choose(fill, on_grid(t_s - t_s[-1], q)))


def _rows(memo: _Memo) -> dict[str, HistoryFill]:
    chosen = {
        "periodic": _Chosen(memo, lambda fill, window: guess(window)),
        "mean": _Chosen(memo, lambda fill, window: fill.mean),
        "sample": _Chosen(memo, lambda fill, window: fill.samples[0]),
    }
    rows = {name: HistoryFill(source, name) for name, source in chosen.items()}
    return rows | {"diffusion": HistoryFill(memo, "diffusion"), "beside": HistoryFill(memo, "beside", CAMERA_S)}


def fills(inpainter: Inpainter, gap: Gap, shown: Mask) -> tuple[dict[str, F64], F64, F64]:
    """The leg [n, 5] in the gap's frames by each way of filling, NaN where it gives none; deviation; ms of a fill.

    `shown` [16] what the camera sees outside of the gap.
    """
    trial, memo = gap.trial, _Memo(inpainter)
    lead = int(np.searchsorted(trial.t_s, trial.t_s[gap.first] - LEAD_S))
    hidden = np.where(shown, trial.q, np.nan)
    hidden[gap.frames, gap.leg] = np.nan
    rows = _rows(memo)
    out: dict[str, list[F64]] = {name: [] for name in ("held", "extrapolated", *rows)}
    joints, sd = slice(LEG_JOINTS * gap.side, LEG_JOINTS * (gap.side + 1)), []
    for frame in range(gap.first, gap.last + 1):
        t_s, q = trial.t_s[lead : frame + 1], hidden[lead : frame + 1]
        window = on_grid(t_s - t_s[-1], q)
        out["held"].append(simple.held(window)[joints, NOW])
        out["extrapolated"].append(simple.extrapolated(window)[joints, NOW])
        for name, row in rows.items():
            value, deviation = row.fill(t_s, q)
            out[name].append(value[-1, gap.leg])
        sd.append(deviation[-1, gap.leg])
    found = {name: np.stack(values) for name, values in out.items()} | {"interpolated": _interpolated(gap)}
    for values in found.values():
        values[:, ~shown[gap.leg]] = np.nan
    return found, np.stack(sd), np.array(memo.ms)


def _interpolated(gap: Gap) -> F64:
    ends = [gap.first - 1, min(gap.last + 1, len(gap.trial.t_s) - 1)]
    t_s, leg = gap.trial.t_s, gap.trial.q[:, gap.leg]
    return np.stack([np.interp(t_s[gap.frames], t_s[ends], joint[ends]) for joint in leg.T], axis=1)


def score(engine: GrfEngine, inpainter: Inpainter, gap: Gap, shown: Mask, names: tuple[str, ...] = ROWS) -> Scored:
    """One gap filled in the ways of `names`, each streamed through the ground reaction engine."""
    filled, sd, ms = fills(inpainter, gap, shown)
    trial = gap.trial
    truth = trial.q[gap.frames, gap.leg]
    filled["known"] = np.where(shown[gap.leg], truth, np.nan)
    filled["masked"] = np.full_like(truth, np.nan)
    force, force_sd, valid = {}, {}, trial.valid[gap.frames].copy()
    for name in names:
        leg_sd_rad = MARKERS[0] if name == "known" else COASTING_SD_RAD
        found, deviation, there = _stream(engine, gap, filled[name], leg_sd_rad, shown)
        force[name], force_sd[name] = found - trial.force_bw[gap.frames], deviation
        valid &= there[:, None]
    joints = {name: (filled[name] - truth)[:, _SAGITTAL] for name in names}
    return Scored(gap, joints, force, force_sd, sd[:, _SAGITTAL], valid, ms)


def _stream(engine: GrfEngine, gap: Gap, leg: F64, leg_sd_rad: float, shown: Mask) -> tuple[F64, F64, Mask]:
    """Force, deviation [n, 2, 3] BW and validity [n] in the gap, with `leg` [n, 5] in place of what is unseen."""
    trial = gap.trial
    lead = int(np.searchsorted(trial.t_s, trial.t_s[gap.first] - HISTORY * GRID_S))
    q = np.where(shown, trial.q, np.nan)[lead : gap.last + 1]
    q[gap.first - lead :, gap.leg] = leg
    engine.reset()
    n = gap.last - gap.first + 1
    force, sd, valid = np.zeros((n, 2, 3)), np.zeros((n, 2, 3)), np.zeros(n, dtype=np.bool_)
    weight_n, still = trial.mass_kg * GRAVITY, np.zeros(len(COORDINATES))
    deviation = MARKERS.copy()
    for i, row in enumerate(q, lead - gap.first):
        observed = np.isfinite(row)
        t_ns = round(trial.t_s[i + gap.first] * 1e9)
        if i == 0:
            deviation[gap.leg] = leg_sd_rad
        result = engine.step(t_ns, np.where(observed, row, 0.0), still, observed, trial.mass_kg, deviation)
        if i >= 0:
            force[i], sd[i], valid[i] = result.force_n / weight_n, result.sd_n / weight_n, result.valid
    return force, sd, valid


def evaluate(
    data_dir: Path,
    subjects: Collection[str] | None = None,
    onnx_path: Path | None = None,
    count: int = 2,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Every way of filling a leg on the trials under `data_dir`, `count` gaps of each length per trial.

    By default the people that neither the inpainter nor the ground reaction network was trained on; `subjects` names
    others. `by_set` with all coordinates known outside of the gap, `by_set_side_view` with those of `SIDE_VIEW`, which
    is what a camera beside the wearer sees. EngineError: no folder, nobody to score, or a damaged file.
    """
    inpainter, engines = Inpainter(onnx_path), FairEngines()
    trials = [read_trial(path) for path in find_trials(data_dir)[0]]
    people = {trial.subject for trial in trials}
    trained = {name for name in people if name in inpainter.facts.trained or engines.seen(name)}
    chosen = [t for t in trials if (t.subject not in trained if subjects is None else t.subject in subjects)]
    gaps = [
        gap
        for i, trial in enumerate(chosen)
        for j, length_s in enumerate(GAPS_S)
        for gap in gaps_of(trial, length_s, count, np.random.default_rng((i, j)))
    ]
    if not gaps:
        raise EngineError(f"{data_dir}: holds nobody to score whom the networks were not trained on; name other people")
    views = {"by_set": np.ones(len(COORDINATES), dtype=np.bool_), "by_set_side_view": SIDE_VIEW}
    runs: dict[str, list[Scored]] = {view: [] for view in views}
    for i, gap in enumerate(gaps):
        progress(i, len(gaps))
        for view, shown in views.items():
            runs[view].append(score(engines.of(gap.trial.subject), inpainter, gap, shown))
    found = {view: _by_set(of_view, inpainter.force_sd_bw_per_rad) for view, of_view in runs.items()}
    ms = np.concatenate([run.fill_ms for of_view in runs.values() for run in of_view])
    scored = sorted({trial.subject for trial in chosen})
    seen = sorted(trained & set(scored))
    return {"subjects": scored, "seen_in_training": seen, "gaps": len(gaps), **found, "fill_ms": _quantiles(ms)}


def _by_set(runs: list[Scored], force_sd_bw_per_rad: F64) -> dict[str, Any]:
    names = sorted({run.gap.trial.data_set for run in runs})
    return {name: table([r for r in runs if r.gap.trial.data_set == name], force_sd_bw_per_rad) for name in names}


def table(runs: list[Scored], force_sd_bw_per_rad: F64) -> dict[str, Any]:
    """By gap length in s, by way of filling: mean |error| of the joints, deg, and of the force, % BW.

    `increase_pct` of the vertical force's mean error over that with the leg known; `coverage_90` of the engine's
    intervals, joints and (widened) force.
    """
    lengths = sorted({run.gap.length_s for run in runs})
    return {f"{s:g}": _block([r for r in runs if r.gap.length_s == s], force_sd_bw_per_rad) for s in lengths}


def _block(runs: list[Scored], force_sd_bw_per_rad: F64) -> dict[str, Any]:
    out: dict[str, Any] = {"gaps": len(runs), "samples": int(sum(run.valid.sum() for run in runs)), "rows": {}}
    known = np.nan
    for name in ROWS:
        joints = np.concatenate([run.joints[name] for run in runs])
        force = np.concatenate([run.force[name][run.valid] for run in runs])
        vertical = 100.0 * float(np.abs(force[:, 1]).mean()) if len(force) else np.nan
        known = vertical if name == "known" else known
        out["rows"][name] = {
            "joint_mae_deg": _mean_deg(joints),
            "vertical_mae_pct_bw": vertical,
            "fore_aft_mae_pct_bw": 100.0 * float(np.abs(force[:, 0]).mean()) if len(force) else np.nan,
            "increase_pct": 100.0 * (vertical / known - 1.0),
        }
    error, sd = (np.concatenate(parts) for parts in zip(*[(r.joints["beside"], r.sd) for r in runs], strict=True))
    there = np.isfinite(error) & np.isfinite(sd)
    out["coverage_90_joints"] = float((np.abs(error) <= _Z_90 * sd)[there].mean()) if there.any() else None
    inside = [
        (np.abs(r.force["beside"]) <= _Z_90 * widened(r.force_sd["beside"], r.sd, force_sd_bw_per_rad))[r.valid]
        for r in runs
    ]
    out["coverage_90_force"] = float(np.concatenate(inside).mean()) if sum(map(len, inside)) else None
    return out


def widened(force_sd: F64, joint_sd: F64, per_rad: F64) -> F64:
    """Deviation of the force [n, 2, 3] with what the filled joints [n, 3] (rad) add to it."""
    filled = np.nanmean(joint_sd, axis=1)
    return np.hypot(force_sd, filled[:, None, None] * per_rad)


def _mean_deg(joints: F64) -> float | None:
    finite = np.isfinite(joints)
    return float(np.degrees(np.abs(joints[finite]).mean())) if finite.any() else None


def _quantiles(values: F64) -> dict[str, float | int]:
    names = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99_9": 0.999, "max": 1.0}
    return {"n": len(values), **{name: float(np.quantile(values, at)) for name, at in names.items()}}
