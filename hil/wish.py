"""What torque is wished for at the knees, as tables of a scenario; `hil.intents` turns them into intents."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np

from edge_runtime.types import F64
from hil.toml_schema import one_of, within

_STEPS: Final = 4


class TorqueWish(Protocol):
    """A torque that depends on time alone."""

    def torque_nm(self, t_s: F64) -> F64:
        """Wished at each of `t_s` [T], the same at both knees."""


@dataclass(frozen=True, slots=True)
class Assist:
    """The assist policy on the moment of the scenario's motion, as live."""

    share: float | None = field(default=None, metadata=within(0.0, 0.5))
    """Of the knee's moment; the profile's where left out."""


@dataclass(frozen=True, slots=True)
class Staircase:
    """Up and down in equal steps, each held: four up, four down, to the other sign with `both`."""

    peak_nm: float = field(default=8.0, metadata=within(-40.0, 40.0))
    hold_s: float = field(default=0.5, metadata=within(0.1, 10.0))

    def torque_nm(self, t_s: F64) -> F64:
        """See `TorqueWish`."""
        step = (t_s / self.hold_s).astype(np.int64) % (2 * _STEPS)
        return self.peak_nm / _STEPS * np.where(step <= _STEPS, step, 2 * _STEPS - step)


@dataclass(frozen=True, slots=True)
class Ramp:
    """From zero to the peak and back, again and again."""

    peak_nm: float = field(default=8.0, metadata=within(-40.0, 40.0))
    rise_s: float = field(default=1.0, metadata=within(0.05, 30.0))

    def torque_nm(self, t_s: F64) -> F64:
        """See `TorqueWish`."""
        share = t_s / self.rise_s % 2.0
        return self.peak_nm * np.minimum(share, 2.0 - share)


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sine whose frequency grows evenly over `over_s`, then stays."""

    peak_nm: float = field(default=6.0, metadata=within(0.0, 40.0))
    from_hz: float = field(default=0.2, metadata=within(0.01, 10.0))
    to_hz: float = field(default=3.0, metadata=within(0.01, 10.0))
    over_s: float = field(default=8.0, metadata=within(0.5, 600.0))

    def torque_nm(self, t_s: F64) -> F64:
        """See `TorqueWish`."""
        t = np.clip(t_s, 0.0, self.over_s)
        cycles = self.from_hz * t + 0.5 * (self.to_hz - self.from_hz) / self.over_s * t**2
        cycles = cycles + self.to_hz * np.maximum(t_s - self.over_s, 0.0)
        return self.peak_nm * np.sin(2.0 * np.pi * cycles)


@dataclass(frozen=True, slots=True)
class Constant:
    """The same torque all the time from `after_s` on; `shape` square turns its sign each half of `period_s`."""

    torque: float = field(default=5.0, metadata=within(-60.0, 60.0))
    shape: str = field(default="flat", metadata=one_of("flat", "square"))
    period_s: float = field(default=1.0, metadata=within(0.05, 60.0))
    after_s: float = field(default=0.0, metadata=within(0.0, 3600.0))

    def torque_nm(self, t_s: F64) -> F64:
        """See `TorqueWish`."""
        turned = (self.shape == "square") & (t_s / self.period_s % 1.0 >= 0.5)
        return np.where(t_s < self.after_s, 0.0, np.where(turned, -self.torque, self.torque))


@dataclass(frozen=True, slots=True)
class Spring:
    """An impedance at the knee."""

    stiffness_nm_per_rad: float = field(default=15.0, metadata=within(0.0, 100.0))
    set_deg: float = field(default=30.0, metadata=within(-5.0, 110.0))


@dataclass(frozen=True, slots=True)
class Clip:
    """The whole estimator on the demo clip: camera, engines, physics, muscles, assist policy."""

    first: int = field(default=0, metadata=within(0, 100_000))
    frames: int = field(default=90, metadata=within(10, 100_000))


Wish = Assist | Staircase | Ramp | Sweep | Constant | Spring | Clip
WISHES: Final[dict[str, Any]] = {
    "assist": Assist, "staircase": Staircase, "ramp": Ramp, "sweep": Sweep, "constant": Constant, "spring": Spring,
    "clip": Clip,
}  # fmt: skip
"""`kind` in a scenario's [wish]."""
