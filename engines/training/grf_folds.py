"""Members trained, kept between runs, and judged on people they have not seen; what that says about their doubt."""

from __future__ import annotations

import dataclasses
import json
import pickle
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from rich.progress import Progress

from engines.grf.engine import MARKERS, GrfEngine, GrfResult
from engines.grf.evaluate import SIDE_VIEW, Scored, run_trial, summary
from engines.grf.features import COORDINATES, F64, Mask
from engines.grf.trials import Trial
from engines.grf.weights import Limits
from engines.training.grf_data import FOLDS, RUN, WALK
from engines.training.grf_export import Ensemble, export
from engines.training.grf_familiar import familiar
from engines.training.grf_fit import Recipe, train
from engines.training.grf_net import GrfNet

_Z_90: Final = 1.6449  # half-width of the central 90 % of a normal distribution
_USUAL: Final = 0.95
_LIMIT: Final = 0.999
_MARGIN: Final = 1.1  # people of other laboratories differ more than those of these
_MARGIN_UNEXPLAINED: Final = 2.0
"""Wider: walking with markers that shake by 1.5 mm and angles by 0.3° (simulated) stays below."""

NO_LIMIT: Final = Limits((1e9, 1e9), 1e9, 1e9, 0.9, ((1.0,) * 3,) * 2)
ALL_SHOWN: Final = np.ones(len(COORDINATES), dtype=np.bool_)


@dataclass(frozen=True)
class Judged:
    """A trial of an unseen person run through the engine, and how unlike training each frame was.

    `novelty` [N, blocks], `disagreement_bw` [N], smoothed as the engine does, `unexplained` [N]; `running` [N] how much
    it is running.
    """

    scored: Scored
    novelty: F64
    disagreement_bw: F64
    unexplained: F64
    running: F64

    def unfamiliar(self, limits: Limits) -> Mask:
        """Frames [N] that `limits` refuse."""
        refused: Mask = self.strange(limits) >= 1.0
        return refused

    def strange(self, limits: Limits) -> F64:
        """How near to a limit each frame [N] is."""
        ratio: F64 = (self.novelty / limits.novelty).max(axis=1)
        ratio = np.maximum(ratio, self.disagreement_bw / limits.disagreement_bw)
        return np.maximum(ratio, self.unexplained / limits.unexplained)


class Keeper:
    """Trains members and keeps their weights in a folder, so that an interrupted study goes on where it stopped."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._recipe = folder, recipe

    def members(self, name: str, trials: list[Trial], count: int) -> list[GrfNet]:
        """`count` networks fitted to `trials`, with seeds 1, 2, …; those already kept under `name` are read."""
        return [self._member(f"{name}_{seed}", trials, seed) for seed in range(1, count + 1)]

    def _member(self, name: str, trials: list[Trial], seed: int) -> GrfNet:
        path = self._folder / f"{name}.pt"
        said = json.dumps(dataclasses.asdict(self._recipe))
        net = GrfNet(self._recipe.width, self._recipe.dropout).eval()
        try:
            kept = torch.load(path, weights_only=True)
            if kept["recipe"] == said:
                net.load_state_dict(kept["weights"])
                return net
        except (OSError, KeyError, RuntimeError, EOFError, pickle.UnpicklingError):
            pass  # none kept, or of another recipe or shape: trained below
        began_s = time.monotonic()
        with Progress(disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task(name, total=self._recipe.steps)
            net = train(trials, self._recipe, seed, lambda: progress.advance(task))
        torch.save({"recipe": said, "weights": net.state_dict()}, path)
        print(f"{name}: trained in {time.monotonic() - began_s:.0f} s", file=sys.stderr, flush=True)
        return net


def ensemble(nets: Sequence[GrfNet], trials: list[Trial]) -> Ensemble:
    """The members with what is familiar to them: `trials` are those they were trained on."""
    return Ensemble(nets, familiar(trials))


class _Recorder(GrfEngine):
    """An engine that keeps every answer, and has those to unfamiliar motion count like the others."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.results: list[GrfResult] = []

    def step(self, t_ns: int, q: F64, qd: F64, observed: Mask, mass_kg: float, sd: F64 = MARKERS) -> GrfResult:
        result = super().step(t_ns, q, qd, observed, mass_kg, sd)
        self.results.append(dataclasses.replace(result, valid=result.valid or result.reason == "unfamiliar"))
        return self.results[-1]


def judge(model: Ensemble, trials: Iterable[Trial], observed: Mask, limits: Limits = NO_LIMIT) -> list[Judged]:
    """`trials` streamed through `model` with `limits` (none by default), nothing refused as unfamiliar."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "grf.onnx"
        export(model, {"trained": [], "held_out": [], "limits": dataclasses.asdict(limits)}, path)
        return judge_file(path, trials, observed)


def judge_file(path: Path, trials: Iterable[Trial], observed: Mask) -> list[Judged]:
    """`trials` streamed through the weights in `path` with the limits there, nothing refused as unfamiliar."""
    engine, judged = _Recorder(path), []
    for trial in trials:
        engine.results.clear()
        scored = run_trial(engine, trial, observed)
        names = ("novelty", "disagreement_bw", "unexplained", "running")
        judged.append(Judged(scored, *(np.array([getattr(r, name) for r in engine.results]) for name in names)))
    return judged


def cross_validate(keeper: Keeper, trials: list[Trial], folds: dict[str, int], recipe: Recipe) -> list[list[Judged]]:
    """Per fold the trials of its held-out people, first with every coordinate, then as a camera at the side sees."""
    found = []
    for fold in range(FOLDS):
        seen = [t for t in trials if folds.get(t.subject) != fold]
        held_out = [t for t in trials if folds.get(t.subject) == fold]
        model = ensemble(keeper.members(f"fold{fold}", seen, recipe.members), seen)
        found.append(judge(model, held_out, ALL_SHOWN) + judge(model, held_out, SIDE_VIEW))
        _report(fold, found[-1][: len(held_out)])
    return found


def _report(fold: int, judged: list[Judged]) -> None:
    for name in (RUN, WALK):
        of_set = summary([j.scored for j in judged if j.scored.trial.data_set == name])["vertical"]
        numbers = f"vertical RMSE {of_set['rmse_pct_bw']:.2f}, MAE {of_set['mae_pct_bw']:.2f} % BW"
        print(f"fold {fold} {name}: {numbers}", file=sys.stderr, flush=True)


def deviation_scale(judged: Iterable[Judged]) -> F64:
    """Factors [2, 3] (walking, running; axes) that make 90 % of the errors fall into their 90 % interval; 1 for a gait
    that nobody shows."""
    ratio, running = [], []
    for one in judged:
        run = one.scored
        ratio.append(np.abs(run.force_bw - run.trial.force_bw)[run.mask] / run.sd_bw[run.mask])
        running.append(np.stack([one.running] * 2, axis=1)[run.mask] > 0.5)
    every, fast = np.concatenate(ratio), np.concatenate(running)
    of_gait = [every[fast == gait] for gait in (False, True)]
    return np.stack([np.quantile(some, 0.9, axis=0) / _Z_90 if len(some) else np.ones(3) for some in of_gait])


def axis_coverage(runs: Iterable[Scored], axis: int) -> float:
    """Share of the errors along one axis inside their 90 % interval."""
    inside = [(np.abs(r.force_bw - r.trial.force_bw) <= _Z_90 * r.sd_bw)[r.mask][:, axis] for r in runs]
    return float(np.mean(np.concatenate(inside)))


def rescaled(one: Judged, scale: F64) -> Judged:
    """The same with its deviations times `scale` [2, 3], mixed as the engine mixes it."""
    factor = scale[0] + one.running[:, None, None] * (scale[1] - scale[0])
    return dataclasses.replace(one, scored=dataclasses.replace(one.scored, sd_bw=one.scored.sd_bw * factor))


def limits_from(judged: Iterable[Judged]) -> Limits:
    """The deviation's factors, the novelty and disagreement that unseen people almost never reach, the usual ones."""
    every = list(judged)
    seen = [one.scored.mask.any(axis=1) for one in every]
    novelty = np.concatenate([one.novelty[m] for one, m in zip(every, seen, strict=True)])
    apart = np.concatenate([one.disagreement_bw[m] for one, m in zip(every, seen, strict=True)])
    rest = np.concatenate([one.unexplained[m] for one, m in zip(every, seen, strict=True)])
    top = tuple(_MARGIN * float(x) for x in np.quantile(novelty, _LIMIT, axis=0))
    scale = tuple(tuple(float(x) for x in row) for row in deviation_scale(every))
    highest = _MARGIN * float(np.quantile(apart, _LIMIT)), _MARGIN_UNEXPLAINED * float(np.quantile(rest, _LIMIT))
    limits = Limits(top, *highest, 0.0, scale)
    ratio = np.concatenate([one.strange(limits)[m] for one, m in zip(every, seen, strict=True)])
    return dataclasses.replace(limits, usual=float(np.quantile(ratio, _USUAL)))
