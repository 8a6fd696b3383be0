"""One to four joints: the same cycle drives as many as the table names, each by its own numbers."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import calibration
from calibration.profile import load_profile
from edge_runtime import shared
from edge_runtime.config import load_device
from edge_runtime.errors import UserError
from edge_runtime.intent import new_intent
from edge_runtime.rt.cycle import cycle
from edge_runtime.rt.mailbox import publish
from edge_runtime.rt.torque import new_torque
from edge_runtime.telemetry import CYCLE_FIELDS, cycle_width
from firmware_bridge import e2e, wire
from firmware_bridge.schema import Table
from firmware_bridge.table import MODES, STATES, TABLE

PROFILE = load_profile(Path(calibration.__file__).with_name("profiles") / "demo.toml")
NAMES = ("knee_r", "knee_l", "hip_r", "hip_l", "ankle_r")
MS = 1_000_000


def table_of(count: int) -> Table:
    """The table with so many joints, all with the limits of the right knee, on ids of their own."""
    names = NAMES[:count]
    messages = dict(TABLE.messages)
    for message, first in (("TORQUE_SETPOINT", 0x100), ("JOINT_STATE", 0x180)):
        ids = {name: first + i for i, name in enumerate(names)}
        messages[message] = replace(TABLE.messages[message], can_id=ids)
    return replace(TABLE, joints=dict.fromkeys(names, TABLE.joints["knee_r"]), messages=messages)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_every_joint_follows_its_own_line_of_the_intent(count: int) -> None:
    table, rings = table_of(count), shared.local(100, count)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        torque = new_torque(table, PROFILE, load_device(), ours.fileno())
        torque.state[0]["engaged_ns"] = 1
        rings.control[shared.MODE] = MODES["TORQUE"]
        intent, sent = new_intent(count), {}
        wanted = np.arange(1, count + 1) * 0.5
        for k in range(60):
            now_ns = 1_000 * MS + k * MS
            rings.control[shared.HEARTBEAT] += 1
            state = wire.frame()
            wire.pack_state(state, 0x200, k % 15, STATES["ARMED"], 0, 0, 0, e2e.CRC_TABLE)
            theirs.send(state.tobytes())
            for index in range(count):
                frame = wire.frame()
                wire.pack_joint_state(frame, 0x180 + index, k % 15, 0.1 * index, 0.0, wanted[index], e2e.CRC_TABLE)
                theirs.send(frame.tobytes())
            intent[0]["sequence"], intent[0]["valid"] = k + 1, 1
            intent[0]["t_capture_ns"] = intent[0]["t_act_ns"] = now_ns
            intent[0]["torque_nm"] = wanted[:, None]
            publish(rings.intent, intent.view(np.int64))
            cycle(torque, rings.control, rings.intent, rings.feedback, now_ns)
            for _ in range(count):
                data = theirs.recv(16)
                if wire.frame_id(np.frombuffer(data, np.uint8)) == 0x201:
                    data = theirs.recv(16)
                sent[int.from_bytes(data[:2], "little")] = int.from_bytes(data[10:12], "little", signed=True) / 100
        assert torque.row.size == cycle_width(count)
        stride = cycle_width(3) - cycle_width(2)
        limited = torque.row[CYCLE_FIELDS.index("limited_nm_r") :: stride][:count]
        assert sorted(sent) == [0x100 + index for index in range(count)]
        assert list(sent.values()) == pytest.approx(limited, abs=0.006)
        assert (np.diff(limited) > 0.3).all()
        assert limited[0] > 0.3
        assert torque.joints["position"] == pytest.approx(0.1 * np.arange(count), abs=1e-3)


@pytest.mark.parametrize("count", [0, 5])
def test_no_joint_and_too_many_are_refused(count: int) -> None:
    with pytest.raises(UserError, match=f"{count} joints, the torque loop drives 1 to 4"):
        new_torque(table_of(count), PROFILE, load_device(), -1)
