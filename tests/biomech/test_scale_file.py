"""Segment lengths from an OpenSim scale set, and one line for every way in which it can be wrong."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from edge_runtime.biomech.model import DOFS, UNSCALED_STATURE_M, LegModel
from edge_runtime.biomech.scale_file import read_segments
from edge_runtime.biomech.scaling import Segments, relative
from edge_runtime.errors import UserError

FACTORS = {"pelvis": "1.1 1.0 1.2"} | {
    f"{body}_{side}": text
    for side in "rl"
    for body, text in (("femur", "1 1.05 1"), ("tibia", "1 1.1 1"), ("calcn", "1.02 1 1"))
}


def write(path: Path, factors: dict[str, str]) -> Path:
    rows = [f"<Scale><scales> {text} </scales><segment>{body}</segment></Scale>" for body, text in factors.items()]
    path.write_text(f"<OpenSimDocument><ScaleSet><objects>{''.join(rows)}</objects></ScaleSet></OpenSimDocument>")
    return path


def quiet(done: int, count: int) -> None:
    """No progress shown."""


def thigh_and_shank(leg: LegModel) -> list[float]:
    leg.set_state(*np.zeros((3, len(DOFS))))
    at = [leg.data.xpos[leg.model.body(f"{name}_r").id] for name in ("femur", "tibia", "talus")]
    return [float(np.linalg.norm(a - b)) for a, b in pairwise(at)]


def test_a_scale_set_scales_each_segment(tmp_path: Path) -> None:
    segments = read_segments(write(tmp_path / "scales.xml", FACTORS), 70.0, quiet)
    plain = thigh_and_shank(LegModel(UNSCALED_STATURE_M, 70.0))
    scaled = thigh_and_shank(LegModel(UNSCALED_STATURE_M, 70.0, segments))
    assert scaled[0] / plain[0] == pytest.approx(1.05, abs=1e-3)
    assert scaled[1] / plain[1] == pytest.approx(1.10, abs=1e-3)
    assert segments.pelvis == (1.1, 1.0, 1.2)


@pytest.mark.parametrize(
    ("factors", "words"),
    [
        ({k: v for k, v in FACTORS.items() if k != "tibia_l"}, "tibia_l"),
        (FACTORS | {"pelvis": "1 1"}, "three factors"),
        (FACTORS | {"pelvis": "1 1 9"}, "between 0.3 and 3"),
    ],
)
def test_a_wrong_scale_set_is_one_line(tmp_path: Path, factors: dict[str, str], words: str) -> None:
    with pytest.raises(UserError, match=words) as error:
        read_segments(write(tmp_path / "scales.xml", factors), 70.0, quiet)
    assert "scales.xml" in str(error.value)
    assert "\n" not in str(error.value)


def test_stature_and_relative_segments_are_the_same_person() -> None:
    segments = Segments(70.0, pelvis=(1.0, 1.0, 1.2))
    one = LegModel(1.8, 70.0, segments)
    other = LegModel(UNSCALED_STATURE_M, 70.0, relative(segments, 1.8 / UNSCALED_STATURE_M))
    assert thigh_and_shank(one) == pytest.approx(thigh_and_shank(other), rel=1e-9)
    assert one.model.site_pos == pytest.approx(other.model.site_pos, rel=1e-9)
