"""The line protocol: what goes out comes back, what is damaged is no line, and no loss stays uncounted."""

from __future__ import annotations

import binascii

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.serial.lines import LINE_MAX, SEQUENCE_SPAN, Command, Hello, Line, Sample, decode, encode, sealed
from hil.serial.receiver import Receiver

U16, U32 = st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
LEG = st.sampled_from("rl")


def measured(scale: float, span: int = 2_000_000_000) -> st.SearchStrategy[float | None]:
    return st.none() | st.integers(-span, span).map(lambda value: value * scale)


SAMPLES = st.builds(
    Sample, U16, U32, st.integers(0, 2**53 - 1), LEG,
    measured(1e-6), measured(1e-3), measured(1e-3), measured(1e-3), measured(1.0), st.none() | U32,
)  # fmt: skip
COMMANDS = st.builds(
    Command,
    U32,
    st.integers(0, 2**53 - 1),
    LEG,
    st.integers(-(10**6), 10**6).map(lambda v: v * 1e-3),
    st.integers(0, 999),
)
LINES = st.one_of(SAMPLES, COMMANDS, st.just(Hello(1, 7, "rl", 1000, "bench-a")))


@settings(deadline=None)
@given(LINES)
def test_a_line_comes_back_and_is_short(line: Line) -> None:
    raw = encode(line)
    assert decode(raw[:-1]) == line
    assert len(raw) <= LINE_MAX and raw.isascii() and raw.count(b"\n") == 1


def test_a_line_as_the_page_shows_it() -> None:
    sample = Sample(40321, 17, 17000, "r", 0.523599, -0.012, 3.25, None, 1500.0, 9)
    body = b"S 40321 17 17000 r 523599 -12 3250 - 1500 9"
    assert encode(sample) == body + b"*%08X\n" % binascii.crc32(body)


@settings(deadline=None)
@given(SAMPLES, st.data())
def test_a_damaged_line_is_none(sample: Sample, data: st.DataObject) -> None:
    raw = bytearray(encode(sample)[:-1])
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    assert decode(bytes(raw)) is None


@pytest.mark.parametrize(
    "body",
    [
        b"S 1 2 3 r 4 5 6 7 8",
        b"S 1 2 3 x 4 5 6 7 8 9",
        b"S 65536 2 3 r 4 5 6 7 8 9",
        b"S 1 2 3 r 4.0 5 6 7 8 9",
        b"S 1 2 3 r nan 5 6 7 8 9",
        b"S 1 +2 3 r 4 5 6 7 8 9",
        b"S 1 2 3 r 99999999999 5 6 7 8 9",
        b"C 1 2 r - 20",
        b"C 1 2 r 5 1000",
        b"H 1 2 b 1000 x",
        b"",
        b"\xff",
    ],
)
def test_what_the_page_does_not_allow_is_none_although_its_crc_is_right(body: bytes) -> None:
    assert decode(sealed(body)[:-1]) is None


def sample(sequence: int, boot: int = 1, leg: str = "r") -> bytes:
    return encode(Sample(boot, sequence, sequence, leg, 0.1, 0.0, 0.0, 0.0, 0.0, None))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.booleans(), max_size=60), st.binary(max_size=300).map(lambda b: b.replace(b"\n", b"")), st.data())
def test_received_and_lost_are_all_that_was_sent(arrives: list[bool], noise: bytes, data: st.DataObject) -> None:
    """Whatever is left out or put between, in whatever pieces it comes; the last one always arrives."""
    lines = [sample(k) for k, here in enumerate(arrives) if here]
    where = data.draw(st.integers(0, len(lines)))
    stream = b"".join([*lines[:where], noise, b"\n", *lines[where:], sample(len(arrives))])
    receiver, got = Receiver(), 0
    while stream:
        size = data.draw(st.integers(1, 200))
        got += len(receiver.feed(stream[:size]))
        stream = stream[size:]
    assert got == receiver.counts.received == sum(arrives) + 1
    assert receiver.counts.lost == len(arrives) - sum(arrives)


def test_a_flood_without_an_end_is_dropped_and_the_next_line_is_heard() -> None:
    receiver = Receiver()
    for _ in range(100):
        assert receiver.feed(b"x" * 10_000) == []
    assert receiver.counts.noise >= 999_000
    assert len(receiver.feed(b"tail\n" + sample(0))) == 1


def test_the_sequence_wraps_without_a_loss_and_a_repeat_is_stale() -> None:
    receiver = Receiver()
    for sequence in (SEQUENCE_SPAN - 2, SEQUENCE_SPAN - 1, 0, 1):
        assert len(receiver.feed(sample(sequence))) == 1
    assert receiver.counts.lost == SEQUENCE_SPAN - 2  # those before the first
    assert receiver.feed(sample(1)) == [] and receiver.counts.stale == 1


def test_a_restart_is_counted_and_begins_anew() -> None:
    receiver = Receiver()
    receiver.feed(sample(0) + sample(1) + sample(3, boot=2))
    assert (receiver.counts.restarts, receiver.counts.lost, receiver.counts.received) == (1, 3, 3)


def test_legs_count_apart_and_another_version_is_no_bench() -> None:
    receiver = Receiver()
    receiver.feed(sample(0) + sample(0, leg="l") + encode(Hello(2, 1, "r", 1000, "new")))
    assert (receiver.counts.received, receiver.counts.lost, receiver.counts.other_version) == (2, 0, 1)
    assert receiver.hello is None
