"""E2E Profile 11 against the autosar-e2e package, and the compiled receiver's sequence rules."""

from __future__ import annotations

import numpy as np
import pytest
from e2e import p11
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import e2e
from firmware_bridge.table import TABLE

DATA = st.binary(min_size=8, max_size=8)
IDS = st.integers(0, 0xFFF)
COUNTERS = st.integers(0, e2e.COUNTER_MAX)
MAX_DELTA = TABLE.protocol.max_delta_counter
COMPILED = settings(deadline=None)  # the first call compiles


def oracle(data: bytes, data_id: int, counter: int) -> bytes:
    out = bytearray(data)
    out[1] = counter
    p11.e2e_p11_protect(out, data_id, data_id_mode=p11.E2E_P11_DATAID_NIBBLE, increment_counter=False)
    return bytes(out)


def oracle_accepts(data: bytes, data_id: int) -> bool:
    return p11.e2e_p11_check(bytearray(data), data_id, data_id_mode=p11.E2E_P11_DATAID_NIBBLE)


@COMPILED
@given(DATA, IDS, COUNTERS)
def test_protects_as_the_oracle(data: bytes, data_id: int, counter: int) -> None:
    expected = oracle(data, data_id, counter)
    compiled = np.frombuffer(bytearray(data), np.uint8)
    e2e.protect_into(compiled, data_id, counter, e2e.CRC_TABLE)
    assert e2e.protect(data, data_id, counter) == expected == compiled.tobytes()
    assert e2e.check(expected, data_id) and oracle_accepts(expected, data_id)


@COMPILED
@given(DATA, IDS, COUNTERS, st.sets(st.integers(0, 63), min_size=1, max_size=3))
def test_refuses_what_the_oracle_refuses(data: bytes, data_id: int, counter: int, flips: set[int]) -> None:
    word = int.from_bytes(oracle(data, data_id, counter), "little")
    for bit in flips:
        word ^= 1 << bit
    broken = word.to_bytes(8, "little")
    legal = oracle_accepts(broken, data_id) and broken[1] & 15 <= e2e.COUNTER_MAX
    assert e2e.check(broken, data_id) == legal
    assert len(flips) > 2 or not legal


@COMPILED
@given(DATA, IDS, IDS, COUNTERS)
def test_another_id_is_refused(data: bytes, data_id: int, other: int, counter: int) -> None:
    assert e2e.check(e2e.protect(data, data_id, counter), other) == (data_id == other)


def receive(state: e2e.I64, counter: int, flip: int = 0) -> int:
    data = np.frombuffer(bytearray(e2e.protect(bytes(8), 0x100, counter)), np.uint8)
    data[5] ^= flip
    return int(e2e.check_status(data, 0x100, state, MAX_DELTA, e2e.CRC_TABLE))


@pytest.mark.parametrize("first", range(e2e.COUNTER_MAX + 1))
@pytest.mark.parametrize("delta", range(e2e.COUNTER_MAX + 1))
def test_sequence_at_every_delta(first: int, delta: int) -> None:
    state = e2e.receiver()
    assert receive(state, first) == e2e.OK
    expected = {0: e2e.REPEATED, 1: e2e.OK}.get(delta, e2e.SOME_LOST)
    expected = e2e.WRONG_SEQUENCE if delta > MAX_DELTA else expected
    assert receive(state, (first + delta) % 15) == expected
    assert state[e2e.RX_LOST] == (delta - 1 if 1 <= delta <= MAX_DELTA else 0)
    assert state[e2e.RX_REPEATED] == (delta == 0)
    assert state[e2e.RX_GAPS] == (delta > MAX_DELTA)
    assert receive(state, (first + delta + 1) % 15) == e2e.OK


def test_counts_errors_and_runs() -> None:
    state = e2e.receiver()
    assert receive(state, 0) == e2e.OK
    assert [receive(state, 1, flip=1) for _ in range(3)] == [e2e.CRC_ERROR] * 3
    assert (state[e2e.RX_CRC], state[e2e.RX_BAD_RUN]) == (3, 3)
    assert receive(state, 1) == e2e.OK
    assert (state[e2e.RX_OK], state[e2e.RX_BAD_RUN]) == (2, 0)


def test_counter_of_fifteen_is_no_counter() -> None:
    data = bytearray(oracle(bytes(8), 0x100, 0))
    data[1] |= 15
    p11.e2e_p11_protect(data, 0x100, data_id_mode=p11.E2E_P11_DATAID_NIBBLE, increment_counter=False)
    assert not e2e.check(bytes(data), 0x100)
    array = np.frombuffer(data, np.uint8)
    assert e2e.check_status(array, 0x100, e2e.receiver(), MAX_DELTA, e2e.CRC_TABLE) == e2e.CRC_ERROR


@pytest.mark.parametrize(("data", "data_id", "counter"), [(bytes(7), 1, 0), (bytes(8), 4096, 0), (bytes(8), 1, 15)])
def test_misuse_raises(data: bytes, data_id: int, counter: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        e2e.protect(data, data_id, counter)


def test_next_counter_skips_fifteen() -> None:
    assert [e2e.next_counter(c) for c in (0, 13, 14)] == [1, 14, 0]
