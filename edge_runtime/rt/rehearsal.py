"""Runs the torque loop on a bus of its own before it counts: everything compiled, pages touched, caches warm."""

from __future__ import annotations

import socket
import threading
from typing import Final

import numpy as np

from calibration.profile import Profile
from edge_runtime import shared
from edge_runtime.config import Device
from edge_runtime.intent import new_intent
from edge_runtime.rt.loop import PERIOD_NS, run_lockstep, run_realtime
from edge_runtime.rt.mailbox import drain, publish
from edge_runtime.rt.rig import new_rig
from edge_runtime.rt.torque import Torque, new_torque
from firmware_bridge import wire
from firmware_bridge.e2e import COUNTER_MAX
from firmware_bridge.schema import Table
from firmware_bridge.table import MODES, STATES

_CYCLES: Final = 200
_REALTIME_S: Final = 0.05
_FIRST_NS: Final = 1_000_000_000


def rehearse(table: Table, profile: Profile, device: Device) -> Torque:
    """Walk through the loop as it will run, assisting, with answers on the bus; nothing reaches the real one.

    Returns the loop's state at the end, for tests.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        torque = new_torque(table, profile, device, ours.fileno())
        joints = torque.joints.size
        rings, intent, rows = shared.local(1, joints), new_intent(joints), np.zeros((8, torque.row.size), np.int64)
        arguments = (torque, new_rig(-1), rings.control, rings.intent, rings.feedback, rings.cycles)
        rings.control[shared.MODE] = MODES["TORQUE"]
        intent[0]["valid"], intent[0]["torque_nm"] = 1, 1.0
        for k in range(_CYCLES):
            now_ns = _FIRST_NS + k * PERIOD_NS
            _answer(theirs, torque, k, now_ns)
            rings.control[shared.HEARTBEAT] = intent[0]["sequence"] = k + 1
            intent[0]["t_capture_ns"] = intent[0]["t_act_ns"] = now_ns
            publish(rings.intent, intent.view(np.int64))
            run_lockstep(*arguments, now_ns, 1)
            drain(rings.cycles, rows)
        for stop in (1, 0):  # the first call only compiles
            rings.control[shared.STOP] = stop
            timer = threading.Timer(_REALTIME_S, rings.control.__setitem__, (shared.STOP, 1))
            timer.start()
            run_realtime(*arguments)
            timer.join()
        return torque


def _answer(bus: socket.socket, torque: Torque, k: int, now_ns: int) -> None:
    """What an armed firmware sends in a millisecond; takes what the loop has sent."""
    frame, counter = wire.frame(), k % (COUNTER_MAX + 1)
    for joint in torque.joints:
        wire.pack_joint_state(frame, int(joint["state_id"]), counter, 0.3, 0.5, 1.0, torque.crc_table)
        bus.send(frame.tobytes())
    can_id, clock = int(torque.config[0]["governor_state_id"]), now_ns // 100_000
    wire.pack_state(frame, can_id, counter, STATES["ENGAGED"], 0, 0, clock, torque.crc_table)
    bus.send(frame.tobytes())
    try:
        while bus.recv(wire.FRAME_SIZE):
            pass
    except BlockingIOError:
        return
