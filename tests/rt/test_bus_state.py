"""The bus as states, not exceptions: error frames, full queues, dropped frames, dead interfaces; torque follows."""

from __future__ import annotations

import socket
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime import shared
from edge_runtime.rt import bus_state, receive
from edge_runtime.rt.bus_state import ACTIVE, BUS, DOWN, OFF, PASSIVE, WARNING
from edge_runtime.rt.frames import DROPPED, STAMP_NS, inbox, is_can, note_control, read_message
from firmware_bridge.table import MODES, STATES
from tests.rt.test_cycle import LATENCY_NS, MS, Bench, bench, column

__all__ = ["bench"]
ERR_FLAG = 0x20000000  # linux/can.h; the classes below are those of linux/can/error.h
CRTL, BUSOFF, RESTARTED, LOST_ARBITRATION = 0x004, 0x040, 0x100, 0x002


def error_frame(what: int, detail: int = 0) -> bytes:
    return (ERR_FLAG | what).to_bytes(4, "little") + bytes([8, 0, 0, 0, 0, detail, 0, 0, 0, 0, 0, 0])


def heard(*frames: bytes) -> Any:
    bus = np.zeros(1, BUS)[0]
    for frame in frames:
        bus_state.hear_error_frame(bus, np.frombuffer(frame, np.uint8))
    return bus


@pytest.mark.parametrize(
    ("frames", "state"),
    [
        ([error_frame(LOST_ARBITRATION)], ACTIVE),
        ([error_frame(CRTL, 0x04)], WARNING),
        ([error_frame(CRTL, 0x08)], WARNING),
        ([error_frame(CRTL, 0x10)], PASSIVE),
        ([error_frame(CRTL, 0x20)], PASSIVE),
        ([error_frame(CRTL, 0x10), error_frame(CRTL, 0x40)], ACTIVE),
        ([error_frame(BUSOFF)], OFF),
        ([error_frame(BUSOFF), error_frame(CRTL, 0x40)], OFF),
        ([error_frame(BUSOFF), error_frame(RESTARTED)], ACTIVE),
        ([error_frame(CRTL | BUSOFF, 0x10)], OFF),
    ],
)
def test_what_an_error_frame_makes_of_the_state(frames: list[bytes], state: int) -> None:
    assert heard(*frames)["state"] == state
    assert heard(*frames)["errors"] == len(frames)


def test_overruns_and_restarts_are_counted() -> None:
    bus = heard(error_frame(CRTL, 0x01), error_frame(CRTL, 0x01), error_frame(RESTARTED))
    assert (bus["overruns"], bus["restarts"], bus["state"]) == (2, 1, ACTIVE)


def test_an_error_frame_is_no_rejected_frame_and_no_answer_of_the_firmware(bench: Bench) -> None:
    bench.bus.send(error_frame(CRTL, 0x20))
    row = bench.step()
    assert column(row, "bus_state")[0] == PASSIVE
    assert column(row, "rejected")[0] == column(row, "received")[0] == 0


def walking(bench: Bench) -> None:
    bench.engage()
    for k in range(4):
        bench.ask(10.0, bench.now_ns - LATENCY_NS, sequence=k + 1)
        rows = bench.step(5)
    assert column(rows, "limited_nm_r")[-1] > 1.0


def test_bus_off_takes_torque_away_and_only_a_clear_gives_it_back(bench: Bench) -> None:
    walking(bench)
    bench.bus.send(error_frame(BUSOFF))
    bench.talks = False
    rows = bench.step(20)
    assert column(rows, "limited_nm_r")[-1] == 0.0
    assert set(column(rows, "mode")) == {MODES["SAFE"]}
    bench.bus.send(error_frame(RESTARTED))
    bench.talks = True
    for k in range(30):
        bench.ask(10.0, bench.now_ns - LATENCY_NS, sequence=k + 50)
        rows = bench.step(10)
    assert set(column(rows, "bus_state")) == {ACTIVE}
    assert not column(rows, "limited_nm_r").any()
    bench.rings.control[shared.CLEARS] += 1
    assert column(bench.step(3), "mode")[-1] == MODES["TORQUE"]


def test_a_clear_does_not_last_while_the_bus_is_off(bench: Bench) -> None:
    bench.engage()
    bench.bus.send(error_frame(BUSOFF))
    bench.talks = False
    bench.step(2)
    bench.rings.control[shared.CLEARS] += 1
    assert set(column(bench.step(5), "mode")) == {MODES["SAFE"]}


def test_nothing_is_queued_for_a_bus_that_is_off(bench: Bench) -> None:
    walking(bench)
    bench.bus.send(error_frame(BUSOFF))
    bench.talks = False
    bench.step()
    bench.sent()
    rows = bench.step(50)
    assert bench.sent() == []
    assert np.ptp(column(rows, "sent")) == 0
    bench.bus.send(error_frame(RESTARTED))
    bench.step(3)
    assert len(bench.sent()) >= 6


def test_a_bus_that_is_off_before_anybody_is_armed_leaves_no_latch(bench: Bench) -> None:
    bench.bus.send(error_frame(BUSOFF))
    bench.step(2)
    bench.talks = True
    bench.step(2)
    assert (bench.torque.bus[0]["state"], bench.torque.bus[0]["lost"]) == (ACTIVE, 0)


def test_a_full_send_queue_is_counted_frame_by_frame_until_it_has_room(bench: Bench) -> None:
    rows = bench.step(2_000)
    refused, sent = column(rows, "tx_full"), column(rows, "sent")
    assert refused[0] == 0
    assert refused[-1] + sent[-1] == 2 * 2_000 + 100  # every frame is one or the other
    assert (np.diff(refused)[-1_000:] > 0).all()  # nobody reads: every cycle is refused something
    bench.sent()
    assert column(bench.step(2), "tx_full")[-1] == refused[-1]


def test_a_closed_bus_is_counted_and_not_called_full(bench: Bench) -> None:
    bench.bus.close()
    bench.step(10)
    bus = bench.torque.bus[0]
    assert (bus["tx_full"], bus["tx_failed"] > 10) == (0, True)


@pytest.mark.parametrize(("error", "state"), [(11, ACTIVE), (4, ACTIVE), (100, DOWN), (19, DOWN), (6, DOWN)])
def test_a_failed_read_tells_an_empty_queue_from_a_dead_interface(error: int, state: int) -> None:
    bus = np.zeros(1, BUS)[0]
    bus_state.hear_failed_read(bus, error)
    assert bus["state"] == state
    bus_state.hear_good_frame(bus)
    assert bus["state"] == ACTIVE


@pytest.mark.parametrize(
    ("error", "full", "failed", "state"),
    [(105, 1, 0, ACTIVE), (11, 1, 0, ACTIVE), (100, 0, 1, DOWN), (32, 0, 1, ACTIVE)],
)
def test_a_failed_write_tells_a_full_queue_from_the_rest(error: int, full: int, failed: int, state: int) -> None:
    bus = np.zeros(1, BUS)[0]
    bus_state.hear_failed_write(bus, error)
    assert (bus["tx_full"], bus["tx_failed"], bus["state"]) == (full, failed, state)


def message(kind: int, *words: int, size: int | None = None) -> list[int]:
    return [16 + 8 * len(words) if size is None else size, kind << 32 | 1, *words]


def noted(words: list[int], length: int | None = None) -> list[int]:
    control, notes = np.zeros(16, np.int64), np.zeros(2, np.int64)
    control[: len(words)] = words
    note_control(control, 8 * len(words) if length is None else length, notes)
    return [int(note) for note in notes]


def test_what_the_kernel_says_beside_a_frame() -> None:
    assert noted([]) == [0, 0]
    assert noted(message(40, 7, size=20)) == [7, 0]
    assert noted([*message(35, 12, 34), *message(40, 0xFFFFFFFF, size=20)]) == [0xFFFFFFFF, 12 * 10**9 + 34]
    assert noted([*message(99, 1, 2, 3), *message(40, 5, size=20)]) == [5, 0]
    assert noted(message(40, 7, size=20), length=16) == [0, 0]
    assert noted(message(35, 12, 34), length=24) == [0, 0]
    assert noted([0, 0, *message(40, 5, size=20)]) == [0, 0]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=16), st.integers(-8, 200))
def test_any_ancillary_data_ends_the_walk(words: list[int], length: int) -> None:
    noted(words, min(length, 8 * 16))


def test_a_length_beyond_all_numbers_ends_the_walk() -> None:
    assert noted([*message(99, 1), 2**63 - 8, 40 << 32 | 1, 7]) == [0, 0]


@pytest.mark.parametrize(("set_ahead_s", "trusted"), [(0.0, True), (0.9, False), (5.0, False), (-5.0, False)])
def test_a_clock_of_the_day_that_is_set_does_not_make_a_frame_older_than_the_cycle_before(
    bench: Bench, set_ahead_s: float, trusted: bool
) -> None:
    torque, woke_ns = bench.torque, time.monotonic_ns()
    torque.config[0]["is_can"], torque.state[0]["last_ns"] = 1, woke_ns - MS
    torque.inbox.notes[STAMP_NS] = time.time_ns() - round(set_ahead_s * 1e9)
    received_ns = receive._received_ns(torque, woke_ns)
    assert woke_ns - MS <= received_ns
    assert (received_ns not in (woke_ns, woke_ns - MS)) == trusted


def test_frames_the_queue_dropped_are_counted_by_the_kernel_and_stamped() -> None:
    """A real kernel counter: datagrams to a socket with a small buffer, as CAN frames overflow theirs."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer,
    ):
        ours.bind(("127.0.0.1", 0))
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        ours.setsockopt(socket.SOL_SOCKET, 40, 1)
        ours.setsockopt(socket.SOL_SOCKET, 35, 1)
        ours.setblocking(False)
        box = inbox()
        assert not read_message(ours.fileno(), box)
        for _ in range(100):
            peer.sendto(bytes(range(16)), ours.getsockname())
        taken = 0
        while read_message(ours.fileno(), box):
            taken += 1
        assert bytes(box.rx) == bytes(range(16))
        peer.sendto(bytes(16), ours.getsockname())
        assert read_message(ours.fileno(), box)
        assert box.notes[DROPPED] == 100 - taken > 0
        assert box.notes[STAMP_NS] > 1_600_000_000 * 10**9


def test_only_sockets_of_the_kernels_can_are_taken_for_it() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        assert not is_can(ours.fileno())
        ours.send(b"still open")
    assert not is_can(-1)


def test_the_loop_reads_the_same_through_messages(bench: Bench) -> None:
    bench.torque.config[0]["is_can"] = 1
    walking(bench)
    assert column(bench.step(), "governor_state")[0] == STATES["ARMED"]
    assert column(bench.step(), "position_rad_l")[0] == pytest.approx(0.5, abs=1e-3)
    assert bench.now_ns > MS
