"""The limits table: what it must contain, what it refuses and how it says so, what changes its hashes."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_bridge.errors import TableError
from firmware_bridge.table import DEFAULT_PATH, LIMITER_REASONS, TABLE, load_table

TEXT = DEFAULT_PATH.read_text(encoding="utf-8")


def edited(tmp_path: Path, old: str, new: str) -> Path:
    assert old in TEXT
    path = tmp_path / "edited.toml"
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("torque_nm = 20.0", "torque_nm = 20.0\ntorqe_nm = 1.0", "joints.knee_r.torqe_nm is not a known key"),
        ("torque_nm = 20.0", "", "joints.knee_r.torque_nm is missing"),
        ("torque_nm = 20.0", 'torque_nm = "20"', "joints.knee_r.torque_nm must be float, is '20'"),
        ("torque_nm = 20.0", "torque_nm = true", "joints.knee_r.torque_nm must be float, is True"),
        ("torque_nm = 20.0", "torque_nm = inf", "joints.knee_r.torque_nm must be a finite number"),
        ("torque_nm = 20.0", "torque_nm = nan", "joints.knee_r.torque_nm must be a finite number"),
        ("torque_nm = 20.0", "torque_nm = 0.0", "joints.knee_r.torque_nm must be above 0"),
        ("torque_nm = 20.0", "torque_nm = 60.0", "joints.knee_r.slew_down_nm_per_s is too slow"),
        ("slew_up_nm_per_s = 150.0", "slew_up_nm_per_s = 301.0", "slew_down_nm_per_s must be at least 2 x"),
        ("position_min_deg = -5.0", "position_min_deg = 110.0", "position_min_deg must be below"),
        ("ramp_ms = 60.0", "ramp_ms = 80.1", "safe.ramp_ms must be above 0 and at most 80"),
        ("late_full_ms = 4.0", "late_full_ms = 40.0", "age must have"),
        ("host_factor = 0.95", "host_factor = 1.0", "host_factor must lie between 0 and 1"),
        ("schema = 1", "schema = 2", "schema is 2, this program reads 1"),
        ("ZERO = 1 ", "ZERO = 0 ", "modes has two names for one code"),
        ("SAFE = 3 ", "SAFE = 16 ", "modes.SAFE is 16, must be 0..15"),
        ("{ all = 0x201 }", "{ all = 0x200 }", "messages use one CAN id twice"),
        ("bit = 32, bits = 8", "bit = 30, bits = 8", "messages.TORQUE_SETPOINT.fields.lease overlaps"),
        ("[modes]", "[modes", "not valid TOML"),
        ("opposing_ms = 300.0", "opposing_ms = 180.0", "joints.knee_r.opposing_ms is too short for the host"),
        ("opposing_nm = 3.0", "opposing_nm = 0.0", "joints.knee_r.opposing_nm must be above 0"),
        ("yield_ms = 60.0", "yield_ms = 53.0", "joints.knee_r.yield_ms is shorter than the host needs"),
        ("i2t_nm = 10.0", "i2t_nm = 20.0", "joints.knee_r.i2t_nm must be below torque_nm"),
        ("i2t_s = 20.0", "i2t_s = 0.9", "joints.knee_r.i2t_s must lie between 1 and 2000"),
        ("kcf_full_bw = 4.0", "kcf_full_bw = 6.0", "host.kcf_full_bw must be above 0 and below kcf_zero_bw"),
        ('"none", "invalid"', '"none", "none"', "limiter.reasons must be a list of different names"),
    ],
)
def test_refuses_in_one_line_that_names_key_and_file(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = edited(tmp_path, old, new)
    with pytest.raises(TableError) as caught:
        load_table(path)
    message = str(caught.value)
    assert says in message and str(path) in message and "\n" not in message


def test_a_missing_table_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="No such file"):
        load_table(tmp_path / "none.toml")


def test_host_is_tighter_in_everything() -> None:
    for name, own in TABLE.joints.items():
        host = TABLE.host_limits(name)
        for key in (
            "torque_nm",
            "slew_up_nm_per_s",
            "slew_down_nm_per_s",
            "window_nm",
            "power_w",
            "velocity_max_degps",
            "tracking_nm",
            "opposing_nm",
            "opposing_velocity_degps",
            "i2t_nm",
        ):
            assert getattr(host, key) == pytest.approx(0.95 * getattr(own, key))
        assert own.position_min_deg < host.position_min_deg < host.position_max_deg < own.position_max_deg
        assert host.window_ms >= own.window_ms * 26 / 25
        assert host.lease_ms == own.lease_ms
        assert host.opposing_ms + own.lease_ms < own.opposing_ms
        assert host.i2t_s == own.i2t_s


def test_design_values() -> None:
    assert TABLE.age.latency_ms == 16.6
    assert (TABLE.age.full_ms, TABLE.age.zero_ms) == pytest.approx((54.0, 90.0))
    for joint in TABLE.joints.values():
        assert (joint.torque_nm, joint.slew_up_nm_per_s, joint.slew_down_nm_per_s) == (20.0, 150.0, 600.0)
        assert (joint.lease_ms, joint.window_ms) == (20.0, 250.0)
    assert LIMITER_REASONS[0] == "none"


@pytest.mark.parametrize(
    ("old", "new", "protocol", "limits"),
    [
        ("torque_nm = 20.0", "torque_nm = 19.5", False, True),
        ("ramp_ms = 60.0", "ramp_ms = 61.0", False, True),
        ("late_zero_ms = 40.0", "late_zero_ms = 40.1", False, True),
        ("torque_nm = 20.0", "torque_nm = 20", False, False),
        ("lease = 10", "lease = 99", True, False),
        ("scale = 0.01", "scale = 0.02", True, False),
        ("late_max_ms = 10.0", "late_max_ms = 9.0", True, False),
    ],
)
def test_hashes_follow_the_meaning(tmp_path: Path, old: str, new: str, protocol: bool, limits: bool) -> None:
    other = load_table(edited(tmp_path, old, new))
    assert (other.protocol_hash != TABLE.protocol_hash) == protocol
    assert (other.limits_hash != TABLE.limits_hash) == limits


def test_reason_names() -> None:
    assert TABLE.reason_name(10) == "lease"
    assert TABLE.reason_name(200) == "unknown_200"
