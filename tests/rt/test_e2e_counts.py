"""What the loop tells about E2E: counts of each kind for what it hears, the governor's own, and CAN FD frames."""

from __future__ import annotations

import socket

import pytest

from edge_runtime.rt import frames
from edge_runtime.rt.torque import new_torque
from firmware_bridge import e2e, wire
from firmware_bridge.buses.base import FD_FRAME_SIZE
from firmware_bridge.table import MUX, STATES, TABLE
from tests.rt.test_cycle import DEVICE, PROFILE, Bench, bench, column

__all__ = ["bench"]
COUNTS = ("e2e_lost", "e2e_gaps", "e2e_repeats", "e2e_crc")


def joint_state(counter: int) -> bytes:
    buf = wire.frame()
    can_id = TABLE.messages["JOINT_STATE"].can_id["knee_r"]
    wire.pack_joint_state(buf, can_id, counter % (e2e.COUNTER_MAX + 1), 0.5, 0.0, 0.0, e2e.CRC_TABLE)
    return buf.tobytes()


@pytest.mark.parametrize(
    ("step", "counts"),
    [(1, (0, 0, 0, 0)), (2, (1, 0, 0, 0)), (5, (4, 0, 0, 0)), (6, (0, 1, 0, 0)), (0, (0, 0, 1, 0))],
)
def test_each_kind_is_counted(bench: Bench, step: int, counts: tuple[int, ...]) -> None:
    bench.talks = False
    bench.bus.send(joint_state(3))
    bench.step()
    bench.bus.send(joint_state(3 + step))
    row = bench.step()
    assert tuple(int(column(row, name)[0]) for name in COUNTS) == counts


def test_a_wrong_crc_is_counted(bench: Bench) -> None:
    bench.talks = False
    broken = bytearray(joint_state(0))
    broken[12] ^= 1
    bench.bus.send(bytes(broken))
    assert column(bench.step(), "e2e_crc")[0] == 1


def test_the_governors_own_counts(bench: Bench) -> None:
    bench.talks = False
    buf = wire.frame()
    can_id = TABLE.messages["GOVERNOR_STATE"].can_id["all"]
    wire.pack_state(buf, can_id, 0, STATES["IDLE"], MUX["COUNTERS"], 0, 0x04030201, e2e.CRC_TABLE)
    bench.bus.send(buf.tobytes())
    row = bench.step()
    names = ("governor_crc", "governor_gaps", "governor_repeats", "governor_rejected")
    assert [int(column(row, name)[0]) for name in names] == [1, 2, 3, 4]


def test_on_a_bus_opened_for_fd_frames_go_out_as_such(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "is_fd", lambda _: True)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    theirs.setblocking(False)
    with ours, theirs:
        fd_torque = new_torque(TABLE, PROFILE, DEVICE, ours.fileno())
        assert fd_torque.tx.size == FD_FRAME_SIZE
        bench.torque = fd_torque
        bench.step()

        sent = theirs.recv(200)
        assert len(sent) == FD_FRAME_SIZE and sent[4] == 8 and sent[5] == 5
        assert wire.decode(sent[:5] + bytes(3) + sent[8:16]) is not None and not any(sent[16:])
