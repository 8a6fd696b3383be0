"""Reference of the host limiter in plain Python: the rules of docs/limits.md at the host's share, endless history."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

GROWTH_MAX_S: Final = 0.002  # a late cycle grows torque, and forgets time against the wearer, for no longer
EASE_FROM: Final = 0.8  # share of a slow allowance from which torque is let down


@dataclass(frozen=True, slots=True)
class HostLimits:
    """One joint's limits on the host, SI."""

    torque_nm: float
    slew_up_nm_per_s: float
    slew_down_nm_per_s: float
    window_nm: float
    window_ns: int
    power_w: float
    velocity_radps: float
    position_min_rad: float
    position_max_rad: float
    tracking_nm: float
    opposing_nm: float
    opposing_radps: float
    opposing_ns: int
    i2t_nm: float
    i2t_s: float


@dataclass(slots=True)
class HostLimiter:
    """State and rules; `reason` names the rule that changed the torque last."""

    limits: HostLimits
    torque_nm: float = 0.0
    t_ns: int = 0
    reason: str = "none"
    opposed_ns: int = 0
    heat_nm2: float = 0.0
    held: list[tuple[int, float]] = field(default_factory=list)  # until when, torque

    def limit(
        self,
        asked_nm: float,
        withheld: str,
        gain: float,
        position_rad: float,
        velocity_radps: float,
        measured_nm: float,
        now_ns: int,
    ) -> float:
        """One cycle."""
        dt_ns = max(now_ns - self.t_ns, 0) if self.t_ns else 0
        torque = self._asked(asked_nm, withheld, gain)
        torque = self._motion(torque, position_rad, velocity_radps)
        torque = self._lasting(torque, velocity_radps, dt_ns)
        limits = self.limits
        torque = self._near(torque, measured_nm, measured_nm, limits.tracking_nm, "tracking")
        if abs(torque) > limits.torque_nm * gain:
            torque = math.copysign(limits.torque_nm * gain, torque)
            self.reason = "torque" if gain == 1.0 else "age"
        self.held.append((now_ns, self.torque_nm))
        recent = [nm for until_ns, nm in self.held if until_ns >= now_ns - limits.window_ns]
        torque = self._near(torque, min(recent), max(recent), limits.window_nm, "window")
        torque = self._slew(torque, dt_ns * 1e-9)
        self.torque_nm, self.t_ns = torque, now_ns
        return torque

    def _asked(self, asked_nm: float, withheld: str, gain: float) -> float:
        if not math.isfinite(asked_nm) or withheld != "none":
            self.reason = withheld if math.isfinite(asked_nm) else "invalid"
            return 0.0
        self.reason = "age" if gain < 1.0 else "none"
        return asked_nm

    def _motion(self, torque: float, position: float, velocity: float) -> float:
        limits = self.limits
        above, below = position >= limits.position_max_rad, position <= limits.position_min_rad
        if (torque > 0 and above) or (torque < 0 and below):
            self.reason = "soft_stop"
            return 0.0
        drives = torque * velocity > 0
        if drives and not -limits.velocity_radps < velocity < limits.velocity_radps:
            self.reason = "velocity"
            return 0.0
        if abs(torque * velocity) <= limits.power_w:
            return torque
        self.reason = "power"
        return math.copysign(limits.power_w / abs(velocity), torque)

    def _lasting(self, torque: float, velocity: float, dt_ns: int) -> float:
        """Rules that look back: the wearer's resistance and the drive's heat."""
        limits = self.limits
        felt = [nm for nm in (torque, self.torque_nm) if abs(nm) > limits.opposing_nm and nm * velocity < 0]
        if felt and abs(velocity) > limits.opposing_radps:
            self.opposed_ns = min(self.opposed_ns + dt_ns, limits.opposing_ns)
        else:
            self.opposed_ns = max(self.opposed_ns - min(dt_ns, round(GROWTH_MAX_S * 1e9)), 0)
        torque = self._eased(torque, limits.opposing_nm, self.opposed_ns / limits.opposing_ns, "opposing")
        share = min(dt_ns * 1e-9 / limits.i2t_s, 1.0)
        self.heat_nm2 = (1.0 - share) * self.heat_nm2 + share * self.torque_nm**2
        forever = min(limits.i2t_nm, limits.torque_nm)
        return self._eased(torque, forever, self.heat_nm2 / limits.i2t_nm**2, "i2t")

    def _eased(self, torque: float, least: float, used: float, reason: str) -> float:
        full = self.limits.torque_nm
        if used <= EASE_FROM:
            return torque
        elif used >= 1.0:
            cap = least
        else:
            cap = full + (least - full) * (used - EASE_FROM) / (1.0 - EASE_FROM)
        if abs(torque) > cap:
            self.reason = reason
        return max(-cap, min(cap, torque))

    def _near(self, torque: float, low: float, high: float, reach: float, reason: str) -> float:
        """Growth no further than `reach` from what was; letting go is always allowed."""
        if torque > 0:
            most = max(low + reach, 0.0)
            allowed = min(torque, most)
        else:
            least = min(high - reach, 0.0)
            allowed = max(torque, least)
        if allowed != torque:
            self.reason = reason
        return allowed

    def _slew(self, torque: float, dt_s: float) -> float:
        last = self.torque_nm
        if last < 0 or (last == 0 and torque < 0):
            sign = -1.0
        else:
            sign = 1.0
        wanted, size = sign * torque, abs(last)
        most = size + self.limits.slew_up_nm_per_s * min(dt_s, GROWTH_MAX_S)
        least = max(size - self.limits.slew_down_nm_per_s * dt_s, 0.0)
        if wanted > most:
            self.reason = "slew_up"
            return sign * most
        if wanted < least:
            self.reason = "slew_down"
            return sign * least
        return torque
