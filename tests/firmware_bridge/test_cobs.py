"""Serial packets: any bytes in, only frames that were sent out; the firmware's decoder does the same as the host's."""

from __future__ import annotations

import ctypes
import itertools
import random
import subprocess
from dataclasses import astuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import cobs
from firmware_bridge.cortex_m.build import FOLDER

frames = st.builds(
    lambda can_id, data: can_id.to_bytes(4, "little") + bytes([len(data), 0, 0, 0]) + data.ljust(8, b"\0"),
    st.integers(0, 0x7FF),
    st.binary(max_size=8) | st.lists(st.sampled_from([0, 1, 255]), max_size=8).map(bytes),
)
streams = st.lists(st.binary(max_size=40) | st.lists(st.sampled_from([0, 1, 2, 3, 12, 13]), max_size=40).map(bytes))


def packet(frame: bytes) -> bytes:
    payload = cobs.payload_of(frame)
    assert payload is not None
    return cobs.encode(payload)


def decoded(stream: bytes) -> list[bytes]:
    return [cobs.can_frame_of(payload) for payload in cobs.Decoder().feed(stream)]


def test_crc_is_the_published_one() -> None:
    assert cobs.crc16(b"123456789") == 0x29B1  # check value of CRC-16/IBM-3740 in the CRC catalogue


@pytest.mark.parametrize(
    ("plain", "stuffed"),
    [
        ("00", "0101"),
        ("0000", "010101"),
        ("001100", "01021101"),
        ("11220033", "0311220233"),
        ("11000000", "0211010101"),
    ],
)
def test_stuffing_is_the_published_one(plain: str, stuffed: str) -> None:
    assert cobs.unstuff(bytes.fromhex(stuffed)) == bytes.fromhex(plain)


@given(frames)
def test_a_frame_comes_back(frame: bytes) -> None:
    sent = packet(frame)
    assert sent.index(0) == len(sent) - 1 <= cobs.ENCODED_MAX
    assert decoded(sent) == [frame]


@given(st.lists(frames, max_size=8), st.lists(st.integers(1, 20)))
def test_it_does_not_matter_how_the_bytes_come(sent: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(map(packet, sent))
    decoder, found = cobs.Decoder(), list[bytes]()
    for size in itertools.chain(cuts, itertools.repeat(7)):
        found += decoder.feed(stream[:size])
        stream = stream[size:]
        if not stream:
            break
    assert [cobs.can_frame_of(payload) for payload in found] == sent


@settings(max_examples=300)
@given(streams)
def test_no_stream_gives_a_frame_that_nobody_sent(chunks: list[bytes]) -> None:
    """Independent of the decoder: each frame, sent anew, is bytes of the stream between two delimiters."""
    segments = {segment + b"\0" for segment in b"".join(chunks).split(b"\0")}
    decoder = cobs.Decoder()
    for chunk in chunks:
        assert {cobs.encode(payload) for payload in decoder.feed(chunk)} <= segments


@given(streams, frames)
def test_it_finds_back_at_the_next_delimiter(noise: list[bytes], frame: bytes) -> None:
    decoder = cobs.Decoder()
    for chunk in noise:
        decoder.feed(chunk)
    found = decoder.feed(b"\0" + packet(frame))
    assert cobs.can_frame_of(found[-1]) == frame
    counts = decoder.counts
    bad = counts.crc_errors + counts.malformed + counts.overruns
    assert (counts.resyncs > 0) == (bad > 0)


@given(st.binary(min_size=1, max_size=5000))
def test_memory_is_bounded(noise: bytes) -> None:
    decoder = cobs.Decoder()
    decoder.feed(noise.replace(b"\0", b"\1"))
    assert len(decoder._rest) <= cobs.ENCODED_MAX


def test_every_flipped_bit_is_found() -> None:
    """All packets with one flipped bit, and with two: what passes is no more than the 2**-16 of a CRC of 16 bits."""
    rng = random.Random(4)
    tried = passed = 0
    for _ in range(6):
        frame = bytes([rng.randrange(256), rng.randrange(8), 0, 0, 8, 0, 0, 0]) + rng.randbytes(8)
        sent = packet(frame)
        bits = range(8 * (len(sent) - 1))
        flips = [(bit,) for bit in bits] + list(itertools.combinations(bits, 2))
        for flip in flips:
            broken = bytearray(sent)
            for bit in flip:
                broken[bit // 8] ^= 1 << bit % 8
            wrong = [found for found in decoded(bytes(broken)) if found != frame]
            assert not (wrong and len(flip) == 1)
            passed += len(wrong)
            tried += 1
    assert tried > 30_000
    assert passed <= 3


@pytest.mark.parametrize(
    "frame",
    [
        bytes(15),
        bytes([0, 8]) + bytes(14),
        bytes([0, 0, 0, 0x80, 8]) + bytes(11),
        bytes([0, 0, 0, 0, 9]) + bytes(11),
        b"",
    ],
)
def test_only_standard_data_frames_are_sent(frame: bytes) -> None:
    assert cobs.payload_of(frame) is None


def test_bench_messages_are_told_apart() -> None:
    payload = cobs.bench_payload(3, b"abc")
    assert cobs.is_bench(payload) and cobs.Decoder().feed(cobs.encode(payload)) == [payload]
    assert not cobs.is_bench(cobs.payload_of(bytes([0xFF, 7, 0, 0, 8, 0, 0, 0]) + bytes(8)) or b"")


class FirmwareFrame(ctypes.Structure):
    _fields_ = [
        ("id", ctypes.c_uint16),
        ("bench", ctypes.c_uint8),
        ("len", ctypes.c_uint8),
        ("data", ctypes.c_uint8 * 8),
    ]


class FirmwareReceiver(ctypes.Structure):
    _fields_ = [
        ("buf", ctypes.c_uint8 * cobs.ENCODED_MAX),
        ("used", ctypes.c_uint8),
        ("spoiled", ctypes.c_uint8),
        ("lost", ctypes.c_uint8),
        ("crc_errors", ctypes.c_uint16),
        ("malformed", ctypes.c_uint16),
        ("overruns", ctypes.c_uint16),
        ("resyncs", ctypes.c_uint16),
    ]


@pytest.fixture(scope="session")
def firmware_link(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    target = tmp_path_factory.mktemp("link") / "serial_link.so"
    flags = ["-std=c99", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-shared", "-fPIC"]
    flags += ["-fsanitize=undefined", "-fno-sanitize-recover=all"]  # what is undefined ends the test
    subprocess.run(["cc", *flags, str(FOLDER / "serial_link.c"), "-o", str(target)], check=True)
    return ctypes.CDLL(str(target))


@settings(max_examples=200)
@given(sent=st.lists(streams.map(b"".join) | frames.map(packet)))
def test_the_firmware_decodes_the_same(firmware_link: ctypes.CDLL, sent: list[bytes]) -> None:
    stream = b"".join(sent)
    receiver, frame = FirmwareReceiver(), FirmwareFrame()
    found = []
    for byte in stream:
        if firmware_link.serial_take(ctypes.byref(receiver), byte, ctypes.byref(frame)):
            head = frame.id | frame.bench << 11 | frame.len << 12
            found.append(head.to_bytes(2, "little") + bytes(frame.data[: frame.len]))
    decoder = cobs.Decoder()
    assert decoder.feed(stream) == found
    firmware_counts = (receiver.crc_errors, receiver.malformed, receiver.overruns, receiver.resyncs)
    assert astuple(decoder.counts) == (len(found), *firmware_counts)


@given(frames)
def test_the_firmware_encodes_the_same(firmware_link: ctypes.CDLL, frame: bytes) -> None:
    ours = FirmwareFrame(int.from_bytes(frame[:2], "little"), 0, frame[4], (ctypes.c_uint8 * 8)(*frame[8:]))
    out = (ctypes.c_uint8 * cobs.PACKET_MAX)()
    length = firmware_link.serial_encode(ctypes.byref(ours), out)
    assert bytes(out[:length]) == packet(frame)
