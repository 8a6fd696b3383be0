"""The device file: what is wrong is named with file and key, in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_runtime.config import DEFAULT_PATH, load_device
from edge_runtime.errors import UserError


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("loop_core = 0", "loop_core = 0.5e9", "loop_core"),
        ("loop_core = 0", "loop_kore = 0", "loop_kore"),
        ("loop_core = 0\n", "", "loop_core"),
        ("loop_priority = 80", "loop_priority = 99", "loop_priority"),
        ("actuator_delay_ms = 1.0", "actuator_delay_ms = nan", "actuator_delay_ms"),
        ("rate_filter_hz = 60.0", "rate_filter_hz = 35.0", "rate_filter_hz"),
        ('tissue_observer = "off"', "tissue_observer = true", "tissue_observer"),
        ("tissue_budget_ms = 16.6", "tissue_budget_ms = 0", "tissue_budget_ms"),
        ('bus = "unix:"', 'bus = "can0"', "bus"),
        ('bus = "unix:"', "bus = unix", "TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, names: str) -> None:
    text = DEFAULT_PATH.read_text()
    assert old in text
    path = tmp_path / "device.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(UserError) as caught:
        load_device(path)
    assert names in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_default_is_the_simulated_firmware() -> None:
    assert load_device().bus == "unix:"
