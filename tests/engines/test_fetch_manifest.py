"""The manifest loader: every mistake is one line that names the key and the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.errors import EngineError
from engines.manifest import MANIFEST_PATH, load_manifest


def test_the_shipped_manifest_loads() -> None:
    manifest = load_manifest()
    assert manifest.assets["demo_clip"].file_name == "demo.mp4"
    outputs = manifest.engines["pose_landmark"].outputs
    assert [o.name for o in outputs] == ["Identity", "Identity_1", "Identity_3", "Identity_4"]
    assert outputs[2].shape == (1, 39, 64, 64)
    assert all(len(asset.sha256) == 64 for asset in manifest.assets.values())


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("licence =", "license =", "unknown key assets.pose_detection_tflite.license"),
        ('version = "0.10.21"\n', "", "key distributions.mediapipe.version is missing"),
        ('version = "0.10.21"', "version = 10", "distributions.mediapipe.version must be str, is int"),
        ("wheel_bytes = 9_050_415", "wheel_bytes = true", "wheel_bytes must be int, is bool"),
        ("[1, 3, 224, 224]", '[1, "3"]', r"engines.pose_detection.inputs[0].shape[1] must be int, is str"),
        ('distribution = "sports2d"', 'distribution = "sport"', "names no distribution: 'sport'"),
        ('asset = "pose_landmark_full_tflite"', 'asset = "lite"', "names no asset: 'lite'"),
        ("[distributions.mediapipe]", "[surplus.mediapipe]", "unknown key surplus"),
        ("[distributions.mediapipe]", "[distributions.mediapipe", "line 6"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = MANIFEST_PATH.read_text()
    assert old in text
    path = tmp_path / "manifest.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(EngineError) as error:
        load_manifest(path)
    line = str(error.value)
    assert says in line and str(path) in line and "\n" not in line
