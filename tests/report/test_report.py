"""The report: one self-contained page of any record, whose data and style fit its script."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_runtime.errors import UserError
from edge_runtime.record import Record, Recorder, TorqueLimits, load, summarize
from edge_runtime.report import ReportContext, write_report
from edge_runtime.report.muscles import GROUPS, by_group, group_of
from edge_runtime.report.page import SAFETY_NOTICE
from edge_runtime.report.tiles import headline, number, share, tiles
from edge_runtime.stats import host_block
from tests.record.fake_run import BASES, MASS_KG, MUSCLES, NAMES, fake_run, write_run

LIMITS = TorqueLimits(20.0, 150.0, 600.0)
CONTEXT = ReportContext(
    NAMES,
    MASS_KG,
    {"clip": "demo.mp4", "person": "p-0001"},
    host_block(),
    ("video",),
    ("knee with soft tissue",),
)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return load(write_run(tmp_path_factory.mktemp("run"), fake_run(8.0)))


def page_of(record: Record, folder: Path, context: ReportContext = CONTEXT, title: str = "a run") -> str:
    path = folder / "report.html"
    write_report(record, summarize(record, NAMES, context.mass_kg, LIMITS), path, title, context)
    return path.read_text(encoding="utf-8")


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert found is not None
    data: dict[str, Any] = json.loads(found.group(1), parse_constant=pytest.fail)
    return data


def test_the_page_is_self_contained_and_says_what_it_must(record: Record, tmp_path: Path) -> None:
    page = page_of(record, tmp_path)
    links = set(re.findall(r"https?://[^\s\"'<]+", page))
    assert links <= {"http://www.w3.org/2000/svg"}, "only the name space of SVG"
    assert not re.search(r"<link|@import|\ssrc=|url\((?!#)", page)
    assert SAFETY_NOTICE in page and "knee with soft tissue" in page and "demo.mp4" in page
    assert "the scene breaks here" in page
    assert len(page.encode()) < 2_000_000


def test_the_frames_that_both_ends_counted_are_a_table(record: Record, tmp_path: Path) -> None:
    page = page_of(record, tmp_path)
    table = page.split("Frames on the bus")[1].split("</table>")[0]
    sent = f"{int(record.cycles['sent'][-1]):,}".replace(",", "\u202f")
    assert f"<th>frames sent</th><td>{sent}</td><td>–</td>" in table
    assert "wrong CRC, id or length" in table and "repeats" in table and "gaps" in table


def test_every_figure_has_its_chart_and_every_colour_exists(record: Record, tmp_path: Path) -> None:
    page = page_of(record, tmp_path)
    charts = data_of(page)["charts"]
    assert set(re.findall(r'data-chart="(\w+)"', page)) == set(charts)
    expected = "budget stages histogram latency loop knee_r kcf_l grf_vertical grf_fore_aft activation_r torque_l"
    assert {*expected.split(), "activation_r", "muscle_0", "muscle_11"} <= set(charts)
    style = page.split("</style>")[0]
    used = {series["color"] for chart in charts.values() for series in chart.get("series", [])}
    used |= {name.removeprefix("--") for name in re.findall(r'"(--\w+)"', page)}
    light, dark = style.split("prefers-color-scheme: dark")
    assert all(f"--{color}:" in light for color in used), used
    assert all(f"--{color}:" in dark for color in used - {"none"}), used
    kinds = set(re.findall(r"(\w+): \w+Chart", page))
    assert {chart["kind"] for chart in charts.values()} <= kinds


def test_series_fit_their_axes_and_keep_their_peaks(record: Record, tmp_path: Path) -> None:
    data = data_of(page_of(record, tmp_path))
    for name, chart in data["charts"].items():
        for series in chart.get("series", []):
            assert len(series["y"]) == len(data["axes"][series["axis"]]), name
    assert all(axis[0] >= 0.0 and axis[-1] <= data["duration_s"] + 0.1 for axis in data["axes"].values())
    wire = next(s for s in data["charts"]["torque_r"]["series"] if "on the wire" in s["name"])
    assert max(y for y in wire["y"] if y is not None) == pytest.approx(np.max(record.cycles["limited_nm_r"]))
    assert data["cuts"] == [3.2, 6.4]
    assert [span[2] for span in data["invalid"]] == ["scene cut", "scene cut"]


def test_what_is_not_valid_is_not_drawn(record: Record, tmp_path: Path) -> None:
    data = data_of(page_of(record, tmp_path))
    knee = next(s for s in data["charts"]["knee_r"]["series"] if s["name"] == "camera estimate")
    times = data["axes"]["estimate"]
    inside = [y for t, y in zip(times, knee["y"], strict=True) if 3.21 < t < 3.3]
    assert inside and all(y is None for y in inside)


def test_heat_map_holds_every_muscle_of_a_leg(record: Record, tmp_path: Path) -> None:
    heat = data_of(page_of(record, tmp_path))["charts"]["activation_l"]
    levels = np.frombuffer(base64.b64decode(heat["levels"]), np.uint8).reshape(len(heat["rows"]), heat["columns"])
    assert levels.shape == (40, 480)
    names = [row["name"] for row in heat["rows"]]
    row = names.index("soleus_l")
    valid = np.where(record.estimates["valid"] == 1.0, record.estimates["activation_soleus_l"], 0.0)
    assert levels[row].max() == round(255 * float(valid.max()))


def test_strips_name_their_codes(record: Record, tmp_path: Path) -> None:
    limiter, governor = data_of(page_of(record, tmp_path))["charts"]["torque_r"]["strips"]
    assert [governor["labels"][str(code)] for _, _, code in governor["spans"]] == [
        "READY",
        "ARMED",
        "ENGAGED",
    ]
    assert set(limiter["labels"].values()) <= set(NAMES.limiter_reasons)
    assert governor["spans"][0][1] == pytest.approx(0.3, abs=0.01)


def test_text_from_outside_is_escaped(record: Record, tmp_path: Path) -> None:
    evil = "</script><img src=x onerror=alert(1)>"
    names = replace(NAMES, estimate_reasons=("", "a", evil), states=(evil,) * 7)
    page = page_of(record, tmp_path, replace(CONTEXT, names=names, facts={evil: evil}, real=(evil,)), evil)
    assert "<img" not in page


def test_an_empty_record_still_gives_a_page(tmp_path: Path) -> None:
    Recorder(tmp_path, (), {}).close()
    page = page_of(load(tmp_path), tmp_path)
    assert "No setpoint was computed" in page and "No event was recorded" in page
    assert "torque_r" not in data_of(page)["charts"]


def test_a_cut_record_says_so(record: Record, tmp_path: Path) -> None:
    assert "ends early" in page_of(replace(record, complete=False), tmp_path)
    assert "ends early" not in page_of(record, tmp_path)


def test_without_a_mass_forces_are_in_newton(record: Record, tmp_path: Path) -> None:
    data = data_of(page_of(record, tmp_path, replace(CONTEXT, mass_kg=None)))
    assert data["charts"]["kcf_r"]["unit"] == "N"
    assert data_of(page_of(record, tmp_path))["charts"]["kcf_r"]["unit"] == "BW"


def test_a_long_run_opens_on_its_first_strides(tmp_path: Path) -> None:
    long = load(write_run(tmp_path, fake_run(20.0)))
    data = data_of(page_of(long, tmp_path))
    assert data["window"] == pytest.approx([0.3, 10.3], abs=0.02)
    assert len(data["axes"]["cycle"]) == 10_000


def test_an_unwritable_page_is_one_line(record: Record, tmp_path: Path) -> None:
    summary = summarize(record, NAMES, MASS_KG)
    with pytest.raises(UserError, match="cannot write the report"):
        write_report(record, summary, tmp_path / "missing" / "report.html", "t", CONTEXT)


def test_headline_and_tiles_judge(record: Record) -> None:
    summary: dict[str, Any] = summarize(record, NAMES, MASS_KG, LIMITS)
    assert headline(summary)[1] == "good"
    assert headline({**summary, "limit_violations": None})[1] == "warn"
    assert headline({**summary, "limit_violations": 2})[1] == "bad"
    assert headline({**summary, "missed_deadlines": 1})[1] == "warn"
    late = {**summary["capture_to_setpoint_ms"], "p99": 16.7}
    assert headline({**summary, "capture_to_setpoint_ms": late})[1] == "bad"
    assert len(tiles(summary)) == 8


def test_numbers_and_shares() -> None:
    assert number(None) == "–" and number(12345.67, 0) == "12\u202f346"
    assert share(0.99999) == "99.9 %" and share(1.0) == "100.0 %" and share(None) == "–"


def test_every_muscle_of_the_model_has_a_group() -> None:
    assert sorted(name for members in GROUPS.values() for name in members) == sorted(BASES)
    assert group_of("biceps") == "other"
    assert [name for _, name in by_group((*MUSCLES, "biceps_r"), "r")][-1] == "biceps_r"
    assert len(by_group(MUSCLES, "l")) == 40
