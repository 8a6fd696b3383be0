"""The prompt from command line and device file: shifted into the crop, and every mistake one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge_runtime.config import DEFAULT_PATH, load_device
from edge_runtime.errors import UserError
from edge_runtime.wearer import WearerSpec, wearer_spec
from engines.pose.prompt import Anybody, InBox, NearSpot

SIZE = (1000, 600)
CROP = (100, 50, 400, 300)


def test_prompts_are_shifted_into_the_crop(tmp_path: Path) -> None:
    assert WearerSpec().prompt(SIZE, None) == Anybody()
    assert WearerSpec(box=(150, 60, 80, 90)).prompt(SIZE, CROP) == InBox((50, 10, 80, 90))
    assert WearerSpec(spot_px=(150.0, 60.0), reach_px=20.0).prompt(SIZE, CROP) == NearSpot((50.0, 10.0), 20.0)
    mask = np.zeros((600, 1000), np.uint8)
    mask[100:200, 200:300] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    prompt = WearerSpec(mask=tmp_path / "mask.png").prompt(SIZE, CROP)
    assert prompt.rank(np.array([150.0, 140.0]), np.array([150.0, 60.0])) is not None
    assert prompt.rank(np.array([250.0, 140.0]), np.array([250.0, 60.0])) is None


def test_the_profiles_height_counts_at_a_spot_of_known_scale_only() -> None:
    spot = WearerSpec(spot_px=(1.0, 2.0), reach_px=9.0, px_per_m=200.0)
    assert spot.stature_px(1.7) == pytest.approx(340)
    assert WearerSpec(spot_px=(1.0, 2.0), reach_px=9.0).stature_px(1.7) is None
    assert WearerSpec(box=(1, 2, 3, 4), px_per_m=200.0).stature_px(1.7) is None


@pytest.mark.parametrize(
    "spec", [WearerSpec(box=(600, 60, 80, 90)), WearerSpec(box=(150, 60, 0, 9)), WearerSpec(spot_px=(99.0, 60.0))]
)
def test_a_prompt_outside_the_picture_is_one_line(spec: WearerSpec) -> None:
    with pytest.raises(UserError, match=r"lies outside 400 x 300 px at 100,50"):
        spec.prompt(SIZE, CROP)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"spot": [1, 2]}, "unknown key `wearer.spot`"),
        ({"spot_px": [1], "reach_px": 5}, "`wearer.spot_px` must be [x, y]"),
        ({"spot_px": [1, True], "reach_px": 5}, "`wearer.spot_px` must be [x, y]"),
        ({"spot_px": [1, 2]}, "`wearer.reach_px` must be a number"),
        ({"spot_px": [1, 2], "reach_px": 0.2}, "`wearer.reach_px` must be a number"),
        ({"spot_px": [1, 2], "reach_px": 9, "px_per_m": -1}, "`wearer.px_per_m` must be a number"),
    ],
)
def test_a_wrong_table_is_one_line(table: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as error:
        wearer_spec(table, Path("device.toml"))
    assert says in str(error.value) and "\n" not in str(error.value)


def test_a_device_file_may_name_camera_wearer_and_network(tmp_path: Path) -> None:
    path = tmp_path / "device.toml"
    text = 'pose_engine = "heavy"\n' + DEFAULT_PATH.read_text()
    text += '\n[camera]\nsource = "rtsp://eva:secret@host/x"\nreference = "scene.npz"\nrate_hz = 60\n'
    path.write_text(text + "[wearer]\nspot_px = [10, 20]\nreach_px = 30\n")
    device = load_device(path)
    assert device.pose_engine == "heavy" and device.camera.rate_hz == 60
    assert device.camera.reference == str(tmp_path / "scene.npz")
    assert device.wearer == WearerSpec(spot_px=(10.0, 20.0), reach_px=30.0)
    assert load_device(DEFAULT_PATH).camera.source == "" and load_device(DEFAULT_PATH).pose_engine == "full"
    path.write_text(text.replace('"heavy"', "7"))
    with pytest.raises(UserError, match="`pose_engine` must be"):
        load_device(path)
    path.write_text(text + 'second = "v4l2:/dev/video1"\n')
    with pytest.raises(UserError, match="go together"):
        load_device(path)
