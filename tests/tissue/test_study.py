"""Parameter studies: the file, the table, what a killed run leaves, one case for real."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path

import pytest

from edge_runtime.errors import UserError
from edge_runtime.tissue import study_run
from edge_runtime.tissue.study_case import Result, solve
from edge_runtime.tissue.study_plan import DEFAULTS, Case, Study, StudyCuff, StudyTissue, load_study
from edge_runtime.tissue.study_plots import SHEETS, plot_study
from edge_runtime.tissue.study_run import DONE_FILE, TABLE_FILE, run_study

FILE = """
torque_nm = 5
knee_deg = [0, 30]
misalignment_mm = [[0, 0], [10, -5]]
[[cuff]]
name = "a"
length_m = 0.1
[[tissue]]
name = "layered"
layers = [[0.5, 90], [1.0, 30]]
"""
FAKE = Result(0.9, 4.0, 0.0, 100.0, 12.0, 14.0, 3, 0.2, 1.0, 0.8, "")


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(text)
    return path


def test_a_file_becomes_all_combinations(tmp_path: Path) -> None:
    study = load_study(written(tmp_path, FILE))
    cases = study.cases()
    assert len(cases) == 4 and len({case.key for case in cases}) == 4
    assert cases[-1].phantom().device.misalignment_m == pytest.approx((0.01, -0.005))
    assert [layer.young_pa for layer in cases[0].phantom().material.layers] == [90e3, 30e3]
    assert study.mass_kg == DEFAULTS.mass_kg


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("torque_nm", "torqe_nm", "torqe_nm"),
        ("length_m", "lenght_m", "lenght_m"),
        ('name = "a"', "", "name"),
        ("[0, 30]", "[0, 300]", "knee_deg"),
        ("[10, -5]", "[10]", "study.toml"),
        ("[10, -5]", "[100, 0]", "misalignment"),
        ("length_m = 0.1", "length_m = 0.5", "cuff"),
        ("[1.0, 30]", "[1.0, 3000]", "young_pa"),
        ("torque_nm = 5", "torque_nm = 'much'", "study.toml"),
        ("torque_nm = 5", "torque_nm = ", "TOML"),
        ("[[cuff]]", "[[cuff]]\nname = 'a'\n[[cuff]]", "cuff"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(tmp_path: Path, old: str, new: str, names: str) -> None:
    assert old in FILE
    with pytest.raises(UserError) as caught:
        load_study(written(tmp_path, FILE.replace(old, new, 1)))
    assert names in str(caught.value) and "\n" not in str(caught.value)


def test_a_killed_run_continues_and_solves_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = DEFAULTS.cases()[:6]
    solved: list[str] = []

    def counted(case: Case) -> Result:
        if len(solved) == 4:
            raise KeyboardInterrupt
        solved.append(case.key)
        return replace(FAKE, stiffness_nm_per_rad=float(len(solved)))

    monkeypatch.setattr(study_run, "solve", counted)
    with pytest.raises(KeyboardInterrupt):
        run_study(cases, tmp_path, 1)
    file = tmp_path / DONE_FILE
    file.write_text(file.read_text()[:-20])  # killed in the middle of a line
    solved.clear()
    results = run_study(cases, tmp_path, 1)
    assert solved == [case.key for case in cases[3:]]
    assert [result.stiffness_nm_per_rad for result in results] == [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]
    with (tmp_path / TABLE_FILE).open() as table:
        rows = list(csv.DictReader(table))
    assert len(rows) == 6 and rows[0]["cuff"] == cases[0].cuff.name
    solved.clear()
    assert run_study(cases, tmp_path, 1) == results and not solved


def test_a_foreign_file_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / DONE_FILE).write_text('{"what": 1}\n')
    with pytest.raises(UserError, match=r"results\.jsonl"):
        run_study([], tmp_path, 1)


def test_a_case_for_real() -> None:
    """Small torque, aligned: all of it arrives; the angle error is the torque over the stiffness."""
    case = replace(DEFAULTS.cases()[0], torque_nm=1.0, tissue=StudyTissue("x", 60.0), cuff=StudyCuff("y"))
    result = solve(case)
    assert result.transmission == pytest.approx(1.0, abs=0.02)
    assert result.stiffness_nm_per_rad == pytest.approx(1.0 / math.radians(result.angle_error_deg))
    assert 0.0 < result.loss_j < result.given_j
    assert result.note == "" and result.p95_kpa < result.highest_kpa < 10.0


def test_every_sheet_is_drawn_also_with_cases_that_found_no_rest(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    study: Study = replace(DEFAULTS, cuff=DEFAULTS.cuff[:2], tissue=DEFAULTS.tissue[:1])
    results = [FAKE for _ in study.cases()]
    results[3] = replace(FAKE, transmission=math.nan, p95_kpa=math.nan, note="no rest")
    files = plot_study(study, results, tmp_path)
    assert len(files) == len(SHEETS) and all(path.stat().st_size > 5000 for path in files)
