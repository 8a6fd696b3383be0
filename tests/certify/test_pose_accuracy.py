"""What a certificate says of a pose network: the trials' own error, and another where the network is spoilt."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_runtime.certify.pose_accuracy import pose_accuracy
from edge_runtime.errors import UserError
from engines.backends.base import Buffers, Runner
from engines.backends.ort_cpu import OrtCpuRunner
from engines.backends.wrapped import WrappedRunner
from engines.demo_clip import gait_frames
from engines.manifest import load_manifest
from engines.plans import engines_with_terms, pose_networks

FRAMES, RATE_HZ = 45, 30.0


class Shifted(WrappedRunner):
    """Moves the left and right knee of the picture and of space aside."""

    def infer(self) -> Buffers:
        out = {name: value.copy() for name, value in super().infer().items()}
        for knee in (25, 26):
            out["Identity"].reshape(39, 5)[knee, 0] += 25.0
            out["Identity_4"].reshape(39, 3)[knee, 0] += 0.15
        out["Identity_3"][...] = -20.0  # no heatmap mends it
        return out


def spoilt(path: Path) -> Runner:
    return Shifted(OrtCpuRunner(path))


@pytest.fixture(scope="module")
def trials(assets: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo clip as a trial; as "truth" a knee that is merely plausible."""
    folder = tmp_path_factory.mktemp("poses") / "side_0"
    folder.mkdir()
    frames = [cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR) for rgb in gait_frames()][:FRAMES]
    height, width = frames[0].shape[:2]
    video = cv2.VideoWriter(str(folder / "video.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), RATE_HZ, (width, height))
    for frame in frames:
        video.write(frame)
    video.release()
    t_s = np.arange(FRAMES) / RATE_HZ
    q = np.full((FRAMES, 2), 25.0)
    np.savez(folder / "truth.npz", t=t_s, q=q, q_names=np.array(["knee_angle_r", "knee_angle_l"]), near_side="l")
    return folder.parent


@pytest.mark.assets
def test_a_spoilt_network_errs_more(trials: Path) -> None:
    hook = pose_accuracy(trials)["pose_landmark"]
    sound = hook(OrtCpuRunner)
    assert 5.0 < sound < 40.0  # a walking knee against one that does not move
    assert abs(hook(spoilt) - sound) > 1.0


@pytest.mark.assets
def test_the_head_is_opened_by_the_opener(trials: Path) -> None:
    opened: list[Path] = []

    def opener(path: Path) -> Runner:
        opened.append(path)
        return OrtCpuRunner(path)

    assert np.isfinite(pose_accuracy(trials)["pose_head"](opener))
    assert [path.name for path in opened] == ["pose_head.onnx"]


def test_every_pose_network_has_the_hook_that_its_terms_name(trials: Path) -> None:
    hooks, terms = pose_accuracy(trials), engines_with_terms()
    assert set(hooks) == {*pose_networks(), "pose_head"}
    assert all(terms[name].accuracy == "near_knee_deg" and terms[name].accuracy_max > 0.0 for name in hooks)
    assert load_manifest().engines["pose_landmark"].points is not None


def test_a_folder_without_trials_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no trial folder") as error:
        pose_accuracy(tmp_path)
    assert "\n" not in str(error.value)
