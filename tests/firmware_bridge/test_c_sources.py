"""The C sources as a firmware engineer gets them: no warning, nothing beyond string.h, and a codec that agrees."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import e2e, timing, wire
from firmware_bridge.table import TABLE
from tests.conftest import unavailable

BRIDGE = Path(__file__).resolve().parents[2] / "firmware_bridge"
GOVERNOR = sorted((BRIDGE / "governor").glob("*.[ch]"))
SOURCES = [path for folder in ("governor", "codec", "timing") for path in sorted((BRIDGE / folder).glob("*.c"))]
STRICT = [
    "-std=c99",
    "-O2",
    "-Wall",
    "-Wextra",
    "-Wshadow",
    "-Wconversion",
    "-Wsign-conversion",
    "-Wpedantic",
    "-Werror",
]
I16, U8 = st.integers(-32768, 32767), st.integers(0, 255)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_no_warning(compiler: str, source: Path) -> None:
    if shutil.which(compiler) is None:
        unavailable(f"{compiler} is not installed: apt install {compiler}")
    include = [f"-I{BRIDGE / 'governor'}"]
    command = [compiler, *STRICT, *include, "-c", str(source), "-o", "/dev/null"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("source", GOVERNOR, ids=lambda path: path.name)
def test_the_governor_needs_nothing_but_integers_and_string_h(source: Path) -> None:
    text = source.read_text(encoding="utf-8")
    assert set(re.findall(r"#include <(.*)>", text)) <= {"stdint.h", "string.h"}
    assert not re.search(r"\b(float|double|malloc|free)\b", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))


def test_the_governor_can_be_read_in_one_sitting() -> None:
    lines = [line for path in GOVERNOR if path.name != "exo_limits.h" for line in path.read_text().splitlines()]
    assert sum(bool(line.strip()) for line in lines) < 1000


class Setpoint(ctypes.Structure):
    """`struct exo_torque_setpoint_knee_r_t`."""

    _fields_ = [
        ("e2e_crc", ctypes.c_uint8),
        ("e2e_counter", ctypes.c_uint8),
        ("e2e_data_id", ctypes.c_uint8),
        ("torque", ctypes.c_int16),
        ("lease", ctypes.c_uint8),
        ("age", ctypes.c_uint8),
        ("apply_at", ctypes.c_uint16),
        ("mode", ctypes.c_uint8),
    ]


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    target = tmp_path_factory.mktemp("codec") / "codec.so"
    source = str(BRIDGE / "codec" / "exo_codec.c")
    subprocess.run(["cc", "-std=c99", "-O1", "-shared", "-fPIC", source, "-o", str(target), "-lm"], check=True)
    return ctypes.CDLL(str(target))


@settings(max_examples=300, deadline=None)
@given(I16, U8, U8, st.integers(0, 4095), st.integers(0, 3), st.integers(0, 14))
def test_the_codec_agrees_with_the_wire(
    codec: ctypes.CDLL, cnm: int, lease: int, age: int, apply_at: int, mode: int, counter: int
) -> None:
    buf = wire.frame()
    wire.pack_setpoint(buf, 0x100, counter, cnm / 100.0, lease, float(age), apply_at, mode, e2e.CRC_TABLE)
    data, out = buf[8:].tobytes(), Setpoint()
    assert codec.exo_torque_setpoint_knee_r_unpack(ctypes.byref(out), data, 8) == 0
    got = (out.torque, out.lease, out.age, out.apply_at, out.mode, out.e2e_counter, out.e2e_data_id)
    assert got == (cnm, lease, age, apply_at, mode, counter, 1)
    again = ctypes.create_string_buffer(8)
    assert codec.exo_torque_setpoint_knee_r_pack(again, ctypes.byref(out), 8) == 8
    assert again.raw == data


@given(I16)
def test_the_codec_rounds_to_the_nearest_step(codec: ctypes.CDLL, cnm: int) -> None:
    encode = codec.exo_torque_setpoint_knee_r_torque_encode
    encode.restype, encode.argtypes = ctypes.c_int16, [ctypes.c_double]
    assert encode(cnm * TABLE.messages["TORQUE_SETPOINT"].fields["torque"].scale) == cnm


def test_the_timed_run_stays_engaged_and_gives_every_call(tmp_path: Path) -> None:
    cost = timing.measure(tmp_path, milliseconds=2000)
    assert (len(cost.frame_ns), len(cost.step_ns)) == (2 * 2000 + 100, 2000)
    assert np.median(cost.frame_ns) > 0
