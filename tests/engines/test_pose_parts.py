"""The parts of the pose pipeline: anchors, decoding, search box, refinement, region, One-Euro filter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engines.pose.detector import SIZE, PersonDetector, View, anchors, decode
from engines.pose.landmarks import refine, refine_and_rate
from engines.pose.roi import OneEuro, Roi, roi_from_points

F64 = npt.NDArray[np.float64]
F32 = npt.NDArray[np.float32]


class FixedNet:
    """A detector net that always sees the same people."""

    def __init__(self, boxes: F32, scores: F32) -> None:
        self.outputs = {"Identity": boxes[None], "Identity_1": scores[None, :, None]}
        self.inputs: Mapping[str, npt.NDArray[Any]] = {"input_1": np.zeros((1, 3, SIZE, SIZE), np.float32)}

    def warm(self) -> None: ...

    def infer(self) -> Mapping[str, npt.NDArray[Any]]:
        return self.outputs

    def close(self) -> None: ...


def raw_people(people: list[tuple[tuple[float, float], float]]) -> tuple[F32, F32]:
    """Raw outputs for people with a hip centre (units of the input's side) and a logit; boxes 0.2 x 0.4."""
    boxes, scores = np.zeros((2254, 12), np.float32), np.full(2254, -20, np.float32)
    grid = anchors()
    for centre, logit in people:
        distance = np.hypot(*(grid - centre).T) + np.where(scores > -20, 9, 0)  # each person a free anchor
        i = int(np.argmin(distance))
        x, y = (np.array(centre) - grid[i]) * SIZE
        boxes[i, :8] = [x, y, 0.2 * SIZE, 0.4 * SIZE, x, y, x, y - 0.2 * SIZE]
        scores[i] = logit
    return boxes, scores


def test_anchors_cover_three_grids_with_equal_weight() -> None:
    grid = anchors()
    assert grid.shape == (28 * 28 * 2 + 14 * 14 * 2 + 7 * 7 * 6, 2)
    np.testing.assert_allclose(grid.mean(axis=0), 0.5)
    np.testing.assert_allclose(grid[:4], [[0.5 / 28, 0.5 / 28]] * 2 + [[1.5 / 28, 0.5 / 28]] * 2)
    np.testing.assert_allclose(grid[-1], [6.5 / 7, 6.5 / 7])


def test_nobody_above_the_threshold() -> None:
    assert decode(*raw_people([((0.5, 0.5), -0.001)]), anchors()) == []


def test_two_people_apart_are_two_and_the_surer_one_comes_first() -> None:
    people = decode(*raw_people([((0.2, 0.5), 1.0), ((0.8, 0.5), 3.0)]), anchors())
    np.testing.assert_allclose([p.points_px[0] for p in people], [[0.8, 0.5], [0.2, 0.5]], atol=1e-6)
    assert people[0].score == pytest.approx(1 / (1 + math.exp(-3)))


def test_boxes_that_overlap_are_averaged_by_score() -> None:
    people = decode(*raw_people([((0.50, 0.5), 4.0), ((0.54, 0.5), 0.5)]), anchors())
    weights = [1 / (1 + math.exp(-x)) for x in (4.0, 0.5)]
    assert len(people) == 1
    assert people[0].points_px[0, 0] == pytest.approx(0.50 + 0.04 * weights[1] / sum(weights))


def test_extreme_logits_do_not_overflow() -> None:
    with np.errstate(all="raise", under="ignore"):
        people = decode(*raw_people([((0.5, 0.5), 600.0)]), anchors())
    assert people[0].score == pytest.approx(1.0)


def test_without_a_box_the_best_score_wins_with_one_the_nearest() -> None:
    net = FixedNet(*raw_people([((0.5, 0.45), 1.0), ((0.85, 0.5), 4.0)]))
    frame = np.zeros((400, 400, 3), np.uint8)
    best = PersonDetector(net).people(View(frame))[0]
    assert best is not None
    np.testing.assert_allclose(best.points_px[0], [340, 200], atol=1e-3)
    nearest = PersonDetector(net).people(View(frame, (100, 50, 200, 100)))[0]
    assert nearest is not None  # the box is letterboxed: 50 black rows of 200 above and below
    np.testing.assert_allclose(nearest.points_px[0], [100 + 100, 50 + 0.45 * 200 - 50], atol=1e-3)


def test_the_letterbox_is_centred_and_black() -> None:
    net = FixedNet(*raw_people([]))
    assert PersonDetector(net).people(View(np.full((100, 200, 3), 255, np.uint8))) == []
    seen = net.inputs["input_1"][0]
    np.testing.assert_allclose(seen[:, 60:164, 1:-1], 1.0, atol=1e-6)
    np.testing.assert_allclose(seen[:, :55], -1.0)
    np.testing.assert_allclose(seen[:, 170:], -1.0)


def refine_slowly(xy: F64, heatmaps: F32) -> F64:
    """The rule, point by point and cell by cell."""
    out = xy.copy()
    for point, (x, y) in enumerate(xy):
        column, row = math.trunc(x / 4), math.trunc(y / 4)
        if not (0 <= column < 64 and 0 <= row < 64):
            continue
        cells = [
            (c, r, 1 / (1 + math.exp(-heatmaps[point, r, c])))
            for r in range(max(0, row - 3), min(64, row + 4))
            for c in range(max(0, column - 3), min(64, column + 4))
        ]
        if max(weight for *_, weight in cells) >= 0.5:
            total = sum(weight for *_, weight in cells)
            out[point] = [
                4 * sum(c * w for c, _, w in cells) / total,
                4 * sum(r * w for _, r, w in cells) / total,
            ]
    return out


@settings(deadline=None)  # the first call compiles
@given(hnp.arrays(np.float64, (39, 2), elements=st.floats(-20, 280)), st.integers(0, 2**32 - 1))
def test_refinement_equals_the_rule_cell_by_cell(xy: F64, seed: int) -> None:
    heatmaps = np.random.default_rng(seed).normal(-2, 1.5, (39, 64, 64)).astype(np.float32)
    np.testing.assert_allclose(refine(xy, heatmaps), refine_slowly(xy, heatmaps), atol=1e-9)


def test_refinement_moves_to_a_peak_and_only_to_one_it_trusts() -> None:
    heatmaps = np.full((39, 64, 64), -30, np.float32)
    heatmaps[0, 20, 30], heatmaps[1, 20, 30] = 5, -0.01
    xy = np.full((39, 2), [122.0, 78.0])
    moved = refine(xy, heatmaps)
    np.testing.assert_allclose(moved[0], [120, 80], atol=1e-6)
    np.testing.assert_array_equal(moved[1:], xy[1:])


@pytest.mark.parametrize(
    ("head", "angle_deg"), [((0, -100), 0), ((100, 0), 90), ((-100, 0), -90), ((70.7107, -70.7107), 45)]
)
def test_region_turns_with_the_body(head: tuple[float, float], angle_deg: float) -> None:
    hip = np.array([300.0, 200.0])
    roi = roi_from_points(np.stack([hip, hip + head]))
    assert roi.side_px == pytest.approx(250, rel=1e-6)
    assert math.degrees(roi.angle_rad) == pytest.approx(angle_deg, abs=1e-4)
    up = roi.matrix(256) @ [128, 128 - 128 / 1.25, 1]  # the head is straight up in the crop
    np.testing.assert_allclose(up, hip + head, atol=1e-3)


@given(st.floats(-math.pi, math.pi), st.floats(20, 900))
def test_crop_corners_map_to_the_corners_of_the_square(angle: float, side: float) -> None:
    roi = Roi(100.0, 50.0, side, angle)
    corners = np.array([[0, 0, 1], [256, 0, 1], [256, 256, 1], [0, 256, 1]]) @ roi.matrix(256).T
    np.testing.assert_allclose(corners.mean(axis=0), [100, 50], atol=1e-6)
    np.testing.assert_allclose(np.hypot(*np.diff(corners, axis=0).T), side, rtol=1e-9)
    np.testing.assert_allclose((corners[1] - corners[0]) / side, roi.rotation() @ [1, 0], atol=1e-9)


def test_one_euro_first_steps_by_hand() -> None:
    smooth = OneEuro(min_cutoff_hz=1.0, beta=0.5, derivative_cutoff_hz=1.0)
    assert smooth.step(np.array([2.0]), 0, 1.0) == 2.0
    weight = 1 / (1 + 1 / (2 * math.pi * 0.5))
    speed = weight * (3 - 2) * 10 / 0.5  # scale 10, dt 0.5 s
    cutoff = 1 + 0.5 * speed
    expected = 2 + (3 - 2) / (1 + 1 / (2 * math.pi * cutoff * 0.5))
    assert smooth.step(np.array([3.0]), 500_000_000, 10.0) == pytest.approx(expected)


def test_one_euro_knows_time_not_samples() -> None:
    ends = []
    for rate in (30, 60, 120):
        smooth = OneEuro(0.5, 1.0, 1.0)
        for k in range(2 * rate + 1):
            end = smooth.step(np.array([math.sin(k / rate)]), round(k * 1e9 / rate), 1.0)
        ends.append(end[0])
    assert np.ptp(ends) < 0.02


def test_one_euro_ignores_a_stale_value_and_forgets_on_reset() -> None:
    smooth = OneEuro(0.01, 0.0, 1.0)
    smooth.step(np.array([0.0]), 100, 1.0)
    assert smooth.step(np.array([5.0]), 100, 1.0) == 5.0
    assert smooth.step(np.array([5.0]), 33_000_100, 1.0) < 0.1
    smooth.reset()
    assert smooth.step(np.array([7.0]), 50, 1.0) == 7.0


def test_sharpness_is_the_peak_beside_the_point_and_zero_outside() -> None:
    heatmaps = np.full((39, 64, 64), -12.0, np.float32)
    heatmaps[0, 20, 31] = 3.0  # one cell beside the point
    heatmaps[1, 50, 50] = 9.0  # far from it
    xy = np.full((39, 2), 100.0)
    xy[:3] = [[4.0 * 30 + 1, 4.0 * 20 + 1], [40.0, 40.0], [-30.0, 10.0]]
    _, sharpness = refine_and_rate(xy, heatmaps)
    assert sharpness[0] == pytest.approx(1 / (1 + math.exp(-3.0)), abs=1e-6)
    assert sharpness[1] < 1e-4
    assert sharpness[2] < 1e-4
