"""How the wearer moves both knees: angle over time, and the knee moment that goes with it. Right leg first.

Gait, stairs and rising are made up of bumps after what textbooks show of the movement (Winter 2009, Biomechanics and
Motor Control of Human Movement, ch. 4 and 5); they are shapes to try a device with, not anybody's measured motion.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from edge_runtime.errors import UserError
from edge_runtime.types import F64
from hil.toml_schema import within

_WALK_RATIO_M_S: Final = 0.0065 * 60.0
"""Step length over step rate, m per step/s: 0.0065 m per step/min, the same at any speed (Sekiya & Nagasaki 1998, Gait
& Posture 7:225)."""
_BEGIN_S: Final = 0.6  # from standing into the movement

Bump = tuple[float, float, float]
"""Height, centre and width (standard deviation) as shares of the cycle."""


class Motion(Protocol):
    """A movement; times from the begin of the scenario, s."""

    def knee_rad(self, t_s: F64) -> F64:
        """Flexion [T, 2]."""

    def moment_nm_per_kg(self, t_s: F64) -> F64:
        """Net knee moment of the wearer [T, 2], flexion positive."""

    @property
    def stride_s(self) -> float:
        """Time after which it repeats; NaN where it does not."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A knee that stays where it is."""

    angle_deg: float = field(default=20.0, metadata=within(-5.0, 110.0))

    def knee_rad(self, t_s: F64) -> F64:
        """See `Motion`."""
        return np.full((len(t_s), 2), math.radians(self.angle_deg))

    def moment_nm_per_kg(self, t_s: F64) -> F64:
        """None: nobody moves."""
        return np.zeros((len(t_s), 2))

    @property
    def stride_s(self) -> float:
        """It does not repeat."""
        return math.nan


@dataclass(frozen=True, slots=True)
class Swing:
    """Both knees swing as a sine, the left half a cycle later."""

    middle_deg: float = field(default=35.0, metadata=within(0.0, 100.0))
    swing_deg: float = field(default=20.0, metadata=within(0.0, 50.0))
    frequency_hz: float = field(default=0.8, metadata=within(0.05, 4.0))

    def knee_rad(self, t_s: F64) -> F64:
        """See `Motion`."""
        phase = 2.0 * np.pi * self.frequency_hz * np.stack([t_s, t_s + 0.5 / self.frequency_hz], axis=1)
        return np.radians(self.middle_deg + self.swing_deg * np.sin(phase) * _begin(t_s)[:, None])

    def moment_nm_per_kg(self, t_s: F64) -> F64:
        """None: the leg is swung, not used."""
        return np.zeros((len(t_s), 2))

    @property
    def stride_s(self) -> float:
        """One swing."""
        return 1.0 / self.frequency_hz


@dataclass(frozen=True, slots=True)
class _Cycle:
    """A movement of bumps, repeated; sides apart by `apart` of a cycle."""

    period_s: float
    base_deg: float
    angle_deg: tuple[Bump, ...]
    moment: tuple[Bump, ...]
    apart: float

    def shares(self, t_s: F64) -> F64:
        """Share of the cycle [T, 2], from 0."""
        return np.stack([t_s / self.period_s, t_s / self.period_s + self.apart], axis=1) % 1.0

    def knee_rad(self, t_s: F64) -> F64:
        """See `Motion`."""
        bumps = _sum(self.shares(t_s), self.angle_deg) * _begin(t_s)[:, None]
        return np.radians(self.base_deg + bumps)

    def moment_nm_per_kg(self, t_s: F64) -> F64:
        """See `Motion`."""
        return _sum(self.shares(t_s), self.moment) * _begin(t_s)[:, None]


@dataclass(frozen=True, slots=True)
class Gait:
    """Level walking; faster steps are longer, and bend the knee more in stance."""

    speed_mps: float = field(default=1.2, metadata=within(0.2, 2.2))

    def _cycle(self) -> _Cycle:
        share = self.speed_mps / 1.2
        angle = ((16.0 * share, 0.14, 0.07), (57.0, 0.72, 0.095))
        moment = (
            (-0.55 * share, 0.15, 0.06),
            (0.15, 0.42, 0.06),
            (-0.15 * share, 0.58, 0.04),
            (0.3 * share, 0.92, 0.04),
        )
        return _Cycle(self.stride_s, 3.0, angle, moment, 0.5)

    def knee_rad(self, t_s: F64) -> F64:
        """See `Motion`."""
        return self._cycle().knee_rad(t_s)

    def moment_nm_per_kg(self, t_s: F64) -> F64:
        """See `Motion`."""
        return self._cycle().moment_nm_per_kg(t_s)

    @property
    def stride_s(self) -> float:
        """Two steps, by the walk ratio."""
        return 2.0 * math.sqrt(_WALK_RATIO_M_S / self.speed_mps)


@dataclass(frozen=True, slots=True)
class Stairs:
    """Step over step, up: the knee rises out of deep flexion under load."""

    stride_s: float = field(default=1.6, metadata=within(1.0, 4.0))

    def _cycle(self) -> _Cycle:
        angle = ((52.0, 0.02, 0.12), (88.0, 0.8, 0.11), (52.0, 1.02, 0.12))
        return _Cycle(self.stride_s, 6.0, angle, ((-0.9, 0.16, 0.08), (0.2, 0.88, 0.05)), 0.5)

    def knee_rad(self, t_s: F64) -> F64:
        """See `Motion`."""
        return np.minimum(self._cycle().knee_rad(t_s), np.radians(100.0))

    def moment_nm_per_kg(self, t_s: F64) -> F64:
        """See `Motion`."""
        return self._cycle().moment_nm_per_kg(t_s)


@dataclass(frozen=True, slots=True)
class SitToStand:
    """From a chair and back, both legs together."""

    stride_s: float = field(default=4.0, metadata=within(2.0, 10.0))

    def knee_rad(self, t_s: F64) -> F64:
        """See `Motion`."""
        stood = 0.5 - 0.5 * np.cos(2.0 * np.pi * t_s / self.stride_s)
        return np.repeat(np.radians(92.0 - 84.0 * stood)[:, None], 2, axis=1)

    def moment_nm_per_kg(self, t_s: F64) -> F64:
        """Extending, most where the seat is left and met again."""
        seat = _sum((t_s / self.stride_s % 1.0)[:, None], ((-0.7, 0.2, 0.09), (-0.6, 0.8, 0.09)))
        return np.repeat(seat, 2, axis=1) * _begin(t_s)[:, None]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A file: columns time_s, knee_r_deg, knee_l_deg and, optional, moment_r_nm_per_kg, moment_l_nm_per_kg."""

    file: str

    def _table(self) -> dict[str, F64]:
        path = Path(self.file)
        try:
            with path.open(newline="", encoding="utf-8") as lines:
                rows = list(csv.DictReader(lines))
            columns = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
            if not (np.diff(columns["time_s"]) > 0.0).all():
                raise ValueError("time_s must grow")
        except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
            raise UserError(f"{path}: not a motion ({error}); columns time_s, knee_r_deg, knee_l_deg") from None
        return columns

    def _sides(self, t_s: F64, name: str, unit: str) -> F64:
        table, missing = self._table(), np.zeros(0)
        columns = [table.get(f"{name}_{side}_{unit}", missing) for side in "rl"]
        return np.stack([np.interp(t_s, table["time_s"], c) if c.size else 0.0 * t_s for c in columns], axis=1)

    def knee_rad(self, t_s: F64) -> F64:
        """See `Motion`. Raises UserError where the file cannot be read."""
        return np.radians(self._sides(t_s, "knee", "deg"))

    def moment_nm_per_kg(self, t_s: F64) -> F64:
        """See `Motion`; zero where the file has none."""
        return self._sides(t_s, "moment", "nm_per_kg")

    @property
    def stride_s(self) -> float:
        """Not known."""
        return math.nan


MOTIONS: Final[dict[str, Any]] = {
    "hold": Hold, "swing": Swing, "gait": Gait, "stairs": Stairs, "sit_to_stand": SitToStand, "recorded": Recorded,
}  # fmt: skip
"""`kind` in a scenario's [motion]."""


def _sum(share: F64, bumps: tuple[Bump, ...]) -> F64:
    """Bumps over a cycle, each also where it reaches across its ends."""
    total = np.zeros_like(share)
    for height, centre, width in bumps:
        away = (share - centre + 0.5) % 1.0 - 0.5
        total += height * np.exp(-0.5 * (away / width) ** 2)
    return total


def _begin(t_s: F64) -> F64:
    """0 to 1 with zero slope at both ends."""
    share = np.clip(t_s / _BEGIN_S, 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share))
