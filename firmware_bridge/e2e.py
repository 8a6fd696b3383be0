"""AUTOSAR E2E Profile 11 with the data id nibble: frames protected and checked, in Python and compiled.

Layout (AUTOSAR PRS_E2EProtocol, Profile 11, 12-bit data id): byte 0 the CRC; byte 1 the high nibble of the
data id above a counter 0..14. CRC: SAE J1850 polynomial 0x1D, start and final XOR 0x00, over the low byte of
the data id, a zero byte, then bytes 1 and up.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]

POLYNOMIAL: Final = 0x1D
COUNTER_MAX: Final = 14

OK, SOME_LOST, REPEATED, WRONG_SEQUENCE, CRC_ERROR = range(5)
"""Result of a check, names of AUTOSAR E2E_P11CheckStatus; use a frame where it is <= SOME_LOST."""

RX_STARTED, RX_COUNTER, RX_OK, RX_LOST, RX_REPEATED, RX_GAPS, RX_CRC, RX_BAD_RUN = range(8)
"""Indices into a receiver's state: seen a frame, its counter, frames accepted, frames lost in accepted gaps,
repeats, gaps beyond tolerance, CRC errors, frames refused in a row."""
RX_SIZE: Final = 8


def _make_table() -> U8:
    table = np.zeros(256, np.uint8)
    for value in range(256):
        crc = value
        for _ in range(8):
            crc = ((crc << 1) ^ POLYNOMIAL if crc & 0x80 else crc << 1) & 0xFF
        table[value] = crc
    return table


CRC_TABLE: Final = _make_table()


def receiver() -> I64:
    """Fresh receiver state, int64 [RX_SIZE], for one message of one sender."""
    return np.zeros(RX_SIZE, np.int64)


def protect(data: bytes, data_id: int, counter: int) -> bytes:
    """Copy of 8 bytes `data`, the first two replaced by the E2E header; 12-bit `data_id`, counter 0..14."""
    if not 0 <= counter <= COUNTER_MAX or not 0 <= data_id <= 0xFFF or len(data) != 8:
        raise ValueError(f"E2E: counter {counter}, data id {data_id:#x} or length {len(data)} out of range")
    out = bytearray(data)
    out[1] = (data_id >> 8) << 4 | counter
    out[0] = _crc(out, data_id)
    return bytes(out)


def check(data: bytes, data_id: int) -> bool:
    """True where CRC, data id nibble and counter range of 8 bytes are right, whatever the sequence."""
    if len(data) != 8 or data[1] >> 4 != data_id >> 8 or data[1] & 15 > COUNTER_MAX:
        return False
    return _crc(data, data_id) == data[0]


def _crc(data: bytes | bytearray, data_id: int) -> int:
    crc = 0
    for byte in (data_id & 0xFF, 0, *data[1:]):
        crc = int(CRC_TABLE[crc ^ byte])
    return crc


@njit(cache=True, nogil=True)
def crc_of(data: U8, data_id: int, table: U8) -> int:
    """CRC that byte 0 of `data` uint8 [8] should have."""
    crc = np.int64(table[table[data_id & 0xFF]])
    for i in range(1, 8):
        crc = np.int64(table[crc ^ data[i]])
    return int(crc)


@njit(cache=True, nogil=True)
def protect_into(data: U8, data_id: int, counter: int, table: U8) -> None:
    """Write the E2E header into `data` uint8 [8] in place; `counter` 0..14; `table` is CRC_TABLE."""
    data[1] = ((data_id >> 8) & 15) << 4 | (counter & 15)
    data[0] = crc_of(data, data_id, table)


@njit(cache=True, nogil=True)
def next_counter(counter: int) -> int:
    """Counter of the frame after this one."""
    return 0 if counter >= COUNTER_MAX else counter + 1


@njit(cache=True, nogil=True)
def check_status(data: U8, data_id: int, state: I64, max_delta: int, table: U8) -> int:
    """Check `data` uint8 [8] against its sequence and update `state` int64 [RX_SIZE].

    Returns OK, SOME_LOST (up to `max_delta` steps of the counter), REPEATED, WRONG_SEQUENCE (more; the new
    counter is taken up, so that the next frame is accepted again) or CRC_ERROR.
    """
    counter = int(np.int64(data[1]) & 15)
    if data[1] >> 4 != (data_id >> 8) & 15 or counter > COUNTER_MAX or crc_of(data, data_id, table) != data[0]:
        state[RX_CRC] += 1
        state[RX_BAD_RUN] += 1
        return CRC_ERROR
    delta = (counter - state[RX_COUNTER] + COUNTER_MAX + 1) % (COUNTER_MAX + 1) if state[RX_STARTED] else 1
    state[RX_STARTED] = 1
    state[RX_COUNTER] = counter
    if delta == 0 or delta > max_delta:
        state[RX_REPEATED if delta == 0 else RX_GAPS] += 1
        state[RX_BAD_RUN] += 1
        return REPEATED if delta == 0 else WRONG_SEQUENCE
    state[RX_OK] += 1
    state[RX_LOST] += delta - 1
    state[RX_BAD_RUN] = 0
    return OK if delta == 1 else SOME_LOST
