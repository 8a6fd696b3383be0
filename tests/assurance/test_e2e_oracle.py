"""E2E Profile 11 against PyPI's autosar-e2e, 20 000 frames in each direction, for our Python and our C."""

from __future__ import annotations

import ctypes
import random
from pathlib import Path
from typing import Any, Final

import pytest
from e2e import p11

from firmware_bridge import e2e
from firmware_bridge.simulator.build import build_library

ROOT: Final = Path(__file__).resolve().parents[2]
FRAMES: Final = 20_000
NIBBLE: Final = p11.E2E_P11_DATAID_NIBBLE


@pytest.fixture(scope="module")
def library() -> Any:
    found = ctypes.CDLL(str(build_library(ROOT / ".build" / "firmware")))
    found.e2e_protect.argtypes, found.e2e_protect.restype = [ctypes.c_char_p, ctypes.c_uint16, ctypes.c_uint8], None
    found.e2e_check.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint8, ctypes.c_uint16]
    return found


def cases() -> list[tuple[bytes, int, int]]:
    """Payloads, data ids and counters."""
    rng = random.Random(11)
    return [(rng.randbytes(8), rng.randrange(0x1000), rng.randrange(15)) for _ in range(FRAMES)]


def test_what_we_protect_the_oracle_accepts(library: Any) -> None:
    accepted = 0
    for data, data_id, counter in cases():
        ours = e2e.protect(data, data_id, counter)
        in_c = ctypes.create_string_buffer(data, 8)
        library.e2e_protect(in_c, data_id, counter)
        assert in_c.raw == ours
        accepted += p11.e2e_p11_check(bytearray(ours), data_id, data_id_mode=NIBBLE)
    assert accepted == FRAMES


def test_what_the_oracle_protects_we_accept(library: Any) -> None:
    accepted = [0, 0]
    for data, data_id, counter in cases():
        frame = bytearray(data)
        frame[1] = counter
        p11.e2e_p11_protect(frame, data_id, data_id_mode=NIBBLE, increment_counter=False)
        accepted[0] += e2e.check(bytes(frame), data_id)
        accepted[1] += library.e2e_check(bytes(6), bytes(frame), 8, data_id) == e2e.OK
    assert accepted == [FRAMES, FRAMES]
