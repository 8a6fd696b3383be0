"""Error of the motion networks on measured gait, on any backend: what a certificate says beside golden parity."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from engines.backends.base import Opener
from engines.certify import Accuracy
from engines.errors import EngineError
from engines.grf.engine import GrfEngine
from engines.grf.evaluate import SIDE_VIEW, run_trial, summary
from engines.grf.features import COORDINATES
from engines.grf.trials import Trial, find_trials, read_trial
from engines.inpaint.engine import Inpainter
from engines.inpaint.evaluate import score
from engines.inpaint.gaps import gaps_of

WALKING: Final = "schreiber2019_walk"
_TRIALS: Final = 6  # of the ground reaction: enough to tell a backend's error from none, in seconds
_GAP_S: Final = 0.5
_ROW: Final = "diffusion"  # what the engine gives


def measured_accuracy(data_dir: Path) -> dict[str, Accuracy]:
    """By network: error on the trials under `data_dir`. EngineError: no folder, no trial."""
    paths = find_trials(data_dir)[0]
    if not paths:
        raise EngineError(f"{data_dir}: holds no .npz trial with joint coordinates and forces")
    trials = [read_trial(path) for path in paths]
    return {
        "grf_gait": lambda opener: vertical_rmse_pct_bw(trials, opener),
        "inpaint_gait": lambda opener: filled_deg(trials, opener),
    }


def vertical_rmse_pct_bw(trials: list[Trial], opener: Opener) -> float:
    """Vertical force on walking trials, RMSE in % of body weight; the people trained the shipped weights."""
    walking = [trial for trial in trials if trial.data_set == WALKING][:_TRIALS]
    if not walking:
        raise EngineError(f"no trial of {WALKING} among the measured data")
    engine, shown = GrfEngine(None, opener), np.ones(len(COORDINATES), dtype=np.bool_)
    found = summary([run_trial(engine, trial, shown) for trial in walking])
    return float(found["vertical"]["rmse_pct_bw"])


def filled_deg(trials: list[Trial], opener: Opener) -> float:
    """Joints of a leg hidden for half a second, mean error in degrees, walking of people held out from training."""
    inpainter, ground = Inpainter(None, opener), GrfEngine()
    held_out = [t for t in trials if t.subject in inpainter.facts.held_out and t.data_set == WALKING]
    gaps = [g for i, t in enumerate(held_out) for g in gaps_of(t, _GAP_S, 1, np.random.default_rng(i))]
    if not gaps:
        raise EngineError(f"no walking of {', '.join(inpainter.facts.held_out)} among the measured data")
    errors = np.concatenate([score(ground, inpainter, gap, SIDE_VIEW, (_ROW,)).joints[_ROW] for gap in gaps])
    return float(np.degrees(np.abs(errors[np.isfinite(errors)]).mean()))
