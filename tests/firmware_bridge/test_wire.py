"""Wire round trips, saturation, and that wire.py says the same as limits.toml."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import e2e, wire
from firmware_bridge.table import MODES, TABLE

TABLE_CRC = e2e.CRC_TABLE
COMPILED = settings(deadline=None)  # the first call compiles
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
SETPOINT = TABLE.messages["TORQUE_SETPOINT"]
JOINT_STATE = TABLE.messages["JOINT_STATE"]


def decoded(buf: wire.U8) -> wire.Decoded:
    result = wire.decode(buf.tobytes())
    assert result is not None
    return result


@COMPILED
@given(
    torque=st.floats(-320, 320),
    lease=st.integers(0, 255),
    age=st.floats(0, 300),
    stamp=st.integers(0, 4095),
    mode=st.integers(0, 3),
    counter=st.integers(0, 14),
    joint=st.sampled_from(["knee_r", "knee_l"]),
)
def test_setpoint_round_trip(
    torque: float, lease: int, age: float, stamp: int, mode: int, counter: int, joint: str
) -> None:
    buf, out, can_id = wire.frame(), np.zeros(5), SETPOINT.can_id[joint]
    assert wire.pack_setpoint(buf, can_id, counter, torque, lease, age, stamp, mode, TABLE_CRC) == mode
    wire.unpack_setpoint(buf, out)
    assert out[0] == pytest.approx(torque, abs=0.005001)
    assert list(out[1:]) == [lease, min(math.floor(age), 255), stamp, mode]
    result = decoded(buf)
    assert (result.message, result.joint, result.intact, result.counter) == (
        "TORQUE_SETPOINT",
        joint,
        True,
        counter,
    )
    assert result.values["torque"] == pytest.approx(out[0])
    assert result.values["apply_at"] == pytest.approx(stamp * 0.1)
    assert [result.values[k] for k in ("lease", "age", "mode")] == [lease, out[2], mode]
    assert wire.frame_id(buf) == can_id


@COMPILED
@given(torque=NUMBERS, age=NUMBERS)
def test_only_numbers_are_sent(torque: float, age: float) -> None:
    buf, out = wire.frame(), np.zeros(5)
    mode = wire.pack_setpoint(buf, 0x100, 0, torque, 20, age, 0, MODES["TORQUE"], TABLE_CRC)
    wire.unpack_setpoint(buf, out)
    assert out[wire.SP_MODE] == mode == (MODES["TORQUE"] if math.isfinite(torque) else MODES["SAFE"])
    if not math.isfinite(torque):
        assert out[wire.SP_TORQUE_NM] == 0.0
    assert out[wire.SP_AGE_MS] == (255 if math.isnan(age) else min(max(math.floor(max(min(age, 1e3), -1)), 0), 255))


@pytest.mark.parametrize(
    ("torque", "raw"),
    [
        (327.67, 32767),
        (327.68, 32767),
        (1e300, 32767),
        (-327.68, -32768),
        (-1e9, -32768),
        (0.004, 0),
        (-0.006, -1),
    ],
)
def test_torque_saturates(torque: float, raw: int) -> None:
    buf = wire.frame()
    wire.pack_setpoint(buf, 0x100, 0, torque, 20, 0.0, 0, 2, TABLE_CRC)
    assert struct.unpack_from("<h", buf.tobytes(), 10)[0] == raw


@COMPILED
@given(position=st.floats(-5.7, 5.7), velocity=st.floats(-57, 57), torque=st.floats(-320, 320))
def test_joint_state_round_trip(position: float, velocity: float, torque: float) -> None:
    buf, out = wire.frame(), np.zeros(3)
    wire.pack_joint_state(buf, 0x181, 7, position, velocity, torque, TABLE_CRC)
    wire.unpack_joint_state(buf, out)
    assert out[0] == pytest.approx(position, abs=math.radians(0.00501))
    assert out[1] == pytest.approx(velocity, abs=math.radians(0.0501))
    assert out[2] == pytest.approx(torque, abs=0.005001)
    values = decoded(buf).values
    assert values["position"] == pytest.approx(math.degrees(out[0]))
    assert values["velocity"] == pytest.approx(math.degrees(out[1]))


@COMPILED
@given(st.integers(0, 15), st.integers(0, 15), st.integers(0, 255), st.integers(0, 2**32 - 1))
def test_state_round_trip(state: int, mux: int, reason: int, payload: int) -> None:
    buf, out = wire.frame(), np.zeros(4, np.int64)
    wire.pack_state(buf, 0x201, 3, state, mux, reason, payload, TABLE_CRC)
    wire.unpack_state(buf, out)
    assert list(out) == [state, mux, reason, payload]
    assert list(decoded(buf).values.values()) == [state, mux, reason, payload]


@COMPILED
@given(st.binary(min_size=16, max_size=16))
def test_decode_takes_any_bytes(raw: bytes) -> None:
    result = wire.decode(raw)
    assert result is None or result.message in TABLE.messages


def test_frame_id_refuses_other_frames() -> None:
    buf = wire.frame()
    wire.pack_state(buf, 0x7FF, 0, 0, 0, 0, 0, TABLE_CRC)
    assert wire.frame_id(buf) == 0x7FF
    for index, value in ((4, 7), (3, 0x80), (2, 1), (1, 8)):
        other = buf.copy()
        other[index] = value
        assert wire.frame_id(other) == -1


@pytest.mark.parametrize(
    ("t_ns", "offset_ns", "stamp"),
    [
        (0, 0, 0),
        (99_999, 0, 0),
        (100_000, 0, 1),
        (409_600_000, 0, 0),
        (0, -1, 4095),
        (5_000_000, 2_000_000, 70),
    ],
)
def test_apply_stamp(t_ns: int, offset_ns: int, stamp: int) -> None:
    assert wire.apply_stamp(t_ns, offset_ns) == stamp


def test_scales_are_those_of_the_table() -> None:
    assert SETPOINT.fields["torque"].scale == pytest.approx(1 / wire.CNM_PER_NM)
    assert JOINT_STATE.fields["position"].scale == pytest.approx(math.degrees(1 / wire.CDEG_PER_RAD))
    assert JOINT_STATE.fields["velocity"].scale == pytest.approx(math.degrees(1 / wire.DDEGPS_PER_RADPS))
    assert SETPOINT.fields["apply_at"].scale == pytest.approx(1 / wire.TICKS_PER_MS)
    assert MODES["SAFE"] == wire.MODE_SAFE
    assert TABLE.protocol.counter_max == e2e.COUNTER_MAX


def test_compiled_code_stays_in_integers() -> None:
    buf = wire.frame()
    wire.put_header(buf, 0x100)
    assert isinstance(wire.frame_id(buf), int)
    assert isinstance(wire.get16(buf, 10), int)
    assert isinstance(wire.apply_stamp(10**18, -(10**17)), int)
