"""`evaluate`: every trial of a folder through network and physics, scored on people the network has not seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from edge_runtime.evaluate_grf.fills import fills
from edge_runtime.evaluate_grf.noise import noisy
from edge_runtime.evaluate_grf.occlusion import gaps, play, table
from edge_runtime.evaluate_grf.scores import block, frames, times
from edge_runtime.evaluate_grf.stream import Case, Run, case_of, stream
from edge_runtime.progress import progress
from engines.errors import EngineError
from engines.grf.evaluate import SIDE_VIEW
from engines.grf.fair import FairEngines
from engines.grf.trials import find_trials, read_trial
from engines.grf.weights import ZOO_PATH
from engines.inpaint.fair import FairInpainters

SEED: Final = 1
GAPS: Final = 24  # places: about a second each on one core
People = Literal["unseen", "all"]


@dataclass(frozen=True)
class Question:
    """What to measure beside the plain scores: `people` "unseen" by the weights or "all"; keypoint-like noise of
    `noise_deg` on the coordinates; `occlude` adds the table of hidden legs, from up to `gaps` places of each data set.
    """

    people: People = "unseen"
    noise_deg: float = 0.0
    occlude: bool = False
    gaps: int = GAPS


def evaluate(data_dir: Path, question: Question, onnx_path: Path = ZOO_PATH) -> dict[str, Any]:
    """Errors of the chain on the `.npz` trials under `data_dir`, by the keys of the product's benchmark table.

    A file that cannot be used is named in `skipped` with its reason. EngineError: no folder, no trial, nobody to score.
    """
    engines = FairEngines(onnx_path)
    cases, others, skipped = _read(data_dir)
    chosen = [case for case in cases if question.people == "all" or not engines.seen(case.trial.subject)]
    if not chosen:
        raise EngineError(
            f"{data_dir}: holds only people the network was trained on; give it other people, or score them with "
            "--people all"
        )
    rng = np.random.default_rng(SEED)
    shown = [noisy(case, question.noise_deg, rng) if question.noise_deg > 0.0 else case for case in chosen]
    runs = list(_streamed(engines, shown, "trials"))
    side = list(_streamed(engines, (_side_view(case) for case in shown), "side view", len(shown)))
    result = {
        **_who(engines, chosen, cases),
        "skipped": others | skipped,
        "harmonized": {case.trial.name: case.trial.notes for case in chosen if case.trial.notes},
        "noise_deg": question.noise_deg,
        "overall": block(runs),
        "frame": frames(runs),
        "by_set": _by_set(runs),
        "by_set_side_view": _by_set(side),
        **times(runs),
        "per_trial": [_trial_block(run) for run in runs],
    }
    return result | (_hidden_legs(engines, shown, question.gaps) if question.occlude else {})


def _who(engines: FairEngines, chosen: list[Case], cases: list[Case]) -> dict[str, Any]:
    """Whom is scored, by weights that have seen whom, and who of `cases` is left out."""
    people = sorted({case.trial.subject for case in chosen})
    return {
        "trials": len(chosen),
        "subjects": people,
        "seen_in_training": [name for name in people if engines.seen(name)],
        "scored_by_fold": [name for name in people if engines.by_fold(name)],
        "left_out": sorted({case.trial.subject for case in cases} - set(people)),
    }


def _read(data_dir: Path) -> tuple[list[Case], dict[str, str], dict[str, str]]:
    """Cases of all trials that can be read, and by file why others were passed over: no coordinates, or damaged."""
    paths, without = find_trials(data_dir)
    cases, skipped, last = [], {}, None
    for path in progress(paths, len(paths), "reading"):
        try:
            cases.append(case_of(read_trial(path), path))
        except EngineError as error:
            skipped[str(path)], last = str(error), error
    if not cases and last is not None:
        raise last
    return cases, {str(path): "no joint coordinates" for path in without}, skipped


def _streamed(engines: FairEngines, cases: Iterable[Case], what: str, total: int = 0) -> Iterator[Run]:
    cases = list(cases)
    for case in progress(cases, total or len(cases), what):
        yield stream(engines.of(case.trial.subject), case)


def _side_view(case: Case) -> Case:
    """The same with what a camera beside the wearer sees: sagittal plane and height; the trunk goes with the pelvis."""
    return dataclasses.replace(case, observed=case.observed & SIDE_VIEW, trunk_rad=None)


def _by_set(runs: list[Run]) -> dict[str, Any]:
    names = sorted({run.trial.data_set for run in runs})
    return {name: block([run for run in runs if run.trial.data_set == name]) for name in names}


def _trial_block(run: Run) -> dict[str, Any]:
    head = {"set": run.trial.data_set, "subject": run.trial.subject, "trial": run.trial.name}
    angles = {"frame_deg": run.angle_deg.tolist(), "frame_reason": run.frame_reason}
    return head | block([run]) | angles


def _hidden_legs(engines: FairEngines, cases: list[Case], count: int) -> dict[str, Any]:
    """Tables of hidden legs with everything else shown, and with what a camera beside the wearer sees of it.

    Legs are filled by weights that have not seen the person, but for those in `seen_by_inpainter`.
    """
    inpainters = FairInpainters()
    people = sorted({case.trial.subject for case in cases})
    return {
        "occlusion": _occluded(engines, inpainters, cases, count),
        "occlusion_side_view": _occluded(engines, inpainters, [_side_view(case) for case in cases], count),
        "seen_by_inpainter": [name for name in people if inpainters.seen(name)],
    }


def _occluded(engines: FairEngines, inpainters: FairInpainters, cases: list[Case], count: int) -> dict[str, Any]:
    found = []
    names = sorted({case.trial.data_set for case in cases})
    for name in names:
        own = [case for case in cases if case.trial.data_set == name]
        found += gaps(own, count, np.random.default_rng(SEED))
    played = []
    for gap in progress(found, len(found), "hidden legs"):
        person = gap.case.trial.subject
        played.append(play(engines.of(person), gap, fills(inpainters.of(person))))
    return {name: table([one for one in played if one.gap.case.trial.data_set == name]) for name in names}
