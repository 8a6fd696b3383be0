"""The host's wire code against the DBC as cantools reads it, and against the raw layout, at every field's edges."""

from __future__ import annotations

import itertools
import math
import random
import struct
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from firmware_bridge import e2e, wire
from firmware_bridge.table import MODES, TABLE
from tests.assurance.reference_e2e import protected

cantools = pytest.importorskip("cantools")
DBC: Final[Any] = cantools.database.load_file(Path(__file__).resolve().parents[2] / "firmware_bridge" / "exo_edge.dbc")
CRC: Final = e2e.CRC_TABLE
RAW: Final = (-32768, -32767, -257, -256, -255, -2, -1, 0, 1, 2, 127, 128, 255, 256, 257, 32766, 32767)


def oracle(buf: wire.U8) -> dict[str, Any]:
    """Signals of a frame by the DBC; the header must be a plain 8-byte data frame."""
    can_id, length, padding = struct.unpack_from("<IB3s", buf.tobytes())
    assert (length, padding) == (8, b"\0\0\0")
    return dict(DBC.decode_message(can_id, buf[8:].tobytes(), decode_choices=False))


def dirty() -> wire.U8:
    """A buffer that was used before."""
    return np.full(wire.FRAME_SIZE, 0xEE, np.uint8)


def test_a_fresh_frame_is_zero() -> None:
    assert wire.frame().tolist() == [0] * 16


@pytest.mark.parametrize("raw", RAW)
@pytest.mark.parametrize("joint", list(TABLE.joints))
def test_setpoint(raw: int, joint: str) -> None:
    can_id = TABLE.messages["TORQUE_SETPOINT"].can_id[joint]
    for lease, age, stamp, mode in ((0, 0.0, 0, 0), (20, 17.9, 4095, 2), (255, 255.0, 0x5A5, 3), (1, 254.99, 1, 15)):
        buf, out = dirty(), np.zeros(5)
        assert wire.pack_setpoint(buf, can_id, 3, raw / 100, lease, age, stamp, mode, CRC) == mode
        signals = oracle(buf)
        expected = (raw / 100, lease, math.floor(age), stamp / 10, mode, 3)
        found = [signals[name] for name in ("torque", "lease", "age", "apply_at", "mode", "e2e_counter")]
        assert found == pytest.approx(expected)
        wire.unpack_setpoint(buf, out)
        assert out == pytest.approx([raw / 100, lease, math.floor(age), stamp, mode])
        assert buf[8:].tobytes() == protected(buf[10:].tobytes(), can_id, 3)
        assert wire.frame_id(buf) == can_id


@pytest.mark.parametrize(
    ("lease", "age", "stamp", "mode", "expected"),
    [
        (-1, -1.0, -1, 16, (0, 0, 409.5, 0)),
        (256, 256.0, 4096, 17, (255, 255, 0.0, 1)),
        (300, math.nan, 8191, 2, (255, 255, 409.5, 2)),
        (20, math.inf, 0, 2, (20, 255, 0.0, 2)),
        (20, -math.inf, 0, 2, (20, 0, 0.0, 2)),
    ],
)
def test_setpoint_fields_saturate_or_wrap(
    lease: int, age: float, stamp: int, mode: int, expected: tuple[float, ...]
) -> None:
    buf = dirty()
    wire.pack_setpoint(buf, 0x100, 0, 1.0, lease, age, stamp, mode, CRC)
    signals = oracle(buf)
    assert [signals[name] for name in ("lease", "age", "apply_at", "mode")] == pytest.approx(expected)


@pytest.mark.parametrize("torque", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_asks_for_safe(torque: float) -> None:
    buf = dirty()
    assert wire.pack_setpoint(buf, 0x100, 0, torque, 20, 0.0, 0, MODES["TORQUE"], CRC) == MODES["SAFE"]
    assert (oracle(buf)["torque"], oracle(buf)["mode"]) == (0.0, MODES["SAFE"])


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        (math.nan, 0),
        (math.inf, 32767),
        (-math.inf, -32768),
        (32767.4, 32767),
        (32768.0, 32767),
        (-32768.0, -32768),
        (-32769.0, -32768),
        (0.5, 0),
        (1.5, 2),
        (-0.51, -1),
        (-1.0, -1),
        (254.0, 254),
    ],
)
def test_to_i16(value: float, raw: int) -> None:
    assert wire.to_i16(value) == raw


@pytest.mark.parametrize(
    ("value", "raw"),
    [(math.nan, 255), (-1.0, 0), (-0.0, 0), (0.99, 0), (1.0, 1), (254.9, 254), (255.5, 255), (1e9, 255)],
)
def test_to_u8(value: float, raw: int) -> None:
    assert wire.to_u8(value) == raw


@pytest.mark.parametrize("raw", RAW)
def test_sixteen_bits(raw: int) -> None:
    for at in (0, 3):
        buf = dirty()
        wire.put16(buf, at, raw)
        assert struct.unpack_from("<h", buf.tobytes(), at)[0] == raw == wire.get16(buf, at)
        assert (buf[at + 2 :] == 0xEE).all() and (buf[:at] == 0xEE).all()
    buf = dirty()
    wire.put16(buf, 4, raw + 3 * 65536)
    assert wire.get16(buf, 4) == raw


@pytest.mark.parametrize(
    ("position", "velocity", "torque"), list(itertools.product((-32768, -1, 0, 9000, 32767), repeat=3))
)
def test_joint_state(position: int, velocity: int, torque: int) -> None:
    buf, out = dirty(), np.zeros(3)
    si = (math.radians(position / 100), math.radians(velocity / 10), torque / 100)
    wire.pack_joint_state(buf, 0x181, 14, *si, CRC)
    signals = oracle(buf)
    found = [signals[name] for name in ("position", "velocity", "torque", "e2e_counter")]
    assert found == pytest.approx([position / 100, velocity / 10, torque / 100, 14])
    wire.unpack_joint_state(buf, out)
    assert out == pytest.approx(si)
    assert buf[8:].tobytes() == protected(buf[10:].tobytes(), 0x181, 14)


@pytest.mark.parametrize("can_id", [0x200, 0x201])
def test_state(can_id: int) -> None:
    rng = random.Random(can_id)
    payloads = (0, 1, 0xFFFF, 0x10000, 0x8000, 0xFFFFFFFF, 1 << 31, 0x12345678, 0xDEADBEEF)
    for payload in (*payloads, 1 << 32, (7 << 32) + 5, -1):
        state, mux, reason = rng.randrange(16), rng.randrange(16), rng.choice((0, 1, 255, 256, 511))
        buf, out = dirty(), np.zeros(4, np.int64)
        wire.pack_state(buf, can_id, 5, state, mux, reason, payload, CRC)
        assert struct.unpack_from("<BBI", buf.tobytes(), 10) == (state | mux << 4, reason & 255, payload & 0xFFFFFFFF)
        assert struct.unpack_from("<I", buf.tobytes())[0] == can_id
        wire.unpack_state(buf, out)
        assert list(out) == [state, mux, reason & 255, payload & 0xFFFFFFFF]
        assert buf[8:].tobytes() == protected(buf[10:].tobytes(), can_id, 5)
    wire.pack_state(buf, can_id, 5, 0x16, 0x12, 0, 0, CRC)
    assert buf[10] == 0x26


@pytest.mark.parametrize(
    ("at", "value", "found"),
    [(0, 0x34, 0x734), (1, 0, 0x0EE), (1, 8, -1), (2, 1, -1), (3, 0x80, -1), (4, 7, -1), (4, 9, -1), (4, 8, 0x7EE)],
)
def test_frame_id(at: int, value: int, found: int) -> None:
    buf = dirty()
    wire.put_header(buf, 0x7EE)
    assert buf[:8].tolist() == [0xEE, 7, 0, 0, 8, 0, 0, 0]
    buf[at] = value
    assert wire.frame_id(buf) == found
    wire.put_header(buf, 0xFFF)
    assert wire.frame_id(buf) == 0x7FF


@pytest.mark.parametrize(
    ("t_ns", "offset_ns", "stamp"),
    [
        (0, 0, 0),
        (99_999, 0, 0),
        (99_999, 1, 1),
        (100_000, -1, 0),
        (409_500_000, 0, 4095),
        (409_600_000, 0, 0),
        (0, -1, 4095),
    ],
)
def test_apply_stamp(t_ns: int, offset_ns: int, stamp: int) -> None:
    assert wire.apply_stamp(t_ns, offset_ns) == stamp


@pytest.mark.parametrize("can_id", [can_id for m in TABLE.messages.values() for can_id in m.can_id.values()])
def test_decode_for_people(can_id: int) -> None:
    rng = random.Random(can_id)
    for _ in range(20):
        body = bytes(rng.choice((0, 1, 127, 128, 255, rng.randrange(256))) for _ in range(6))
        data = protected(body, can_id, rng.randrange(15))
        found = wire.decode(struct.pack("<IB3x8s", can_id, 8, data))
        assert found is not None
        name = DBC.get_message_by_frame_id(can_id).name
        assert name == found.message + (f"_{found.joint.upper()}" if found.joint != "all" else "")
        assert (found.intact, found.counter) == (True, data[1] & 15)
        if found.joint != "all":
            signals = DBC.decode_message(can_id, data, decode_choices=False)
            assert found.values == pytest.approx({key: signals[key] for key in found.values})
        else:
            expected = (body[0] & 15, body[0] >> 4, body[1], int.from_bytes(body[2:], "little"))
            assert found.values == dict(zip(("state", "mux", "reason", "payload"), expected, strict=True))


def test_decode_refuses_what_is_none_of_ours() -> None:
    data = protected(bytes(6), 0x100, 0)
    good = struct.pack("<IB3x8s", 0x100, 8, data)
    assert wire.decode(good) is not None
    broken = wire.decode(good[:-1] + b"\1")
    assert broken is not None and not broken.intact
    for other in (
        good[:-1],
        good + b"\0",
        struct.pack("<IB3x8s", 0x102, 8, data),
        struct.pack("<IB3x8s", 0x100, 7, data),
    ):
        assert wire.decode(other) is None
    assert wire.decode(struct.pack("<IB3x8s", 0x80000100, 8, data)) is None


def test_constants_are_the_tables() -> None:
    fields = TABLE.messages["TORQUE_SETPOINT"].fields
    assert fields["torque"].scale == 1 / wire.CNM_PER_NM
    assert fields["apply_at"].scale == 1 / wire.TICKS_PER_MS
    assert (1 << fields["apply_at"].bits) - 1 == wire.APPLY_MASK
    assert fields["age"].raw_range()[1] == wire.AGE_UNKNOWN_MS
    assert MODES["SAFE"] == wire.MODE_SAFE
