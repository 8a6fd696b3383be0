"""Every frame with every one and two of its bits turned: refused by the governor and by the host's compiled code."""

from __future__ import annotations

import ctypes
import itertools
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from numba import njit

from firmware_bridge import e2e
from firmware_bridge.simulator.build import build_library
from firmware_bridge.table import TABLE
from tests.assurance.reference_e2e import crc, protected

ROOT: Final = Path(__file__).resolve().parents[2]
IDS: Final = [(name, can_id) for name, m in TABLE.messages.items() for can_id in m.can_id.values()]
BODIES: Final = (bytes(6), b"\xff" * 6, bytes(range(17, 23)), bytes.fromhex("d007141e9a21"))
MAX_DELTA: Final = TABLE.protocol.max_delta_counter
PATTERNS: Final = [1 << a for a in range(64)] + [1 << a | 1 << b for a, b in itertools.combinations(range(64), 2)]


@pytest.fixture(scope="module")
def in_c() -> Any:
    library = ctypes.CDLL(str(build_library(ROOT / ".build" / "firmware")))
    library.e2e_check.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint8, ctypes.c_uint16]
    return library.e2e_check


def corrupted(data: bytes) -> list[bytes]:
    """The 64 + 2016 corruptions of a frame."""
    word = int.from_bytes(data, "little")
    return [(word ^ pattern).to_bytes(8, "little") for pattern in PATTERNS]


@njit
def refused_by_host(frames: Any, can_id: int, max_delta: int, table: Any) -> int:
    """How many of the frames uint8 [n, 8] a fresh receiver refuses as broken."""
    count = 0
    for i in range(len(frames)):
        count += e2e.check_status(frames[i], can_id, np.zeros(8, np.int64), max_delta, table) == e2e.CRC_ERROR
    return count


@pytest.mark.parametrize(("name", "can_id"), IDS)
@pytest.mark.parametrize("body", BODIES)
def test_every_one_and_two_bits(in_c: Any, name: str, can_id: int, body: bytes) -> None:
    for counter in (0, 7, 14):
        data = protected(body, can_id, counter)
        frames = corrupted(data)
        assert len(frames) == 64 + 64 * 63 // 2
        assert in_c(bytes(6), data, 8, can_id) == e2e.OK
        assert all(in_c(bytes(6), frame, 8, can_id) == e2e.CRC_ERROR for frame in frames)
        assert not any(e2e.check(frame, can_id) for frame in frames)
        packed = np.frombuffer(b"".join(frames), np.uint8).reshape(-1, 8)
        assert refused_by_host(packed, can_id, MAX_DELTA, e2e.CRC_TABLE) == len(frames)


@pytest.mark.parametrize(("name", "can_id"), IDS)
def test_the_id_is_protected_too(in_c: Any, name: str, can_id: int) -> None:
    """One or two bits of the CAN id turned, which is the data id: another message's frame is never taken for ours."""
    data = protected(BODIES[3], can_id, 5)
    for bits in [1 << a for a in range(11)] + [1 << a | 1 << b for a, b in itertools.combinations(range(11), 2)]:
        assert in_c(bytes(6), data, 8, can_id ^ bits) == e2e.CRC_ERROR
        assert not e2e.check(data, can_id ^ bits)


def test_a_frame_is_never_longer_or_shorter(in_c: Any) -> None:
    data = protected(BODIES[2], 0x100, 1)
    assert [in_c(bytes(6), data + bytes(8), length, 0x100) for length in range(17) if length != 8] == [
        e2e.CRC_ERROR
    ] * 16


def test_a_repeat_with_a_right_crc_is_a_repeat(in_c: Any) -> None:
    """The counter is no corruption: the same frame twice is refused as a repeat, by both."""
    receiver, state = ctypes.create_string_buffer(6), e2e.receiver()
    data = protected(BODIES[2], 0x100, 3)
    array = np.frombuffer(data, np.uint8)
    assert [in_c(receiver, data, 8, 0x100) for _ in range(3)] == [e2e.OK, e2e.REPEATED, e2e.REPEATED]
    found = [e2e.check_status(array, 0x100, state, MAX_DELTA, e2e.CRC_TABLE) for _ in range(3)]
    assert found == [e2e.OK, e2e.REPEATED, e2e.REPEATED]


def test_the_power_of_this_test() -> None:
    """Three bits can pass an 8-bit CRC: the corruptions are not refused for another reason."""
    data = int.from_bytes(protected(bytes(6), 0x100, 0), "little")
    passed = 0
    for bits in itertools.combinations(range(64), 3):
        frame = (data ^ sum(1 << bit for bit in bits)).to_bytes(8, "little")
        passed += frame[0] == crc(frame, 0x100)
    assert 0 < passed < 64 * 63 * 62 // 6 / 100
