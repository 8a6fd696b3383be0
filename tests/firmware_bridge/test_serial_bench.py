"""The bench of the serial pump: every frame is stamped at every station, and a lost one is counted."""

from __future__ import annotations

import numpy as np
import pytest

from firmware_bridge.serial_bench import FRAMES_PER_CYCLE, PumpTimes, measure, wire_us


def test_frames_go_out_and_come_back() -> None:
    times = measure(0.2, 0)
    assert times.out_us.size == 200 * FRAMES_PER_CYCLE
    back = np.isfinite(times.back_us)
    assert back.sum() > 0.5 * times.out_us.size and times.lost == (~back).sum()
    assert np.all(times.out_us[back] > 0.0) and np.all(times.back_us[back] > 0.0)


def test_what_did_not_come_back_is_lost() -> None:
    times = PumpTimes(np.array([10.0, 20.0]), np.array([5.0, np.nan]))
    assert times.lost == 1 and times.round_trip_us[0] == 15.0


def test_time_of_the_bits() -> None:
    assert wire_us(921_600) == pytest.approx(14 * 10 / 0.9216)
