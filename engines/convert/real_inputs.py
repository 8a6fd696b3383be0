"""What the networks are given in real use: crops of the demo clip, windows of measured gait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from engines.backends.base import Buffers, Runner
from engines.backends.ort_cpu import OrtCpuRunner
from engines.backends.wrapped import WrappedRunner
from engines.beside import Inline
from engines.convert.precision import Inputs
from engines.demo_clip import gait_frames
from engines.errors import EngineError
from engines.fetch import onnx_path
from engines.grf.engine import GrfEngine
from engines.grf.features import COORDINATES
from engines.grf.trials import Trial, find_trials, read_trial
from engines.inpaint.engine import Inpainter
from engines.inpaint.window import LEG_JOINTS, LEGS
from engines.pose.detector import PersonDetector, View
from engines.pose.head import Geometry, PoseHead
from engines.pose.tracker import PoseTracker

_CLIP_STEP_NS: Final = 33_333_333
TRIALS: Final = 16
"""Of measured gait, spread over all there are."""

_LONGEST_S: Final = 2.0
_EVERY: Final = 11  # frames between two windows of a trial
_HIDDEN_S: Final = 0.3


class _Recorder(WrappedRunner):
    """A runner that keeps a copy of everything it was given."""

    def __init__(self, runner: Runner) -> None:
        super().__init__(runner)
        self.given: list[Inputs] = []

    def infer(self) -> Buffers:
        self.given.append({name: value.copy() for name, value in self.inputs.items()})
        return super().infer()


def real_inputs(engine: str, data_dir: Path | None, trials: int = TRIALS) -> list[Inputs]:
    """Inputs of `engine` in the order they came, those of its variants alike.

    Pose from the fetched demo clip; gait from about as many `trials` under `data_dir`, none where that is None.
    EngineError: the clip is not fetched, no trial, no such engine.
    """
    for prefix, collect in _FROM_CLIP.items():
        if engine.startswith(prefix):
            return collect()
    for prefix, record in _FROM_GAIT.items():
        if engine.startswith(prefix):
            return [] if data_dir is None else [each for trial in _trials(data_dir, trials) for each in record(trial)]
    raise EngineError(f"engine {engine}: no real inputs are known; add them to engines/convert/real_inputs.py")


def _detector_inputs() -> list[Inputs]:
    recorder = _Recorder(OrtCpuRunner(onnx_path("pose_detection")))
    detector = PersonDetector(recorder)
    for rgb in list(gait_frames())[::4]:
        detector.people(View(rgb))
    return recorder.given


def _landmark_inputs() -> list[Inputs]:
    recorder = _Recorder(OrtCpuRunner(onnx_path("pose_landmark")))
    tracker = PoseTracker(OrtCpuRunner(onnx_path("pose_detection")), recorder, None, Inline)
    for i, rgb in enumerate(gait_frames()):
        tracker.step(rgb, i * _CLIP_STEP_NS)
    tracker.close()
    return recorder.given


def head_inputs() -> list[Inputs]:
    """What the pose head is given frame by frame along the clip; its memory is its own."""
    kept = _Kept()
    head = PoseHead(Geometry(), None, kept)
    kept.recorder.given.clear()  # what it warmed up with
    tracker = PoseTracker(
        OrtCpuRunner(onnx_path("pose_detection")), OrtCpuRunner(onnx_path("pose_landmark")), None, Inline
    )
    for i, rgb in enumerate(gait_frames()):
        head.step(tracker.step(rgb, i * _CLIP_STEP_NS))
    tracker.close()
    return kept.recorder.given


def _trials(data_dir: Path, count: int) -> list[Trial]:
    paths, _ = find_trials(data_dir)
    return [read_trial(path) for path in paths[:: max(1, len(paths) // count)]]


class _Kept:
    """An opener that remembers the recorder it opened."""

    def __call__(self, path: Path) -> Runner:
        self.recorder = _Recorder(OrtCpuRunner(path))
        return self.recorder


def _grf_inputs(trial: Trial) -> list[Inputs]:
    kept = _Kept()
    engine, still = GrfEngine(None, kept), np.zeros(len(COORDINATES))
    kept.recorder.given.clear()  # what it warmed up with
    for t_s, q, seen in zip(trial.t_s - trial.t_s[0], trial.q, trial.observed, strict=True):
        if t_s > _LONGEST_S:
            break
        engine.step(round(t_s * 1e9), q, still, seen, trial.mass_kg)
    return kept.recorder.given[::_EVERY]


def _inpaint_inputs(trial: Trial) -> list[Inputs]:
    kept = _Kept()
    engine, t_s = Inpainter(None, kept), trial.t_s - trial.t_s[0]
    q = np.where(trial.observed, trial.q, np.nan)
    for end in range(int(np.searchsorted(t_s, 1.0)), int(np.searchsorted(t_s, _LONGEST_S)), 2 * _EVERY):
        shown = q[:end].copy()
        shown[t_s[:end] > t_s[end - 1] - _HIDDEN_S, LEGS.start + LEG_JOINTS : LEGS.stop] = np.nan  # the left leg
        engine.fill(t_s[:end], shown)
    return kept.recorder.given


_FROM_CLIP: Final[Mapping[str, Callable[[], list[Inputs]]]] = {
    "pose_detection": _detector_inputs,
    "pose_landmark": _landmark_inputs,
    "pose_head": head_inputs,
}
_FROM_GAIT: Final[Mapping[str, Callable[[Trial], list[Inputs]]]] = {
    "grf_gait": _grf_inputs,
    "inpaint_gait": _inpaint_inputs,
}
