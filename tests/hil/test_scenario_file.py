"""Scenario files: what is shipped reads, and every mistake is one line with the key and the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_runtime.errors import UserError
from hil.scenario import find, load_scenario, shipped
from hil.scores import MEASURES

GOOD = """schema = 1
title = "x"
seconds = 3.0
[motion]
kind = "gait"
speed_mps = 1.0
[wish]
kind = "ramp"
peak_nm = 5.0
[[measure]]
name = "rmse"
unit = "Nm"
max = 1.0
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_file_reads(tmp_path: Path) -> None:
    scenario = load_scenario(written(tmp_path, GOOD))
    assert (scenario.name, scenario.seconds, scenario.measure[0].max) == ("mine", 3.0, 1.0)
    assert scenario.motion.stride_s > 1.0


def test_at_least_25_are_shipped_and_all_read() -> None:
    scenarios = [load_scenario(path) for path in shipped()]
    assert len(scenarios) >= 25
    assert all(s.measure or s.expect.safe or s.expect.events or s.expect.limiter for s in scenarios)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("schema = 1", "schema = 2"), "schema"),
        (('title = "x"', 'titel = "x"'), "titel"),
        (("seconds = 3.0\n", ""), "seconds"),
        (("seconds = 3.0", "seconds = -1"), "seconds"),
        (("seconds = 3.0", "seconds = nan"), "seconds"),
        (("seconds = 3.0", 'seconds = "3"'), "seconds"),
        (("seconds = 3.0", "seconds = 1.0"), "from_s"),
        (('kind = "gait"', 'kind = "swim"'), "motion.kind"),
        (("speed_mps = 1.0", "speed_mps = 9.0"), "motion.speed_mps"),
        (("speed_mps = 1.0", "speed = 1.0"), "motion.speed"),
        (("peak_nm = 5.0", "peak_nm = true"), "wish.peak_nm"),
        (('unit = "Nm"', 'unit = "mNm"'), "unit"),
        (('name = "rmse"', 'name = "rmsx"'), "measure[0].name"),
        (("max = 1.0", ""), "measure[0]"),
        (("[motion]", "[tissue]\nmisalignment_mm = [1.0]\n[motion]"), "tissue.misalignment_mm"),
        (("[motion]", '[[event]]\nkind = "limp"\nat_s = 9.0\n[motion]'), "limp"),
        (("[motion]", '[[fault]]\nkind = "can_loss"\nstart_s = 9.0\nduration_s = 1.0\n[motion]'), "can_loss"),
        (("[motion]", '[[fault]]\nkind = "nonsense"\n[motion]'), "nonsense"),
        (("[motion]", "[motion"), "TOML"),
    ],
)
def test_a_mistake_names_key_and_file(tmp_path: Path, change: tuple[str, str], named: str) -> None:
    path = written(tmp_path, GOOD.replace(*change))
    with pytest.raises(UserError) as raised:
        load_scenario(path)
    assert named in str(raised.value) and str(path) in str(raised.value) and "\n" not in str(raised.value)


def test_a_name_that_is_not_there_is_told() -> None:
    with pytest.raises(UserError, match="no such scenario"):
        find(["nobody_wrote_this"])


def test_every_measure_has_a_unit_and_says_what_it_is() -> None:
    assert all(measure.unit and measure.text for measure in MEASURES.values())
