"""Traffic for the governor, dense at its boundaries: orderly walking, then one thing at the edge of what is legal.

It looks into the reference to find where the edges are; whatever it sends, the reference says what must come out.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

from firmware_bridge.table import GOVERNOR_REASONS, JOINTS, STATES
from tests.assurance.reference import (
    CLEAR_US,
    CLEAR_VELOCITY,
    HOST_ID,
    HOST_TIMEOUT_US,
    RAMP_US,
    SETPOINT_IDS,
    TORQUE,
    ZERO,
    Reference,
)
from tests.assurance.reference_e2e import protected
from tests.assurance.reference_joint import Sensors, change_fault
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
        self.acts: Sequence[Callable[[Traffic], None]] = ()  # what may follow a granted clear

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
            (act if self.rng.random() < 0.6 else self.rng.choice(self.acts))(self)

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
