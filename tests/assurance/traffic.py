"""Traffic for the governor, dense at its boundaries: orderly walking, then one thing at the edge of what is legal.

It looks into the reference to find where the edges are; whatever it sends, the reference says what must come out.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from firmware_bridge.table import GOVERNOR_REASONS, JOINTS, MODES, MUX, STATES
from tests.assurance.reference import (
    CLEAR_US,
    CLEAR_VELOCITY,
    HOST_ID,
    HOST_TIMEOUT_US,
    LIVE,
    NAMES,
    RAMP_US,
    RELEASE_US,
    SETPOINT_IDS,
    TORQUE,
    ZERO,
    Reference,
    Sensors,
    change_fault,
)
from tests.assurance.reference_e2e import protected
from tests.assurance.tape import Recorder

COUNT: Final = len(JOINTS)
NEAR: Final = (-1, 0, 0, 1)
STEPS_US: Final = (1000,) * 10 + (1, 300, 999, 1001, 1700, 1999, 2000, 2001, 5000)
CALM: Final[Sensors] = (3000, 0, 0, 1)


class Traffic:
    """A host, a bus and two knees around one recorded governor."""

    def __init__(self, recorder: Recorder, seed: int) -> None:
        self.tape = recorder
        self.rng = random.Random(seed)
        self.now_us = 0
        self.sent: dict[int, int] = {}
        self.sensors: list[Sensors] = [CALM] * COUNT
        self.follows = True
        self.host_state = "READY"
        self.host_due_us = 0
        self.host_mux = 0
        self.torque = [0] * COUNT
        self.pace = 1

    @property
    def governor(self) -> Reference:
        """The reference, to find its edges."""
        return self.tape.reference

    # what a host sends

    def send(self, can_id: int, body: bytes) -> None:
        """One protected frame with the next counter."""
        count = self.sent.get(can_id, 0)
        self.sent[can_id] = count + 1
        self.tape.frame(can_id, protected(body, can_id, count), self.now_us)

    def body(self, cnm: int, mode: int = TORQUE, lease: int = 20, age: int = 17, ahead: int = 0) -> bytes:
        """Six payload bytes of a setpoint."""
        word = (self.now_us // 100 + ahead) & 0xFFF | mode << 12
        return cnm.to_bytes(2, "little", signed=True) + bytes([lease, age]) + word.to_bytes(2, "little")

    def setpoint(self, joint: int, cnm: int, **fields: int) -> None:
        """One setpoint."""
        self.send(SETPOINT_IDS[joint], self.body(cnm, **fields))

    def host(self, state: int, mux: int, value: int, reason: int = 0) -> None:
        """One HOST_STATE."""
        self.send(HOST_ID, bytes([state | mux << 4, reason]) + value.to_bytes(4, "little"))

    def hash(self, mux: int) -> int:
        """Payload of a good host."""
        return self.governor.hashes[mux - 1] if 1 <= mux <= 3 else self.now_us // 100 & 0xFFFFFFFF

    def keep_host(self) -> None:
        """HOST_STATE every 20 ms, payloads in turn."""
        if self.now_us >= self.host_due_us:
            self.host(STATES[self.host_state], self.host_mux, self.hash(self.host_mux))
            self.host_mux = (self.host_mux + 1) % 4
            self.host_due_us = self.now_us + 20_000

    def step(self, dt_us: int = 1000) -> None:
        """Time passes; the torque sensors follow unless told otherwise."""
        self.now_us += dt_us
        if self.follows:
            self.sensors = [(p, v, c, ok) for (p, v, _, ok), c in zip(self.sensors, self.torque, strict=True)]
        self.torque = self.tape.step(self.sensors, self.now_us)

    def see(self, joint: int, **seen: int) -> None:
        """Change one joint's sensors: position, velocity, torque, valid."""
        old = self.sensors[joint]
        names = ("position", "velocity", "torque", "valid")
        new = [seen.get(name, value) for name, value in zip(names, old, strict=True)]
        self.sensors[joint] = (new[0], new[1], new[2], new[3])

    # orderly life

    def boot(self) -> None:
        """A new governor, often with a tight profile, up to READY."""
        rng = self.rng
        tight = rng.choice([2000, 2000, 2001, 5000, 1 << 30, 700, 90, 1, 0, -5])
        self.now_us = rng.choice([0, 1_000_000, 409_599_900, rng.randrange(10**10), (1 << 32) * 100 - 50_000])
        self.sent.clear()
        self.sensors, self.follows = [CALM] * COUNT, True
        self.torque = [0] * COUNT
        if rng.random() < 0.1:
            self.tape.init(None, rng.getrandbits(32))
        else:
            self.tape.init([tight, rng.choice([tight, 2000])])
        self.host_state, self.host_due_us = "READY", self.now_us
        self.step()
        for mux in (1, 2, 3):
            self.host(STATES["READY"], mux, self.hash(mux))
        self.step()

    def arm(self) -> None:
        """From READY to ARMED."""
        for state in ("READY", "ARMED"):
            self.host_state, self.host_due_us = state, 0
            self.keep_host()
            self.all(0, mode=ZERO)
            self.step()
        self.host_state, self.host_due_us = "ENGAGED", 0

    def all(self, cnm: int, **fields: int) -> None:
        """The same setpoint on all joints."""
        for joint in range(COUNT):
            self.setpoint(joint, cnm, **fields)

    def edge(self, joint: int, upward: int, ahead: int = 0) -> int:
        """The last legal setpoint in a direction, found by bisection."""
        own = self.governor.joints[joint]
        at_us = max((self.now_us // 100 + ahead) * 100, 0)
        low, high = own.reference // 1_000_000, upward * own.limits.torque
        if change_fault(own, low, at_us):
            return low
        while abs(high - low) > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if change_fault(own, middle, at_us) else (middle, high)
        return high if not change_fault(own, high, at_us) else low

    def hold(self, steps: int, dt_us: int = 1000, **fields: int) -> None:
        """Go on with the present setpoints."""
        for _ in range(steps):
            self.keep_host()
            for joint, own in enumerate(self.governor.joints):
                self.setpoint(joint, own.window.parts[-1][3], **fields)
            self.step(dt_us)

    def walk(self, steps: int) -> None:
        """Random ways inside the limits, some at their very edge, stamps and periods vary."""
        rng = self.rng
        upward = [rng.choice((-1, 1)) for _ in range(COUNT)]
        for _ in range(steps):
            self.keep_host()
            for joint in range(COUNT):
                if rng.random() < 0.05:
                    upward[joint] *= -1
                ahead = rng.choice((0, 0, 0, 0, 50, -100, rng.randint(-100, 50)))
                if rng.random() < 0.7 * self.pace:
                    self.setpoint(joint, self.edge(joint, upward[joint], ahead), ahead=ahead)
            self.step(rng.choice(STEPS_US))

    def climb(self, cnm: int) -> None:
        """Toward a torque on all joints, in strides of 10 ms and with rests for the window."""
        for _ in range(60):
            if all(own.window.parts[-1][3] == cnm for own in self.governor.joints):
                break
            self.keep_host()
            for joint in range(COUNT):
                far = self.edge(joint, 1 if cnm > 0 else -1)
                self.setpoint(joint, min(far, cnm) if cnm > 0 else max(far, cnm))
            for _ in range(5):
                self.step(2000)

    def episode(self, act: Callable[[Traffic], None]) -> None:
        """Boot, arm, walk or climb, act, and see what follows."""
        rng = self.rng
        self.boot()
        self.arm()
        self.pace = rng.choice((1, 1, 0))
        start = rng.random()
        if start < 0.5:
            self.climb(rng.choice((-1, 1)) * rng.choice((30, 300, 300, 1000, 2000)))
        elif start < 0.8:
            self.walk(rng.randint(0, 40))
        self.pace = 1
        act(self)
        if self.governor.live:
            self.hold(rng.randint(0, 8))
        elif rng.random() < 0.5:
            self.after_safe()
            self.again(act)

    def again(self, act: Callable[[Traffic], None]) -> None:
        """Where the request to clear was granted: arm and do the same, or another thing; nothing of before may show."""
        if self.governor.state in ("IDLE", "READY"):
            for joint in range(COUNT):
                self.see(joint, position=3000, velocity=0, valid=1)
            self.follows = True
            self.arm()
            if self.rng.random() < 0.5:
                self.climb(self.rng.choice((-1500, 1500, 300)))
            (act if self.rng.random() < 0.6 else self.rng.choice(ACTS))(self)

    def good_clear(self) -> None:
        """From SAFE to ARMED by the book."""
        if self.governor.state != "SAFE":
            return
        self.step(max(self.governor.safe_since_us + CLEAR_US - self.now_us, 1000))
        for mux in (1, 2, 3):
            self.host(STATES["READY"], mux, self.hash(mux))
        self.host(STATES["READY"], 0, 0, GOVERNOR_REASONS["clear_request"])
        self.step()
        self.arm()

    def after_safe(self) -> None:
        """The ramp, the damping, and a request to clear with one thing perhaps wrong."""
        rng = self.rng
        for joint in range(COUNT):
            self.see(joint, velocity=rng.choice((0, 400, -400, 382, 381, 383, 3000, -3000, 1, -1)))
        left_us = self.governor.safe_since_us + RAMP_US - self.now_us
        self.step(max(left_us + rng.choice(NEAR), 0))
        for _ in range(rng.randint(1, 8)):
            self.step(rng.choice(STEPS_US))
        self.clear()

    def clear(self) -> None:
        """Release the request, then ask, around the moment from which it is allowed."""
        rng = self.rng
        wrong = rng.choice(
            (None, None, "velocity", "sensor", "hash", "missing", "host", "torque", "unreleased", "late")
        )
        for joint in range(COUNT):
            self.see(joint, velocity=rng.choice((CLEAR_VELOCITY, -CLEAR_VELOCITY, 0)), valid=1)
        state = "SAFE" if wrong == "host" else rng.choice(("READY", "ARMED", "IDLE"))
        self.now_us = max(self.governor.safe_since_us + CLEAR_US - 10_000, self.now_us)
        request = GOVERNOR_REASONS["clear_request"]
        for mux in (0, 1, 2, 3):
            if not (wrong == "missing" and mux == 2):
                self.host(
                    STATES[state],
                    mux,
                    self.hash(mux) ^ (wrong == "hash" and mux == 1),
                    request * (wrong == "unreleased"),
                )
        self.host(STATES[state], 0, 0, request)
        victim = rng.randrange(COUNT)
        if wrong == "velocity":
            self.see(victim, velocity=rng.choice((-1, 1)) * (CLEAR_VELOCITY + 1))
        if wrong == "sensor":
            self.see(victim, valid=0)
        mode = TORQUE if wrong == "torque" else rng.choice((ZERO, 0, 9))
        self.setpoint(victim, 0, mode=mode, lease=20)
        self.step(max(self.governor.safe_since_us + CLEAR_US - self.now_us + rng.choice((-1, 0)), 0))
        self.step(HOST_TIMEOUT_US if wrong == "late" else 1)
        for _ in range(3):
            self.host_due_us = 0
            self.keep_host()
            self.all(0, mode=ZERO)
            self.step()


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


LIVE_CODES: Final = tuple(STATES[name] for name in LIVE)


def change(t: Traffic) -> None:
    """A setpoint at the last legal value, or one wire step beyond."""
    rng = t.rng
    joint, upward = rng.randrange(COUNT), rng.choice((-1, 1))
    for _ in range(rng.choice((0, 0, 1, 3))):
        t.keep_host()
        t.setpoint(1 - joint, t.edge(1 - joint, upward))
        t.step(rng.choice(STEPS_US))
    ahead = rng.choice((0, 0, 50, -100, 20))
    value = t.edge(joint, upward, ahead) + upward * rng.choice(NEAR)
    t.setpoint(joint, max(-32768, min(32767, value)), ahead=ahead)
    t.step()


def window(t: Traffic) -> None:
    """Up to the window's limit, rest for nearly its length, then further."""
    rng = t.rng
    upward = rng.choice((-1, 1))
    t.climb(upward * rng.choice((1500, 1400, 700)))
    t.hold(rng.randint(0, 14), dt_us=rng.choice((19_000, 20_000, 17_300)))
    for _ in range(rng.randint(1, 40)):
        t.keep_host()
        for joint in range(COUNT):
            t.setpoint(joint, t.edge(joint, upward))
        t.step(rng.choice((1000, 2000, 9000, 10_000)))
    change(t)
    if rng.random() < 0.5:
        t.climb(-upward * rng.choice((0, 300, 1500)))
        change(t)


def age(t: Traffic) -> None:
    """Ages around the fade, torque around what they allow."""
    rng = t.rng
    joint = rng.randrange(COUNT)
    years = rng.choice((0, 53, 54, 55, 56, 60, 72, 88, 89, 90, 91, 255))
    own = t.governor.joints[joint]
    allowed = own.limits.torque * min(max(90 - years, 0), 36) // 36
    goal = rng.choice((-1, 1)) * (allowed + rng.choice(NEAR))
    t.climb(goal)
    t.setpoint(joint, goal, age=years)
    t.step()


def form(t: Traffic) -> None:
    """Mode, lease and torque limit by themselves."""
    rng = t.rng
    joint = rng.randrange(COUNT)
    own = t.governor.joints[joint]
    kind = rng.choice(("mode", "lease", "torque", "zero"))
    if kind == "mode":
        mode = rng.choice((0, 1, 3, 4, 4, 5, 15))
        t.setpoint(joint, rng.choice((0, 0, 1)), mode=mode, ahead=rng.choice((0, 0, 0, 2000)))
    elif kind == "lease":
        t.setpoint(joint, own.window.parts[-1][3], lease=rng.choice((0, 1, 19, 20, 21, 255)))
    elif kind == "torque":
        t.climb(rng.choice((-1, 1)) * (own.limits.torque + rng.choice(NEAR)))
    else:
        t.climb(0)
        t.hold(4)
        t.setpoint(joint, rng.choice((0, 1)), mode=rng.choice((0, 1)))
    t.step()


def lease(t: Traffic) -> None:
    """Silence on one joint up to the end of its lease."""
    rng = t.rng
    joint, ms = rng.randrange(COUNT), rng.choice((1, 5, 20))
    value = [own.window.parts[-1][3] for own in t.governor.joints]
    t.keep_host()
    t.setpoint(joint, value[joint], lease=ms)
    t.setpoint(1 - joint, value[1 - joint])
    end_us = t.now_us + ms * 1000 + rng.choice(NEAR)
    while t.now_us < end_us:
        t.step(min(5000, end_us - t.now_us))
        if rng.random() < 0.7:
            t.setpoint(1 - joint, value[1 - joint])
    t.setpoint(joint, value[joint])
    t.step(rng.choice((0, 1, 1000)))


def stamps(t: Traffic) -> None:
    """Stamps at the edge of their range, several before a step, and queues that fill."""
    rng = t.rng
    joint = rng.randrange(COUNT)
    for _ in range(rng.randint(1, 6)):
        t.keep_host()
        for _ in range(rng.choice((1, 1, 2, 9, 10))):
            ahead = rng.choice((50, 51, -100, -101, 400, -2048, 2047, 1000, 49))
            t.setpoint(joint, t.governor.joints[joint].window.parts[-1][3], ahead=ahead)
        t.setpoint(1 - joint, t.governor.joints[1 - joint].window.parts[-1][3], ahead=rng.choice((0, 51)))
        t.step(rng.choice((1000, 100, 5000)))


def queue(t: Traffic) -> None:
    """Setpoints that wait for their moment: up to eight, played in order."""
    rng = t.rng
    joint = rng.randrange(COUNT)
    ahead = rng.choice((50, 30, 11, 10))
    for _ in range(rng.choice((3, 7, 8, 9, 10))):
        t.keep_host()
        t.setpoint(joint, t.edge(joint, rng.choice((-1, 1)), ahead), ahead=ahead)
        t.setpoint(1 - joint, 0 if not t.torque[1 - joint] else t.edge(1 - joint, 1))
        if rng.random() < 0.5:
            t.step(rng.choice((100, 400, 1000)))
    mode = rng.choice((TORQUE, ZERO, 0))
    for _ in range(8):
        t.keep_host()
        t.all(0, mode=mode) if mode != TORQUE else t.step(300)
        t.step(rng.choice((500, 1000)))


def knees(t: Traffic) -> None:
    """One joint's sensors at an edge, for about as long as the patience lasts."""
    rng = t.rng
    joint = rng.randrange(COUNT)
    own, sign = t.governor.joints[joint], rng.choice((-1, 1))
    if rng.random() < 0.3:
        t.climb(sign * rng.choice((1, 2, 494, 494)))  # 494 x 6959 is the limit of power to the digit
        t.hold(4)
    torque = t.torque[joint]
    kind = rng.choice(("power", "position", "velocity", "tracking", "valid", "power", "position"))
    if kind == "power" and torque:
        most = int(own.limits.power_raw) // abs(torque)
        t.see(joint, velocity=max(-32768, min(32767, sign * (most + rng.choice(NEAR)))))
    elif kind == "position":
        limit = own.limits.highest if sign > 0 else own.limits.lowest
        t.see(joint, position=limit + rng.choice(NEAR))
    elif kind == "velocity":
        t.see(joint, velocity=sign * (own.limits.velocity + rng.choice(NEAR)))
    elif kind == "tracking":
        t.follows = False
        t.see(joint, torque=torque + sign * (own.limits.tracking + rng.choice(NEAR)))
    elif kind == "valid":
        t.see(joint, valid=0, velocity=3000)
    yields = kind in ("power", "position")
    patience_us = (own.limits.yield_us if yields else own.limits.persist_us) + rng.choice(NEAR)
    t.hold(1, dt_us=1000)
    if rng.random() < 0.3:
        t.see(joint, velocity=0, position=3000)
        t.follows = True
        t.hold(2)
    for _ in range(4):
        t.hold(1, dt_us=patience_us // 4 + (patience_us % 4 if _ == 3 else 0))
    t.hold(2)


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


def resealed(data: bytes, can_id: int) -> bytes:
    """A frame whose CRC is right again."""
    from tests.assurance.reference_e2e import crc

    return bytes([crc(data, can_id)]) + data[1:]


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


def against(t: Traffic) -> None:
    """The wearer moves against the torque, at the thresholds, for about as long as allowed, with pauses."""
    rng = t.rng
    joint = rng.randrange(COUNT)
    own = t.governor.joints[joint]
    upward = rng.choice((-1, 1))
    t.climb(0)
    t.climb(upward * (own.limits.opposing + rng.choice((0, 1, 100, 1))))
    fast = -upward * (own.limits.opposing_velocity + rng.choice((0, 1, 100, 1)))
    t.see(joint, velocity=fast)
    end_us = t.now_us + own.limits.opposing_us + rng.choice((-40_000, 0, 40_000))
    while t.now_us < end_us and t.governor.live:
        if rng.random() < 0.05:
            t.see(joint, velocity=rng.choice((0, -fast)))
            t.hold(rng.randint(1, 3))
            t.see(joint, velocity=fast)
        left_us = own.limits.opposing_us - own.opposed_us
        t.hold(1, dt_us=left_us + rng.choice(NEAR) if 2 < left_us < 2000 else 2000)


def heat(t: Traffic) -> None:
    """More torque than the drive can give for ever, until it is too hot; then the heat stays through SAFE."""
    t.tape.init([2000] * COUNT)
    t.sent.clear()
    t.now_us += 1
    t.step()
    for mux in (1, 2, 3):
        t.host(STATES["READY"], mux, t.hash(mux))
    t.arm()
    goal = t.rng.choice((-2000, 2000, 1900))
    t.climb(goal)
    t.climb(goal)
    own = t.governor.joints[t.rng.randrange(COUNT)]
    while t.governor.live:
        values = [each.window.parts[-1][3] for each in t.governor.joints]
        t.keep_host()
        for joint in range(COUNT):
            t.setpoint(joint, values[joint])
        near = own.limits.i2t**2 - own.heat // own.limits.i2t_us < 100
        for _ in range(1 if near else 8):
            t.step(t.rng.choice((1, 7, 100)) if near else 2000)
    t.after_safe()
    t.arm()
    t.climb(goal)


def playing(t: Traffic) -> None:
    """Small torques wait in the queue while the mode already ends: nothing stops before they have played."""
    rng = t.rng
    joint, mode = rng.randrange(COUNT), rng.choice((ZERO, 0))
    t.climb(0)
    t.hold(4)
    values = rng.sample((2, 4, 6, 8, -3, 10), rng.choice((1, 1, 2)))
    for value in (0, 0, 0, *values, *rng.choice(((), (0,))))[rng.randint(0, 3) :]:
        t.keep_host()
        t.setpoint(joint, value, ahead=43)
        t.setpoint(1 - joint, 0, ahead=43)
        t.step()
    if rng.random() < 0.3:
        t.host_state, t.host_due_us = "READY", 0
    between_us = rng.choice((0, 500))  # frames that come between two steps find a setpoint due
    for _ in range(9):
        t.now_us += between_us
        t.keep_host()
        t.all(0, mode=mode, ahead=38)
        t.step(1000 - between_us)
    t.host(STATES["ARMED"], 0, 0)
    t.step()


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


def landing(t: Traffic) -> None:
    """Down to zero within the jitter's tolerance, the mode ending at once; or one step through zero."""
    rng = t.rng
    sign = rng.choice((-1, 1))
    t.climb(0)
    t.climb(sign * 72)
    t.hold(6)
    ending = rng.choice((0, 0, -sign, -sign, sign))
    t.all(ending, mode=TORQUE if ending else rng.choice((ZERO, 0)))
    for _ in range(3):
        t.step(rng.choice((100, 1000)))
    t.hold(2, mode=ZERO)


def peak(t: Traffic) -> None:
    """A peak inside one stretch of the window, then to the other side as far as it allows."""
    rng = t.rng
    sign = rng.choice((-1, 1))
    t.climb(sign * 1000)
    t.hold(14, dt_us=19_000)
    t.step(10_000 - t.now_us % 10_000)
    for value in (1014, 1028, 1042, 1010, 1000):
        t.keep_host()
        t.all(sign * value)
        t.step(1000)
    for _ in range(60):
        t.keep_host()
        for joint in range(COUNT):
            t.setpoint(joint, t.edge(joint, -sign))
        t.step(rng.choice((1000, 2000)))
    joint = rng.randrange(COUNT)
    t.setpoint(joint, t.edge(joint, -sign) - sign)
    t.step()


def stops(t: Traffic) -> None:
    """Hardly any torque, just past a soft stop."""
    rng = t.rng
    joint = rng.randrange(COUNT)
    limits = t.governor.joints[joint].limits
    t.climb(0)
    t.climb(rng.choice((-1, 0, 1)))
    t.see(joint, position=rng.choice((limits.highest, limits.lowest)) + rng.choice((-1, 1)))
    t.hold(63)


def dropping(t: Traffic) -> None:
    """Wrong stamps in several steps running, more than one before a step."""
    rng = t.rng
    joint = rng.randrange(COUNT)
    for _ in range(rng.choice((4, 5, 6))):
        t.keep_host()
        for _ in range(rng.choice((1, 2, 5))):
            t.setpoint(joint, 0, ahead=rng.choice((51, 400, -101)))
        t.setpoint(1 - joint, t.governor.joints[1 - joint].window.parts[-1][3])
        t.step(rng.choice((100, 1000)))
    t.hold(1)


def lapse(t: Traffic) -> None:
    """A lease that runs out between two steps; and one of a joint that was released."""
    rng = t.rng
    joint = rng.randrange(COUNT)
    if rng.random() < 0.4:
        t.climb(0)
        t.hold(3)
        t.setpoint(joint, 0, mode=0, lease=5)
        t.step()
        for _ in range(8):
            t.keep_host()
            t.setpoint(1 - joint, 0, mode=rng.choice((ZERO, TORQUE)))
            t.step()
    t.keep_host()
    t.setpoint(joint, t.governor.joints[joint].window.parts[-1][3])
    t.now_us = t.now_us + 20_000 + rng.choice(NEAR)
    t.setpoint(joint, t.governor.joints[joint].window.parts[-1][3])
    t.step(0)


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


def returning_fast(t: Traffic) -> None:
    """Too fast until SAFE; cleared, armed, and at once too fast again: patience begins anew."""
    joint = t.rng.randrange(COUNT)
    fast = t.governor.joints[joint].limits.velocity + 1
    for _ in range(2):
        t.see(joint, velocity=fast)
        t.hold(22)
        t.see(joint, velocity=0)
        t.good_clear()
    t.step()


def ramping(t: Traffic) -> None:
    """The ramp of SAFE at any microsecond, then the damping for long enough to reach its bound."""
    rng = t.rng
    t.climb(rng.choice((-1, 1)) * rng.choice((1999, 1777, 1000, 333)))
    t.setpoint(0, 0, mode=3)
    for _ in range(150):
        t.step(rng.randint(1, 600))
    for joint in range(COUNT):
        t.see(joint, velocity=rng.choice((-1, 1)) * rng.choice((3800, 3820, 3830, 9000, rng.randint(0, 4000))))
    for number in range(20):
        if number == 15 and rng.random() < 0.5:
            t.see(0, valid=0)
        t.step(2000)
    t.see(0, valid=1)
    middle = rng.choice((-1, 1)) * rng.randint(800, 3500)
    for _ in range(20):
        for joint in range(COUNT):
            t.see(joint, velocity=middle + rng.randint(-280, 280))
        t.step(2000)
        t.step(2000)
    if rng.random() < 0.5:
        t.good_clear()


def limp(t: Traffic) -> None:
    """The drive does not follow, or a sensor is lost: after the ramp there is no damping."""
    rng = t.rng
    joint = rng.randrange(COUNT)
    t.follows = False
    if rng.random() < 0.7:
        t.see(joint, torque=t.torque[joint] + 501)
    else:
        t.see(joint, valid=0)
    t.hold(22)
    t.see(joint, velocity=3000, valid=1)
    t.step(RAMP_US)
    for _ in range(4):
        t.step(2000)


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


ACTS: Final[tuple[Callable[[Traffic], None], ...]] = (
    change,
    change,
    window,
    age,
    form,
    lease,
    stamps,
    queue,
    knees,
    knees,
    broken,
    silence,
    disarm,
    early,
    backwards,
    against,
    playing,
    playing,
    stale,
    landing,
    peak,
    stops,
    stops,
    dropping,
    lapse,
    outliving,
    returning_fast,
    ramping,
    limp,
    waiting,
    untold,
    returning,
    states_of_host,
    telling,
)
HEAT_EVERY: Final = 500  # it takes six seconds of torque
assert MODES["TORQUE"] == TORQUE and MUX["PROTOCOL_HASH"] == 1


def record(seed: int, episodes: int) -> bytes:
    """A tape of so many episodes, the acts in turn."""
    from tests.assurance.rule_cases import record_rules

    recorder = Recorder()
    traffic = Traffic(recorder, seed)
    record_rules(recorder, traffic.rng)
    for number in range(episodes):
        if number % 10 == 0:
            receive(recorder, traffic.rng)
        rare = number % HEAT_EVERY == HEAT_EVERY - 1
        traffic.episode(heat if rare else ACTS[number % len(ACTS)])
    return bytes(recorder.out)
