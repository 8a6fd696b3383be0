"""Acts of the traffic: the wearer and the drive at the edge, and what SAFE does then."""

from __future__ import annotations

from firmware_bridge.table import STATES
from tests.assurance.reference import RAMP_US
from tests.assurance.traffic import COUNT, NEAR, Traffic


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


def stops(t: Traffic) -> None:
    """Hardly any torque, just past a soft stop."""
    rng = t.rng
    joint = rng.randrange(COUNT)
    limits = t.governor.joints[joint].limits
    t.climb(0)
    t.climb(rng.choice((-1, 0, 1)))
    t.see(joint, position=rng.choice((limits.highest, limits.lowest)) + rng.choice((-1, 1)))
    t.hold(63)


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
