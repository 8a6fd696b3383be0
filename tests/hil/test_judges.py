"""The judges of loop runs judged: what they count on files made by hand, and that each fault is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.errors import UserError
from firmware_bridge import e2e
from firmware_bridge.simulator.process import TRUTH_DTYPE
from firmware_bridge.table import STATES, TABLE
from hil.loop_record import load_run
from hil.output_check import OutputCheck, check_output, safe_entries
from hil.tap import TAP_DTYPE
from hil.wire_count import count, intact, positions

LIMITS = TABLE.joints["knee_r"]
ID = 0x180


def frames(counters: list[int], can_id: int = ID) -> npt.NDArray[Any]:
    out = np.zeros(len(counters), TAP_DTYPE)
    out["can_id"], out["len"] = can_id, 8
    for i, counter in enumerate(counters):
        out["data"][i] = list(e2e.protect(bytes((0, 0, i & 255, 2, 3, 4, 5, 6)), can_id, counter % 15))
    return out


@settings(deadline=None)
@given(st.lists(st.integers(0, 14), min_size=1, max_size=60))
def test_counts_are_those_of_the_product_receiver(counters: list[int]) -> None:
    state = e2e.receiver()
    for frame in (stream := frames(counters)):
        e2e.check_status(frame["data"], ID, state, TABLE.protocol.max_delta_counter, e2e.CRC_TABLE)
    seen = count(stream, ID)
    assert (seen.accepted, seen.lost) == (state[e2e.RX_OK], state[e2e.RX_LOST])
    assert (seen.repeated, seen.gaps, seen.crc) == (state[e2e.RX_REPEATED], state[e2e.RX_GAPS], 0)


@settings(deadline=None)
@given(st.integers(0, 63))
def test_one_flipped_bit_is_never_intact(bit: int) -> None:
    stream = frames([3])
    stream["data"][0, bit // 8] ^= 1 << bit % 8
    assert not intact(stream).any()
    assert count(stream, ID).crc == 1


def test_length_and_other_ids_are_told_apart() -> None:
    stream = frames([0, 1, 2])
    stream["len"][1] = 7
    stream["can_id"][2] = ID | 1 << 31
    seen = count(stream, ID)
    assert (seen.accepted, seen.length, seen.crc) == (1, 1, 0)


def test_positions_of_frames_out_of_order() -> None:
    order = [0, 2, 1, 3, 7, 4, 5, 6, 8, 9, 10, 12, 11, 14, 13, 16, 15]
    assert positions(frames(order)).tolist() == order


def applied(command_nm: list[float], states: list[str] | None = None) -> npt.NDArray[Any]:
    rows = np.zeros(len(command_nm), TRUTH_DTYPE)
    rows["now_ns"] = np.arange(len(rows)) * 1_000_000
    rows["command_nm"][:, 0] = command_nm
    rows["state"] = [STATES[name] for name in states or ["ENGAGED"] * len(rows)]
    return rows


def check(command_nm: list[float], states: list[str] | None = None) -> OutputCheck:
    return check_output(applied(command_nm, states), LIMITS, STATES)


def ramp(start: float, end: float, nm_per_s: float) -> list[float]:
    count = round(abs(end - start) / nm_per_s * 1000)
    return [round(start + (end - start) * k / count, 2) for k in range(count + 1)]


def test_motion_at_the_limits_passes() -> None:
    up, down = LIMITS.slew_up_nm_per_s, LIMITS.slew_down_nm_per_s
    top = LIMITS.window_nm
    through = [*ramp(0, top, up), *ramp(top, 0, down), *[0.0] * 260, *ramp(0, -top, up), *ramp(-top, 0, down)]
    assert check(through).violations == 0
    slow = [*ramp(0, top, up), *[top] * 260, *ramp(top, LIMITS.torque_nm, up)]
    assert check(slow).violations == 0
    assert check(slow).peak_nm == LIMITS.torque_nm


@pytest.mark.parametrize(
    ("what", "command_nm"),
    [
        ("torque", [*ramp(0, 15, 100), *[15.0] * 260, *ramp(15, 20.02, 100)]),
        ("slew", ramp(0, 10, 165)),
        ("slew", [*ramp(0, 10, 100), *ramp(10, 0, 640)]),
        ("slew", [*ramp(0, 1, 100), -0.2]),
        ("window", [*ramp(0, 15.1, 140)]),
        ("window", [*[-5.0] * 300, *ramp(-5, 0, 500), *ramp(0, 10.2, 140)]),
    ],
)
def test_each_break_of_a_limit_is_seen(what: str, command_nm: list[float]) -> None:
    seen = check(command_nm)
    assert getattr(seen, what) > 0, seen


@pytest.mark.parametrize(
    ("states", "torque", "bad"),
    [
        (["SAFE", "IDLE", "READY", "ARMED", "ENGAGED"], 0.0, 0),
        (["SAFE", "READY", "ARMED", "ENGAGED"], 0.0, 1),
        (["SAFE", "ENGAGED"], 0.0, 2),
        (["READY", "ENGAGED"], 0.0, 1),
        (["IDLE", "READY"], 0.05, 2),
    ],
)
def test_shortcuts_into_torque_are_seen(states: list[str], torque: float, bad: int) -> None:
    assert check([torque] * len(states), states).shortcuts == bad


@pytest.mark.parametrize(("after", "bad"), [("SAFE", 0), ("IDLE", 0), ("ARMED", 1)])
def test_a_firmware_that_stands_still_has_no_state_and_hides_none(after: str, bad: int) -> None:
    rows = applied([0.0] * 4, ["SAFE", "OFF", "OFF", after])
    rows["command_nm"][1:3] = np.nan
    assert check_output(rows, LIMITS, STATES).shortcuts == bad


def test_damping_in_safe_is_not_a_request_but_more_than_it_is() -> None:
    """Let go from one side, then damped to the other: further than the window, but the governor's own."""
    released = [*ramp(0, -15, 140), *ramp(-15, 0, 300)]
    for damping, bad in ((1.9, 0), (2.3, 1)):
        command = [*released, *ramp(0, damping, 140)]
        rows = applied(command, ["ENGAGED"] * 110 + ["SAFE"] * (len(command) - 110))
        assert bool(check_output(rows, LIMITS, STATES, TABLE.safe.damping_max_nm).window) == bool(bad)
        assert check_output(rows, LIMITS, STATES).window > 0


def test_entries_into_safe_by_reason() -> None:
    rows = applied([0.0] * 6, ["ENGAGED", "SAFE", "SAFE", "IDLE", "SAFE", "IDLE"])
    rows["reason"] = [0, 7, 7, 0, 10, 0]
    assert safe_entries(rows, STATES) == {7: 1, 10: 1}


def test_a_folder_that_is_no_run_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not the complete files") as caught:
        load_run(tmp_path)
    assert "\n" not in str(caught.value)
