"""Observer of both legs: intents and feedback in, rows, maps and doubt out; through shared memory and the record."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.profile import Profile, load_profile
from edge_runtime import shared
from edge_runtime.commands.options import DEMO_PROFILE
from edge_runtime.doubt import CAUSES, NO_DOUBT, TISSUE_CAUSE, Doubt, described, worse
from edge_runtime.errors import UserError
from edge_runtime.intent import HORIZON_NS, new_intent
from edge_runtime.processes import Budget
from edge_runtime.record import Recorder, load
from edge_runtime.record.tissue import tissue_summary
from edge_runtime.report.series import Source
from edge_runtime.report.tissue import pressure_pictures, tissue_charts
from edge_runtime.rt.mailbox import publish
from edge_runtime.tissue import watch
from edge_runtime.tissue.both_legs import MAP_NS, Observed, TissueObserver
from edge_runtime.tissue.rows import MAP_WIDTH, MAX_TILES, TISSUE_FIELDS, CuffMap, from_json, unpacked
from edge_runtime.tissue.springs import phantom_of
from tests.record.fake_run import MUSCLES, NAMES

FRAME_NS = 16_666_667
FRAMES = 150


@cache
def profile() -> Profile:
    return load_profile(DEMO_PROFILE)


@cache
def run() -> tuple[Observed, ...]:
    """Two and a half seconds: both knees swing under torque; the left one is lost after two."""
    observer = TissueObserver(profile(), FRAME_NS, lambda: 0)
    intent, out = new_intent(), []
    for k in range(FRAMES):
        now_ns = 1_000_000_000 + k * FRAME_NS
        knee_rad = 0.4 - 0.4 * math.cos(6.0 * k * FRAME_NS * 1e-9)
        torque_nm = 6.0 * math.sin(9.0 * k * FRAME_NS * 1e-9)
        intent[0]["valid"], intent[0]["t_act_ns"] = 1, now_ns
        intent[0]["knee_rad"][:] = knee_rad
        if k >= 120:
            intent[0]["knee_rad"][1] = math.nan
        seen = observer.step(now_ns, intent, np.array([torque_nm, torque_nm]), np.array([knee_rad, knee_rad]))
        out.append(seen._replace(row=seen.row.copy()))
    return tuple(out)


def column(name: str) -> np.ndarray:
    return np.array([seen.row[TISSUE_FIELDS.index(name)] for seen in run()])


def test_rows_begin_when_the_model_has_settled_and_end_with_the_knee() -> None:
    right, left = np.isfinite(column("knee_nm_r")), np.isfinite(column("knee_nm_l"))
    assert not right[:10].any() and right[40:].all()
    assert left[40:120].all() and not left[120:].any()
    assert np.nanmax(column("thigh_p95_pa_r")) > 100.0
    assert (column("full_r")[right] == 1.0).all()


def test_both_legs_of_a_symmetric_walk_are_alike() -> None:
    both = slice(40, 120)
    for name in ("full_bend_rad", "knee_nm", "shank_p95_pa"):
        np.testing.assert_array_equal(column(f"{name}_r")[both], column(f"{name}_l")[both])


def test_maps_come_every_two_seconds_and_survive_row_and_json() -> None:
    maps = [one for seen in run() for one in seen.maps]
    assert 4 <= len(maps) <= 8
    assert np.diff(sorted({one.t_ns for one in maps})).min(initial=MAP_NS) >= MAP_NS
    for one in maps:
        row = one.packed()
        assert len(row) == MAP_WIDTH
        again = unpacked(row)
        assert (again.side, again.cuff, again.t_ns, again.half_rad) == (one.side, one.cuff, one.t_ns, one.half_rad)
        np.testing.assert_array_equal(again.peak_pa, one.peak_pa)
        np.testing.assert_allclose(from_json(one.as_json()).mean_pa, one.mean_pa, atol=0.051)


def test_a_map_too_large_for_its_row_says_so() -> None:
    tiles = np.zeros((20, MAX_TILES // 20 + 1))
    assert not CuffMap(0, "r", "thigh", 0.1, 0.2, 3.1, tiles, tiles).fits


@pytest.mark.parametrize("case", ["invalid", "late"])
def test_without_a_fresh_estimate_the_observer_says_nothing(case: str) -> None:
    observer = TissueObserver(profile(), FRAME_NS, lambda: 0)
    intent = new_intent()
    intent[0]["valid"] = case == "late"
    for k in range(30):
        now_ns = 10**9 + k * FRAME_NS
        intent[0]["t_act_ns"] = now_ns - HORIZON_NS
        seen = observer.step(now_ns, intent, np.ones(2), np.zeros(2))
    assert np.isnan(seen.row[2:]).all() and seen.doubt.cause == 0


def test_a_machine_too_slow_for_every_frame_still_gets_rows_and_maps() -> None:
    observer, intent, rows, maps = TissueObserver(profile(), FRAME_NS, lambda: 0), new_intent(), [], []
    for k in range(0, 180, 3):
        now_ns = 1_000_000_000 + k * FRAME_NS
        intent[0]["valid"], intent[0]["t_act_ns"] = 1, now_ns
        intent[0]["knee_rad"][:] = 0.3
        seen = observer.step(now_ns, intent, np.full(2, 4.0), np.full(2, 0.3))
        rows.append(seen.row.copy())
        maps += seen.maps
    assert np.isfinite(np.array(rows)[30:, TISSUE_FIELDS.index("knee_nm_r")]).all()
    assert maps


def test_doubt_is_told_with_leg_share_and_cause() -> None:
    assert described(NO_DOUBT) == "none"
    assert described(Doubt(np.array([0.0, 0.5]), TISSUE_CAUSE + 1)) == "tissue_slip: l 50%"


def test_a_stiffness_that_no_tissue_has_is_refused() -> None:
    with pytest.raises(UserError, match="kPa"):
        phantom_of(1.75, 75.0, 2000.0)


def test_doubt_crosses_shared_memory() -> None:
    rings = shared.local(4)
    reader = shared.DoubtReader(rings)
    assert reader.doubt() is NO_DOUBT
    publish(rings.interface_doubt, shared.doubt_words(Doubt(np.array([0.25, 1.0]), 5)))
    assert reader.doubt().share.tolist() == [0.25, 1.0] and reader.doubt().cause == 5


def test_causes_of_the_watch_are_causes_of_doubt_with_a_page_each() -> None:
    pages = Path(__file__).resolve().parents[2] / "docs" / "reasons"
    for index, cause in enumerate(watch.CAUSES[1:], start=1):
        assert CAUSES[index + TISSUE_CAUSE] == cause
        assert (pages / f"{cause}.md").is_file()


shares = st.lists(st.floats(0.0, 1.0), min_size=2, max_size=2).map(np.array)


@given(one=shares, other=shares)
def test_two_doubts_take_what_the_larger_takes(one: np.ndarray, other: np.ndarray) -> None:
    both = worse(Doubt(one, 1 if one.any() else 0), Doubt(other, 5 if other.any() else 0))
    assert (both.share == np.maximum(one, other)).all()
    assert (both.cause == 0) == (not one.any() and not other.any())
    assert both.cause in ({1, 0} if one.max() >= other.max() else {5})


def test_only_a_second_of_late_frames_in_a_row_is_too_much() -> None:
    budget = Budget(8.0)
    assert not any(budget.spent(10.0) for _ in range(99))
    assert not budget.spent(7.9)
    assert [budget.spent(10.0) for _ in range(100)] == [False] * 99 + [True]


def test_a_few_frames_held_up_for_long_are_not_too_much_yet() -> None:
    budget = Budget(8.0)
    assert [budget.spent(700.0) for _ in range(10)] == [False] * 9 + [True]


def test_the_record_keeps_rows_and_maps_and_the_report_shows_them(tmp_path: Path) -> None:
    with Recorder(tmp_path, MUSCLES, {}) as recorder:
        recorder.tissue(np.array([seen.row for seen in run()]))
        for seen in run():
            for one in seen.maps:
                recorder.tissue_map(one)
    record = load(tmp_path)
    assert record.complete
    np.testing.assert_array_equal(record.tissue["knee_nm_r"], column("knee_nm_r"))
    assert {(one.side, one.cuff) for one in record.cuff_maps} == {
        (side, cuff) for side in "rl" for cuff in ("thigh", "shank")
    }
    charts = tissue_charts(Source.of(record, NAMES, 70.0))
    assert {"pressure_r", "bend_l"} <= charts.keys()
    page = pressure_pictures(record.cuff_maps)
    assert page.count("<svg") == 4 and "kPa" in page
    summary = tissue_summary(record.tissue)
    assert summary is not None and summary.keys() == {"r", "l"}


def test_a_record_without_observer_has_no_tissue(tmp_path: Path) -> None:
    with Recorder(tmp_path, MUSCLES, {}):
        pass
    record = load(tmp_path)
    assert tissue_summary(record.tissue) is None and pressure_pictures(record.cuff_maps) == ""
    assert tissue_charts(Source.of(record, NAMES, 70.0)) == {}
