"""Acts of the traffic: the host's states, its silence and return, and a bus that damages frames."""

from __future__ import annotations

import random
from typing import Final

from firmware_bridge.table import STATES
from tests.assurance.reference import HOST_ID, HOST_TIMEOUT_US, LIVE, NAMES, RELEASE_US, SETPOINT_IDS, TORQUE, ZERO
from tests.assurance.reference_e2e import crc, protected
from tests.assurance.tape import Recorder
from tests.assurance.traffic import COUNT, NEAR, Traffic

LIVE_CODES: Final = tuple(STATES[name] for name in LIVE)


def states_of_host(t: Traffic) -> None:
    """Any host state, mux and payload."""
    rng = t.rng
    t.climb(rng.choice((0, 30, -30)))
    for _ in range(rng.randint(1, 4)):
        mux = rng.choice((0, 1, 2, 3, 4, 9, 15))
        value = t.hash(mux) ^ (rng.choice((0, 0, 0, 1, 1 << 31, 0xFFFF0000)))
        t.host(rng.choice((*NAMES, *LIVE_CODES, *LIVE_CODES, 7, 15)), mux, value, rng.choice((0, 0, 255, 254)))
        t.all(0, mode=rng.choice((0, 1, 2)))
        t.step()
    t.host_state = rng.choice(("ARMED", "READY", "DEGRADED", "ENGAGED", "OFF", "IDLE"))
    t.hold(5)


def broken(t: Traffic) -> None:
    """Frames that are damaged, lost, repeated, short or foreign."""
    rng = t.rng
    can_id = rng.choice((*SETPOINT_IDS, HOST_ID))
    for _ in range(rng.randint(1, 7)):
        t.keep_host()
        count = t.sent.get(can_id, 0)
        good = protected(t.body(0) if can_id != HOST_ID else b"\x03\0\0\0\0\0", can_id, count)
        kind = rng.choice(("flip", "flip", "short", "fifteen", "repeat", "gap", "foreign", "nibble"))
        if kind == "flip":
            word = int.from_bytes(good, "little") ^ (1 << rng.randrange(64)) ^ (1 << rng.randrange(64))
            t.tape.frame(can_id, word.to_bytes(8, "little"), t.now_us)
        elif kind == "short":
            t.tape.frame(can_id, good[: rng.randrange(8)], t.now_us)
        elif kind == "fifteen":
            t.tape.frame(can_id, resealed(good[:1] + bytes([good[1] | 15]) + good[2:], can_id), t.now_us)
        elif kind == "nibble":
            t.tape.frame(can_id, resealed(good[:1] + bytes([good[1] ^ 0x10]) + good[2:], can_id), t.now_us)
        elif kind == "foreign":
            t.tape.frame(rng.choice((0, 0x0FF, 0x102, 0x180, 0x200, 0x7FF, can_id | 1 << 31)), good, t.now_us)
        else:
            t.sent[can_id] = count + (-1 if kind == "repeat" else rng.choice((1, 4, 5, 6, 14)))
            if can_id != HOST_ID:
                t.setpoint(SETPOINT_IDS.index(can_id), t.edge(SETPOINT_IDS.index(can_id), rng.choice((-1, 1))))
            t.step()
            t.hold(rng.choice((0, 1)))
            continue
        if rng.random() < 0.5:
            t.hold(1)
    t.hold(2)


def silence(t: Traffic) -> None:
    """No HOST_STATE for as long as allowed."""
    t.host_due_us = 1 << 62
    end_us = t.governor.host_heard_us + HOST_TIMEOUT_US + t.rng.choice(NEAR)
    while t.now_us < end_us:
        t.hold(1, dt_us=min(20_000, end_us - t.now_us))
    t.host_due_us = 0
    t.hold(2)


def disarm(t: Traffic) -> None:
    """The host's state falls while torque, or its mode alone, goes on."""
    rng = t.rng
    if rng.random() < 0.3:
        t.climb(0)
        t.hold(3)
    t.host_state, t.host_due_us = rng.choice(("OFF", "IDLE", "READY")), 0
    modes = {} if rng.random() < 0.7 else {"mode": rng.choice((0, 1))}
    if modes:
        t.climb(0)
    t.hold(1, **modes)
    end_us = t.now_us + RELEASE_US + rng.choice(NEAR)
    while t.now_us < end_us and t.governor.live:
        t.hold(1, dt_us=min(19_000, end_us - t.now_us), **modes)
        if rng.random() < 0.02:
            t.host_state, t.host_due_us = "ENGAGED", 0
    t.hold(2, **modes)


def outliving(t: Traffic) -> None:
    """Torque goes on after the host disarmed, with a pause in its mode while it falls."""
    t.climb(72)
    t.host_state, t.host_due_us = "READY", 0
    t.hold(90)
    if t.rng.random() < 0.3:  # and its lease runs out in the same step
        t.step(20_001)
    t.all(0, mode=ZERO)
    t.step(100)
    t.hold(6, mode=TORQUE)
    if t.rng.random() < 0.5:
        t.hold(6 + t.rng.choice(NEAR), mode=TORQUE)
    else:
        t.step(20_001)


def early(t: Traffic) -> None:
    """Requests to a governor that is not armed."""
    rng = t.rng
    t.boot()
    joint = rng.randrange(COUNT)
    kind = rng.choice(("armed host", "torque", "no lease", "sensor", "hash", "missing", "one", "timeout", "off"))
    if kind in ("hash", "missing", "off"):
        t.tape.init([2000] * COUNT)
        t.sent.clear()
        if kind == "off":
            t.see(joint, valid=0)
        t.step()
        for mux in (1, 2, 3):
            if kind == "hash" or mux != rng.choice((1, 2, 3)):
                t.host(STATES[rng.choice(("READY", "ARMED", "IDLE"))], mux, t.hash(mux) ^ rng.choice((0, 1)))
        t.step()
    if kind == "torque":
        t.setpoint(joint, rng.choice((0, 5)), mode=TORQUE)
    if kind == "sensor":
        t.see(joint, valid=0)
    if kind == "timeout":
        t.step(HOST_TIMEOUT_US + rng.choice(NEAR) - 1000)
    for state in ("ARMED", "ENGAGED", "READY", "ARMED"):
        t.host(STATES[state], rng.choice((0, 1)), t.hash(0) if rng.random() < 0.1 else 0)
        for one in range(COUNT):
            if kind != "one" or one != joint:
                t.setpoint(one, 0, mode=rng.choice((ZERO, ZERO, 0)), lease=0 if kind == "no lease" else 20)
        t.step(rng.choice((1, 1000, 20_000, 20_001)))
    for _ in range(2):
        t.arm()


def waiting(t: Traffic) -> None:
    """READY and IDLE: any mode, requests to clear, a host that comes and goes."""
    rng = t.rng
    t.boot()
    t.host(STATES["READY"], 0, 0)
    t.step()
    for _ in range(rng.choice((0, 6))):
        t.setpoint(0, 0, mode=ZERO, ahead=400)
        t.step(rng.choice((1, 1000)))
    for _ in range(6):
        t.now_us += rng.choice((0, 600_000)) if rng.random() < 0.2 else 0
        t.host(STATES[rng.choice(("READY", "READY", "IDLE", "ARMED", "SAFE", "DEGRADED"))], 0, 0, rng.choice((0, 255)))
        t.setpoint(rng.randrange(COUNT), rng.choice((0, 0, 0, 1)), mode=rng.choice((0, 1, 1, 2, 3, 4)))
        t.step(rng.choice((1, 1000)))


def stale(t: Traffic) -> None:
    """Back to READY, then the host arms at once without a new setpoint, or with one; or released in no time."""
    rng = t.rng
    t.climb(0)
    t.host_state, t.host_due_us = "READY", 0
    for _ in range(9):
        t.hold(1, mode=ZERO, dt_us=rng.choice((1, 1000)))
        if t.governor.state == "READY":
            break
    t.host_state, t.host_due_us = "ARMED", 0
    t.keep_host()
    t.step(rng.choice((0, 1, 1000)))
    if rng.random() < 0.5:
        t.setpoint(rng.randrange(COUNT), 0, mode=ZERO)
    t.step(0)
    t.all(0, mode=ZERO)
    t.step(0)
    t.all(0, mode=0)
    t.step(0)
    t.arm()


def returning(t: Traffic) -> None:
    """A host with a wrong hash falls silent and comes back."""
    rng = t.rng
    t.boot()
    mux = rng.choice((1, 2, 3))
    t.host(STATES["READY"], mux, t.hash(mux) ^ 1)
    t.step()
    t.step(HOST_TIMEOUT_US + rng.choice(NEAR) - 1000)
    t.step()
    for other in rng.sample((1, 2, 3), rng.choice((2, 3))):
        t.host(STATES["READY"], other, t.hash(other))
        t.step()


def untold(t: Traffic) -> None:
    """Steps after which nothing is sent: a change is told with the next frames."""
    rng = t.rng
    t.climb(0)
    t.hold(4)
    t.all(0, mode=rng.choice((3, ZERO, ZERO, 9)))
    for _ in range(rng.randint(1, 3)):
        t.now_us += 1000
        t.torque = t.tape.untold_step(t.sensors, t.now_us)
    t.step()


def backwards(t: Traffic) -> None:
    """Steps of no time, and more than the drive may catch up."""
    t.climb(t.rng.choice((300, -300, 0)))
    for _ in range(40):
        t.keep_host()
        t.all(0 if abs(t.torque[0]) < 50 else t.torque[0])
        t.step(0)
    for dt_us in (0, 1, 0, t.rng.choice((1999, 2000, 2001, 20_000)), 0):
        t.keep_host()
        t.all(t.governor.joints[0].window.parts[-1][3] * 0)
        t.step(dt_us)


def telling(t: Traffic) -> None:
    """Long enough for every payload to be told, with counters that wrap."""
    for _ in range(t.rng.choice((3, 270))):
        broken_id = t.rng.choice(SETPOINT_IDS)
        t.tape.frame(broken_id, bytes(8), t.now_us)
        t.setpoint(0, 0, mode=ZERO, ahead=t.rng.choice((400, 0)))
        t.sent[SETPOINT_IDS[1]] += t.rng.choice((0, 0, 0, 7))
        t.host(9, 0, 0) if t.rng.random() < 0.3 else t.keep_host()
        t.hold(1, dt_us=t.rng.choice((1000, 4000)))
    for _ in range(110):
        t.hold(1, dt_us=t.rng.choice((1000, 19_999, 20_000)))


def receive(recorder: Recorder, rng: random.Random) -> None:
    """Frames for an E2E receiver alone: every delta of the counter, damage, and runs long enough to saturate."""
    recorder.fresh_receiver()
    sent = rng.randrange(15)
    for _ in range(rng.choice((20, 20, 300))):
        can_id = 0x100
        data = protected(bytes(6), can_id, sent)
        kind = rng.random()
        if kind < 0.2:
            data = data[:-1] + b"\1"
        elif kind < 0.3:
            data = resealed(data[:1] + bytes([data[1] | 15]) + data[2:], can_id)
        elif kind < 0.8:
            sent += rng.choice((0, 1, 1, 1, 2, 5, 6, 14, 15))
        recorder.check(can_id, data)
    for _ in range(300 if rng.random() < 0.1 else 0):
        recorder.check(0x100, bytes(8))


def resealed(data: bytes, can_id: int) -> bytes:
    """A frame whose CRC is right again."""
    return bytes([crc(data, can_id)]) + data[1:]
