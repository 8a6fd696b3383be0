"""Faults as data: one frozen record each, checked against the kinds of `kinds.py`, read from TOML tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edge_runtime.errors import UserError
from hil.faults.kind import Choice, Number
from hil.faults.kinds import KINDS

_OWN_KEYS = ("kind", "start_s", "duration_s", "seed")
_SEED_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: `kind` of `kinds.KINDS`, `start_s` after assistance may begin, `duration_s` (0: to the end), the
    kind's parameters, all of them, and the seed of its random numbers."""

    kind: str
    start_s: float
    duration_s: float
    parameters: Mapping[str, float | str]
    seed: int

    def number(self, name: str) -> float:
        """A parameter that is a number."""
        return float(self.parameters[name])

    def choice(self, name: str) -> str:
        """A parameter that is a word."""
        return str(self.parameters[name])

    def holds(self, t_s: float) -> bool:
        """True while it is in force."""
        return t_s >= self.start_s and (self.duration_s == 0.0 or t_s < self.start_s + self.duration_s)

    def table(self) -> dict[str, float | str | int]:
        """The TOML table that `read_fault` makes it from."""
        own: dict[str, float | str | int] = {
            "kind": self.kind,
            "start_s": self.start_s,
            "duration_s": self.duration_s,
            "seed": self.seed,
        }
        return own | dict(self.parameters)


def make_fault(kind: str, start_s: float, duration_s: float, *, seed: int = 0, **given: float | str) -> Fault:
    """A fault with the kind's defaults where no parameter is given. UserError names what is wrong."""
    table = {"kind": kind, "start_s": start_s, "duration_s": duration_s, "seed": seed, **given}
    return read_fault(table, "fault")


def read_faults(tables: Sequence[Mapping[str, Any]], where: str) -> tuple[Fault, ...]:
    """The faults of an array of tables; `where` is the file, for errors."""
    return tuple(read_fault(table, f"{where}: fault {i}") for i, table in enumerate(tables, 1))


def read_fault(table: Mapping[str, Any], where: str) -> Fault:
    """One fault from its TOML table. UserError names the key and `where`."""
    kind = str(table.get("kind"))
    if kind not in KINDS:
        known = ", ".join(KINDS)
        raise UserError(f'{where}: kind = "{kind}" is not known; one of: {known}')
    parameters = KINDS[kind].parameters
    if unknown := [key for key in table if key not in _OWN_KEYS and key not in parameters]:
        allowed = ", ".join([*_OWN_KEYS, *parameters])
        raise UserError(f'{where}: unknown key "{unknown[0]}" for {kind}; allowed: {allowed}')
    return Fault(
        kind=kind,
        start_s=_seconds(table, "start_s", where),
        duration_s=_seconds(table, "duration_s", where),
        parameters={name: _value(table, name, about, where) for name, about in parameters.items()},
        seed=_seed(table, where),
    )


def _seconds(table: Mapping[str, Any], key: str, where: str) -> float:
    value = table.get(key, 0.0)
    if not _is_number(value) or not 0.0 <= value <= 1e6:
        raise UserError(f"{where}: {key} = {value!r} must be seconds from 0 on")
    return float(value)


def _seed(table: Mapping[str, Any], where: str) -> int:
    value = table.get("seed", 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _SEED_MAX:
        raise UserError(f"{where}: seed = {value!r} must be a whole number from 0 to 2^63 - 1")
    return value


def _value(table: Mapping[str, Any], name: str, about: Number | Choice, where: str) -> float | str:
    value = table.get(name, about.default)
    if isinstance(about, Choice):
        if value not in about.options:
            raise UserError(f"{where}: {name} = {value!r} must be one of: {', '.join(about.options)}")
        return str(value)
    if not _is_number(value) or not about.low <= value <= about.high:
        raise UserError(
            f"{where}: {name} = {value!r} must be a number from {about.low:g} to {about.high:g} {about.unit}"
        )
    return float(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
