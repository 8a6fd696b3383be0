"""Acts of the traffic: one setpoint, or a few, at the edge of what is legal by itself or after those before it."""

from __future__ import annotations

from firmware_bridge.table import STATES
from tests.assurance.reference import TORQUE, ZERO
from tests.assurance.traffic import COUNT, NEAR, STEPS_US, Traffic


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
