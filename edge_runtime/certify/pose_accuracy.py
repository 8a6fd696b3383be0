"""Error of pose networks and head on filmed people with known angles, on any backend: what a certificate says of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from edge_runtime.errors import UserError
from edge_runtime.evaluate_pose.scores import errors_deg
from edge_runtime.evaluate_pose.stream import stream
from edge_runtime.evaluate_pose.trials import PoseTrial, find_trials
from engines.backends.base import Opener
from engines.backends.ort_cpu import OrtCpuRunner
from engines.certify import Accuracy
from engines.fetch import onnx_path
from engines.manifest import load_manifest
from engines.plans import POSE, pose_networks
from engines.pose.engine import PoseNets

_TRIALS: Final = 3
"""Enough to tell a backend's error from none, in seconds; spread over the folder, whose names begin with the view."""


def pose_accuracy(data_dir: Path) -> dict[str, Accuracy]:
    """By network: knee of the near leg, RMSE in degrees, on trials under `data_dir` (docs/pose.md), which must show
    people that no training has seen. UserError: no folder, no trial."""
    found = find_trials(data_dir)
    trials = found[:: -(-len(found) // _TRIALS)]
    hooks: dict[str, Accuracy] = {name: partial(_of_landmarks, trials, name) for name in pose_networks()}
    return hooks | {"pose_head": partial(near_knee_deg, trials, POSE, OrtCpuRunner)}


def _of_landmarks(trials: list[PoseTrial], name: str, opener: Opener) -> float:
    return near_knee_deg(trials, name, opener, OrtCpuRunner)


def near_knee_deg(trials: list[PoseTrial], network: str, open_landmarks: Opener, open_head: Opener) -> float:
    """The error with this pose network and the head, each opened by its own. UserError: nobody is found."""
    points = load_manifest().engines[network].points
    assert points is not None
    landmarks, detector = open_landmarks(onnx_path(network)), OrtCpuRunner(onnx_path("pose_detection"))
    nets = PoseNets(detector, landmarks, points)
    runs = [stream(trial, nets.tracker(), open_head) for trial in trials]
    errors = [errors_deg(run, "fused", "knee_angle", "near") for run in runs if run.scored.any()]
    landmarks.close()
    detector.close()
    if not errors:
        raise UserError("accuracy of pose networks: nobody is found in the trials; give others with --poses")
    return float(np.sqrt(np.mean(np.concatenate(errors) ** 2)))
