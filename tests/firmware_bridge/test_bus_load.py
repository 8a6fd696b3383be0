"""Bus load against independent counts: frames built and stuffed bit by bit, a published schedule, a simulated bus."""

from __future__ import annotations

import heapq
from itertools import groupby, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import bus_load
from firmware_bridge.bus_load import Rates, Stream
from firmware_bridge.table import DEFAULT_PATH, TABLE, load_table

MBIT = Rates(1_000_000)


def bits_of(value: int, width: int) -> list[int]:
    return [value >> k & 1 for k in reversed(range(width))]


def crc15(bits: list[int]) -> list[int]:
    """ISO 11898-1: polynomial 0x4599, start 0."""
    crc = 0
    for bit in bits:
        feedback = bit ^ (crc >> 14)
        crc = (crc << 1) & 0x7FFF
        if feedback:
            crc ^= 0x4599
    return bits_of(crc, 15)


def stuffed_length(bits: list[int]) -> int:
    """Length after stuffing: an inverse bit after five equal ones, which counts for the next run."""
    length, run, last = 0, 0, -1
    for bit in bits:
        length += 1
        run = run + 1 if bit == last else 1
        last = bit
        if run == 5:
            length, run, last = length + 1, 1, 1 - bit
    return length


def classic_length(can_id: int, data: bytes) -> int:
    """A data frame as ISO 11898-1 builds it: SOF, id, RTR, IDE, r0, DLC, data, CRC; then 10 bits, 3 of space."""
    body = [0, *bits_of(can_id, 11), 0, 0, 0, *bits_of(len(data), 4)]
    for byte in data:
        body += bits_of(byte, 8)
    return stuffed_length(body + crc15(body)) + 1 + 2 + 7 + 3


@given(st.integers(0, 0x7FF), st.binary(max_size=8))
def test_no_classic_frame_is_longer(can_id: int, data: bytes) -> None:
    assert classic_length(can_id, data) <= bus_load.classic_bits(len(data))


def test_known_lengths() -> None:
    closed_form = [55 + 10 * n for n in range(9)]  # Davis et al. 2007
    assert [bus_load.classic_bits(n) for n in range(9)] == closed_form
    assert max(classic_length(0x78, bytes((0x3C, 0x3C)) * n) for n in range(5)) <= 135


@given(st.integers(0, 0x7FF), st.sampled_from([0, 1, 8, 12, 16, 20, 24, 32, 48, 64]), st.randoms())
def test_no_fd_frame_is_longer(can_id: int, size: int, random: object) -> None:
    """The stuffed part of an FD frame, from SOF to the end of the data, split at the switch of the bit rate."""
    head = [0, *bits_of(can_id, 11), 0, 0, 1, 0, 1]
    codes = {12: 9, 16: 10, 20: 11, 24: 12, 32: 13, 48: 14, 64: 15}
    body = [1, *bits_of(codes.get(size, size), 4)]
    for _ in range(size):
        body += bits_of(random.getrandbits(8), 8)  # type: ignore[attr-defined]
    nominal, data = bus_load.fd_bits(size)
    assert len(head) == 17 and stuffed_length(head) + 13 <= nominal
    checksum = 4 + (17 if size <= 16 else 21)
    fixed = 1 + checksum // 4
    assert stuffed_length(head + body) + 13 + checksum + fixed <= nominal + data


def test_two_joints_at_1_khz() -> None:
    load = bus_load.bus_load(bus_load.streams_of(TABLE), MBIT)
    torque_path = sum(s.load for s in load.streams if s.stream.name in ("TORQUE_SETPOINT", "JOINT_STATE"))
    assert torque_path == pytest.approx(4 * 1000 * 135 / 1e6) == pytest.approx(0.54)
    assert load.total == pytest.approx(0.54 + 2 * 50 * 135 / 1e6)
    assert bus_load.overload(TABLE, MBIT) is None


def test_four_joints_are_refused_with_what_helps() -> None:
    load = bus_load.bus_load(bus_load.streams_of(TABLE, 4), MBIT)
    assert load.total == pytest.approx(1.08 + 0.0135)
    line = bus_load.overload_of(TABLE, 4, load)
    assert line is not None and "109%" in line and "two buses" in line and "500 Hz" in line and "CAN FD" in line
    for way in bus_load.remedies(TABLE, 4, MBIT):
        assert way.total <= bus_load.LOAD_MAX


def test_the_limit_itself_is_allowed() -> None:
    at = Stream("x", "all", 1, 135_000_000 // 700)
    load = bus_load.bus_load([at], MBIT)
    assert load.total > 0.7 and bus_load.overload_of(TABLE, 2, load) is not None
    below = bus_load.bus_load([Stream("x", "all", 1, -(-135_000_000 // 700))], MBIT)
    assert below.total <= 0.7 and bus_load.overload_of(TABLE, 2, below) is None


def test_half_the_bit_rate_is_refused_and_fd_carries_four_joints() -> None:
    assert "0.5 Mbit/s" in (bus_load.overload(TABLE, Rates(500_000)) or "")
    fd = bus_load.bus_load(bus_load.streams_of(TABLE, 4), Rates(1_000_000, 5_000_000))
    assert fd.total == pytest.approx(8100 * (34 / 1e6 + 113 / 5e6), rel=1e-3)


def test_more_joints_in_the_table_count(tmp_path: Path) -> None:
    text = DEFAULT_PATH.read_text(encoding="utf-8").replace("period_ms = 1.0", "period_ms = 0.5")
    path = tmp_path / "limits.toml"
    path.write_text(text, encoding="utf-8")
    table = load_table(path)
    assert bus_load.overload(table, MBIT) is not None
    assert bus_load.overload(TABLE, MBIT) is None


def test_the_published_schedule() -> None:
    """Davis et al. 2007, table 1: three messages of 1 ms; the third is late in its second instance only."""
    found = bus_load.response_times_ns([(1_000_000, 2_500_000), (1_000_000, 3_500_000), (1_000_000, 3_500_000)], 8_000)
    assert found == [2_000_000, 3_000_000, 3_500_000]


def simulate(messages: list[tuple[int, int]], blocker: int, horizon: int) -> list[int]:
    """Longest response of each on a bus that always sends the best waiting frame, all released just after `blocker`."""
    releases = sorted((k * period, m) for m, (_, period) in enumerate(messages) for k in range(horizon // period + 1))
    waiting: list[tuple[int, int]] = []
    worst = [0] * len(messages)
    now, i = blocker, 0
    while i < len(releases) or waiting:
        while i < len(releases) and releases[i][0] <= now:
            heapq.heappush(waiting, (releases[i][1], releases[i][0]))
            i += 1
        if not waiting:
            now = releases[i][0]
            continue
        m, released = heapq.heappop(waiting)
        now += messages[m][0]
        worst[m] = max(worst[m], now - released)
    return worst


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(20, 140), st.integers(400, 5000)), min_size=1, max_size=6))
def test_no_simulated_frame_is_later(messages: list[tuple[int, int]]) -> None:
    bounds = bus_load.response_times_ns(messages, 1)
    for m, bound in enumerate(bounds):
        blocker = max((cost for cost, _ in messages[m + 1 :]), default=0)
        if bound is not None:
            assert simulate(messages[: m + 1], blocker, 60_000)[m] <= bound


def test_a_full_bus_has_no_bound() -> None:
    assert bus_load.response_times_ns([(1000, 1000)], 1) == [None]
    assert bus_load.response_times_ns([(600, 1000), (600, 1000)], 1)[1] is None


def test_order_is_priority() -> None:
    load = bus_load.bus_load(bus_load.streams_of(TABLE, 4), Rates(1_000_000, 8_000_000))
    ids = [s.stream.can_id for s in load.streams]
    assert all(a < b for a, b in pairwise(ids)) and len(ids) == 10
    names = [name for name, _ in groupby(s.stream.name for s in load.streams)]
    assert names == ["TORQUE_SETPOINT", "JOINT_STATE", "GOVERNOR_STATE", "HOST_STATE"]
