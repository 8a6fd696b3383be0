"""The monitor: values with units, checks as a receiver makes them, counts per id; cantools reads the same values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cantools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import firmware_bridge
from firmware_bridge import e2e, wire
from firmware_bridge.bus_load import Rates
from firmware_bridge.buses.base import ERR_FLAG, fd_frame_bytes, frame_bytes, frame_data
from firmware_bridge.monitor import Monitor, payload_fields
from firmware_bridge.table import GOVERNOR_REASONS, MUX, STATES, TABLE

DBC: Any = cantools.database.load_file(Path(firmware_bridge.__file__).with_name("exo_edge.dbc"))
PERIOD = e2e.COUNTER_MAX + 1


def setpoint(counter: int, torque_nm: float = 1.0) -> bytes:
    buf = wire.frame()
    wire.pack_setpoint(buf, 0x100, counter % PERIOD, torque_nm, 20, 17.0, 123, 2, e2e.CRC_TABLE)
    return buf.tobytes()


def state(mux: str, payload: int, reason: str = "none", name: str = "ENGAGED", counter: int = 0) -> bytes:
    buf = wire.frame()
    wire.pack_state(
        buf, 0x200, counter, STATES[name], MUX[mux], GOVERNOR_REASONS[reason], payload, e2e.CRC_TABLE
    )  # fmt: skip
    return buf.tobytes()


@settings(deadline=None)
@given(st.integers(0, 14), st.integers(-32768, 32767))
def test_values_are_those_of_the_dbc(counter: int, raw: int) -> None:
    frame = setpoint(counter, raw / 100)
    said = DBC.decode_message(0x100, frame_data(frame)[1])
    line = Monitor(TABLE).see(0.0, frame)
    assert line.fields["torque_nm"] == pytest.approx(said["torque"]) and line.counter == said["e2e_counter"]
    assert line.fields["apply_at_ms"] == pytest.approx(said["apply_at"]) and line.fields["mode"] == str(said["mode"])
    assert line.fields["age_ms"] == said["age"] == 17


def test_an_unknown_age() -> None:
    buf = wire.frame()
    wire.pack_setpoint(buf, 0x100, 0, 0.0, 20, float("nan"), 0, 1, e2e.CRC_TABLE)
    assert Monitor(TABLE).see(0.0, buf.tobytes()).fields["age_ms"] == "unknown"


@pytest.mark.parametrize(
    ("mux", "payload", "fields"),
    [
        ("CLOCK", 12345, {"clock_ms": 1234.5}),
        ("PROTOCOL_HASH", 0xABC, {"protocol_hash": "00000abc"}),
        ("COUNTERS", 0x04030201, {"crc_errors": 1, "gaps": 2, "repeats": 3, "rejected": 4}),
        ("", 7, {"payload": 7}),
    ],
)
def test_payloads(mux: str, payload: int, fields: dict[str, object]) -> None:
    assert payload_fields(mux, payload) == fields


def test_states_reasons_and_the_governors_own_counts() -> None:
    monitor = Monitor(TABLE)
    line = monitor.see(0.0, state("COUNTERS", 0x04030201, "lease", "SAFE"))
    assert line.fields["state"] == "SAFE" and line.fields["reason"] == "lease" and line.faulty
    assert monitor.governor_counts == {"crc_errors": 1, "gaps": 2, "repeats": 3, "rejected": 4}
    broken = bytearray(state("COUNTERS", 0, counter=1))
    broken[12] ^= 1
    monitor.see(0.1, bytes(broken))
    assert monitor.governor_counts["crc_errors"] == 1


def checks(frames: list[bytes]) -> list[tuple[str, int]]:
    monitor = Monitor(TABLE)
    return [(line.check, line.lost) for line in (monitor.see(k * 1e-3, f) for k, f in enumerate(frames))]


@pytest.mark.parametrize(
    ("step", "check", "lost"),
    [(0, "repeated", 0), (1, "ok", 0), (2, "some_lost", 1), (5, "some_lost", 4), (6, "wrong_sequence", 0)],
)
def test_tolerance_of_the_counter(step: int, check: str, lost: int) -> None:
    """docs/wire.md: 1 to 5 ahead is taken, a repeat or more is not; after a jump the next frame counts again."""
    for start in range(PERIOD):
        found = checks([setpoint(start), setpoint(start + step), setpoint(start + step + 1)])
        assert found == [("ok", 0), (check, lost), ("ok", 0)]


@given(st.integers(64, 127))
def test_any_flipped_bit_is_a_crc_error(bit: int) -> None:
    frame = bytearray(setpoint(3))
    frame[bit // 8] ^= 1 << bit % 8
    monitor = Monitor(TABLE)
    assert monitor.see(0.0, bytes(frame)).check == "crc_error" and monitor.streams[0x100].faults["crc_errors"] == 1


def test_counts_rates_and_load() -> None:
    monitor = Monitor(TABLE)
    skip, repeat, jump = 20, 40, 60
    counter = 0
    for k in range(101):
        counter += {skip: 3, repeat: 0, jump: 9}.get(k, 1)
        monitor.see(k * 1e-3, setpoint(counter))
    stream = monitor.streams[0x100]
    assert stream.faults == {"lost": 2, "gaps": 1, "repeats": 1, "crc_errors": 0}
    assert stream.frames == 101 and stream.rate_hz == pytest.approx(1000.0)
    assert stream.longest_gap_s == pytest.approx(1e-3)
    assert stream.load(Rates(1_000_000), monitor.span_s) == pytest.approx(101 * 135 / 1e6 / 0.1)


def test_frames_that_are_not_ours() -> None:
    monitor = Monitor(TABLE)
    assert monitor.see(0.0, frame_bytes(0x7FF, b"12")).message == "unknown"
    assert monitor.see(0.0, frame_bytes(0x100, b"short")).message == "unknown"
    assert monitor.see(0.0, frame_bytes(ERR_FLAG | 0x40, bytes(8))).fields == {"error": "bus-off"}
    assert monitor.span_s == 0.0 and Monitor(TABLE).span_s == 0.0
    assert monitor.streams[0x7FF].rate_hz == 0.0 and monitor.streams[0x7FF].load(Rates(1_000_000), 0.0) == 0.0


def test_the_same_message_as_an_fd_frame() -> None:
    monitor = Monitor(TABLE)
    frame = fd_frame_bytes(*frame_data(setpoint(1)))
    line = monitor.see(0.0, frame)
    assert line.check == "ok" and line.fields["torque_nm"] == 1.0
    assert (monitor.streams[0x100].nominal_bits, monitor.streams[0x100].data_bits) == (34, 113)


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=72, max_size=72))
def test_no_frame_breaks_it(classic: bytes, fd: bytes) -> None:
    monitor = Monitor(TABLE)
    monitor.see(0.0, classic)
    monitor.see(0.0, fd)
