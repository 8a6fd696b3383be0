"""The drives file: good ones read, bad ones told in one line that names file and key."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from firmware_bridge.actuators.config import Kind, load_drives
from firmware_bridge.actuators.examples import example_files
from firmware_bridge.actuators.load import bus_load, check_load
from firmware_bridge.errors import BridgeError
from tests.firmware_bridge.actuators.files import OWN, drives_text, make_drives


@pytest.mark.parametrize("kind", sorted(OWN))
def test_good_files(tmp_path: Path, kind: str) -> None:
    drives = make_drives(tmp_path, kind)
    assert drives.kind is Kind[kind.upper()]
    assert (drives.joints["knee_r"].sign, drives.joints["knee_l"].sign) == (1.0, -1.0)
    assert drives.joints["knee_l"].node == 9


@pytest.mark.parametrize("path", example_files(), ids=lambda path: path.name)
def test_the_examples_are_good(path: Path) -> None:
    load_drives(path)


def test_there_is_an_example_of_each_kind() -> None:
    assert {path.stem for path in example_files()} == set(OWN)


@pytest.mark.parametrize(
    ("kind", "old", "new", "words"),
    [
        ("odrive", 'kind = "odrive"', 'kind = "odriv"', "drive.kind.*cubemars, odrive, moteus, cia402"),
        ("odrive", "node = 9", "node = 1", "two joints on node 1"),
        ("odrive", "node = 9", "node = 63", "knee_l.node.*0 to 62"),
        ("odrive", "node = 9", "node = 2.5", "whole number"),
        ("odrive", "node = 9", "node = true", "whole number"),
        ("odrive", "sign = -1", "sign = 0", "knee_l.sign.*1 or -1"),
        ("odrive", "sign = -1", "sign = true", "1 or -1"),
        ("odrive", "gear = 8.0", "gear = 0.0", "gear.*0.05 to 500"),
        ("odrive", "gear = 8.0", "gear = nan", "gear.*0.05 to 500"),
        ("odrive", "gear = 8.0", "gear = inf", "gear"),
        ("odrive", "torque_max_nm = 18.0", "torque_max_nm = -1.0", "torque_max_nm"),
        ("odrive", "watchdog_ms = 20.0", "", "drive.watchdog_ms.*missing"),
        ("odrive", "watchdog_ms = 20.0", "watchdog_ms = 0", "watchdog_ms.*5 to 1000"),
        ("odrive", 'bus = "unix:drives"', 'bus = "can0"', "drive.bus.*socketcan:INTERFACE"),
        ("odrive", "[drive.knee_l]", "[drive.hip_l]", "drive.hip_l.*not a known key"),
        ("cubemars", 'model = "AK80-9"', 'model = "AK99"', "model.*AK10-9"),
        ("cubemars", "torque_max_nm = 18.0", "torque_max_nm = 18.1", "above the 18 Nm that AK80-9"),
        ("cubemars", "guard_ms = 500.0", "guard_ms = 500.0\nwatchdog_ms = 20.0", "watchdog_ms.*not a known key"),
        ("cia402", "host_node = 100", "host_node = 9", "host_node.*node of a drive"),
        ("cia402", "rated_torque_nm = 0.4", "", "rated_torque_nm.*missing"),
        ("moteus", "host_node = 0", "host_node = 127", "host_node.*0 to 126"),
    ],
)
def test_bad_files(tmp_path: Path, kind: str, old: str, new: str, words: str) -> None:
    path = tmp_path / "drives.toml"
    text = drives_text(kind)
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(BridgeError, match=words) as problem:
        load_drives(path)
    assert str(path) in str(problem.value) and "\n" not in str(problem.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[drive", b"drive = 3\n", b""])
def test_what_is_no_drives_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "drives.toml"
    path.write_bytes(content)
    with pytest.raises(BridgeError, match=r"drives\.toml"):
        load_drives(path)


@pytest.mark.parametrize(
    ("kind", "period_ms", "percent"),
    [("cubemars", 1, 54.0), ("odrive", 1, 81.0), ("odrive", 2, 40.5), ("cia402", 1, 72.0), ("cia402", 2, 36.5)],
)
def test_bus_load(tmp_path: Path, kind: str, period_ms: int, percent: float) -> None:
    drives = dataclasses.replace(make_drives(tmp_path, kind), period_ms=period_ms)
    assert 100 * bus_load(drives) == pytest.approx(percent, abs=0.6)
    if percent > 70:
        with pytest.raises(BridgeError, match="period_ms"):
            check_load(drives)
    else:
        check_load(drives)


def test_the_examples_fit_their_bus() -> None:
    for path in example_files():
        check_load(load_drives(path))


def test_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(BridgeError, match="cannot be read"):
        load_drives(tmp_path / "none.toml")
