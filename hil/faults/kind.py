"""What a kind of fault is: its parameters with units and ranges, where it can be injected, and what must come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Reaction(Enum):
    """What must come of a fault at its default strength."""

    SAFE = "safe"  # the governor latches SAFE
    ZERO = "degraded"  # torque fades to zero, without SAFE at first
    REFUSED = "refused"  # never armed
    HARMLESS = "harmless"  # limits hold; it is counted, or nothing at all shows


class Seam(Enum):
    """Where a kind can be injected."""

    LOOP = "loop"  # lock-step without pictures: torque loop, bus, governor; what storms use
    CHAIN = "chain"  # lock-step with pictures and engines
    LIVE = "live"  # a simulated run in real time
    START = "start"  # a scenario of the bench, from power-up on


@dataclass(frozen=True, slots=True)
class Number:
    """A parameter that is a number: unit, default, range."""

    unit: str
    default: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Choice:
    """A parameter that is a word; the first is the default."""

    options: tuple[str, ...]

    @property
    def default(self) -> str:
        """The first one."""
        return self.options[0]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault."""

    text: str
    seams: frozenset[Seam]
    reaction: Reaction
    reasons: tuple[str, ...]
    within_ms: float = 0.0
    parameters: Mapping[str, Number | Choice] = field(default_factory=dict)
    slower: Mapping[str, float] = field(default_factory=dict)  # within_ms where a parameter is this word

    def deadline_ms(self, parameters: Mapping[str, float | str]) -> float:
        """`within_ms` for these parameters."""
        return max([self.within_ms, *(self.slower.get(str(word), 0.0) for word in parameters.values())])
