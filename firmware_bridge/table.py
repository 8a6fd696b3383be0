"""Reads the limits table into validated structs, and names its parts for everything that imports them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final, TypeVar, get_type_hints

from firmware_bridge.errors import TableError
from firmware_bridge.schema import Age, Field, HostRules, JointLimits, Message, Protocol, Safe, Table

DEFAULT_PATH: Final = Path(__file__).with_name("limits.toml")
SCHEMA: Final = 1
SAFE_RAMP_MAX_MS: Final = 80.0  # design rule: torque is gone at most so long after SAFE begins
EASE_FROM: Final = 0.8  # the host lets torque down over the last fifth of what a rule allows, not at its end
I2T_MIN_S: Final = 1.0  # shorter is no thermal constant, and would not fit the governor's arithmetic at one step
I2T_MAX_S: Final = 2000.0  # in us it must fit 32 bits
DOWN_TO_UP_MIN: Final = 2.0  # design rule: torque may always be taken away at least twice as fast as given
E2E_BITS: Final = 16
FRAME_BITS: Final = 64

T = TypeVar("T")


def load_table(path: Path = DEFAULT_PATH) -> Table:
    """Read and validate a limits table. Raises TableError with one line that names the key and the file."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TableError(f"limits table {path}: {error.strerror}; reinstall the package or restore the file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TableError(f"limits table {path}: not valid TOML: {error}") from error
    return _Reader(path).table(raw)


class _Reader:
    """Turns parsed TOML into structs; every complaint names the key and the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def table(self, raw: dict[str, Any]) -> Table:
        keys = {"schema", "host_factor", "protocol", "modes", "states", "mux"}
        keys |= {"messages", "reasons", "limiter", "host", "age", "safe", "joints"}
        self.keys(raw, keys, "")
        if raw["schema"] != SCHEMA:
            self.fail("schema", f"is {raw['schema']!r}, this program reads {SCHEMA}")
        self.keys(self.section(raw, "limiter"), {"reasons"}, "limiter")
        table = Table(
            path=self.path,
            host_factor=self.number(raw["host_factor"], float, "host_factor"),
            protocol=self.struct(Protocol, raw, "protocol"),
            modes=self.codes(raw, "modes", 15),
            states=self.codes(raw, "states", 15),
            mux=self.codes(raw, "mux", 15),
            messages={name: self.message(raw["messages"], name) for name in self.section(raw, "messages")},
            reasons=self.codes(raw, "reasons", 255),
            limiter_reasons=self.names(raw["limiter"]["reasons"], "limiter.reasons"),
            host=self.struct(HostRules, raw, "host"),
            age=self.struct(Age, raw, "age"),
            safe=self.struct(Safe, raw, "safe"),
            joints={
                name: self.struct(JointLimits, raw["joints"], name, "joints") for name in self.section(raw, "joints")
            },
        )
        self.check(table)
        return table

    def fail(self, key: str, problem: str) -> None:
        raise TableError(f"limits table {self.path}: {key} {problem}")

    def keys(self, raw: Mapping[str, Any], wanted: set[str], where: str) -> None:
        prefix = f"{where}." if where else ""
        for key in sorted(raw.keys() - wanted):
            self.fail(prefix + key, f"is not a known key; known here: {', '.join(sorted(wanted))}")
        for key in sorted(wanted - raw.keys()):
            self.fail(prefix + key, "is missing")

    def section(self, raw: Mapping[str, Any], key: str) -> dict[str, Any]:
        if not isinstance(raw[key], dict):
            self.fail(key, "must be a table")
        return dict(raw[key])

    def number(self, value: object, kind: type, where: str) -> Any:
        allowed = (int, float) if kind is float else kind
        if not isinstance(value, allowed) or (isinstance(value, bool) and kind is not bool):
            self.fail(where, f"must be {kind.__name__}, is {value!r}")
        if kind is float and not abs(float(value)) < 1e9:  # type: ignore[arg-type]
            self.fail(where, f"must be a finite number, is {value!r}")
        return kind(value)

    def struct(self, cls: type[T], raw: Mapping[str, Any], key: str, parent: str = "") -> T:
        where = f"{parent}.{key}" if parent else key
        section = self.section(raw, key)
        kinds = get_type_hints(cls)
        self.keys(section, set(kinds), where)
        return cls(**{name: self.number(section[name], kind, f"{where}.{name}") for name, kind in kinds.items()})

    def codes(self, raw: Mapping[str, Any], key: str, highest: int) -> dict[str, int]:
        codes = {name: self.number(v, int, f"{key}.{name}") for name, v in self.section(raw, key).items()}
        for name, code in codes.items():
            if not 0 <= code <= highest:
                self.fail(f"{key}.{name}", f"is {code}, must be 0..{highest}")
        if len(set(codes.values())) != len(codes):
            self.fail(key, "has two names for one code")
        return codes

    def names(self, raw: object, where: str) -> tuple[str, ...]:
        if not isinstance(raw, list) or not all(isinstance(name, str) for name in raw) or len(set(raw)) != len(raw):
            self.fail(where, "must be a list of different names")
        return tuple(raw)  # type: ignore[arg-type]

    def message(self, raw: Mapping[str, Any], name: str) -> Message:
        where = f"messages.{name}"
        section = self.section(raw, name)
        self.keys(section, {"sender", "period_ms", "can_id", "fields"}, where)
        layout = {key: self.struct(Field, section["fields"], key, f"{where}.fields") for key in section["fields"]}
        used = (1 << E2E_BITS) - 1
        for key, item in layout.items():
            mask = ((1 << item.bits) - 1) << item.bit
            if used & mask or item.bit + item.bits > FRAME_BITS or item.bits < 1 or item.scale <= 0:
                self.fail(f"{where}.fields.{key}", "overlaps another field or leaves the 8-byte frame")
            used |= mask
        return Message(
            sender=self.number(section["sender"], str, f"{where}.sender"),
            period_ms=self.number(section["period_ms"], float, f"{where}.period_ms"),
            can_id=self.codes(section, "can_id", 0x7FF),
            fields=layout,
        )

    def check(self, t: Table) -> None:
        if not 0.0 < t.host_factor < 1.0:
            self.fail("host_factor", "must lie between 0 and 1, so that the host is the tighter of the two")
        ids = [code for message in t.messages.values() for code in message.can_id.values()]
        if len(set(ids)) != len(ids):
            self.fail("messages", "use one CAN id twice")
        if not 0.0 < t.safe.ramp_ms <= SAFE_RAMP_MAX_MS:
            self.fail("safe.ramp_ms", f"must be above 0 and at most {SAFE_RAMP_MAX_MS:g}")
        if min(asdict(t.host).values()) <= 0.0:
            self.fail("host", "must have all its values above 0")
        if t.host.missed_fade >= t.host.missed_safe:
            self.fail("host.missed_fade", "must be below missed_safe")
        if t.host.kcf_full_bw >= t.host.kcf_zero_bw:
            self.fail("host.kcf_full_bw", "must be above 0 and below kcf_zero_bw")
        if min(t.age.latency_ms, t.age.frame_max_ms) <= 0.0:
            self.fail("age", "must have latency_ms and frame_max_ms above 0")
        if not 0.0 <= t.age.late_full_ms < t.age.late_zero_ms or t.age.zero_ms > 255.0:
            self.fail("age", "must have 0 <= late_full_ms < late_zero_ms, and all four add up to at most 255")
        for name, joint in t.joints.items():
            self.check_joint(f"joints.{name}", joint, t.safe)
            self.check_slow(f"joints.{name}", joint, t.host_limits(name))

    def check_slow(self, where: str, joint: JointLimits, host: JointLimits) -> None:
        """Rules that look back over time."""
        if host.opposing_ms * (1.0 - EASE_FROM) < host.torque_nm / host.slew_down_nm_per_s * 1e3:
            self.fail(f"{where}.opposing_ms", "is too short for the host to let the torque down in its last fifth")
        if joint.yield_ms < joint.torque_nm / joint.slew_down_nm_per_s * 1e3 + joint.lease_ms:
            self.fail(f"{where}.yield_ms", "is shorter than the host needs to let all torque go, and the lease")
        if joint.i2t_nm >= joint.torque_nm:
            self.fail(f"{where}.i2t_nm", "must be below torque_nm, or it limits nothing")
        if not I2T_MIN_S <= joint.i2t_s <= I2T_MAX_S:
            self.fail(f"{where}.i2t_s", f"must lie between {I2T_MIN_S:g} and {I2T_MAX_S:g}")

    def check_joint(self, where: str, joint: JointLimits, safe: Safe) -> None:
        for field in fields(joint):
            if not field.name.startswith("position") and getattr(joint, field.name) <= 0.0:
                self.fail(f"{where}.{field.name}", "must be above 0")
        if joint.slew_down_nm_per_s < DOWN_TO_UP_MIN * joint.slew_up_nm_per_s:
            self.fail(f"{where}.slew_down_nm_per_s", f"must be at least {DOWN_TO_UP_MIN:g} x slew_up_nm_per_s")
        if joint.torque_nm / joint.slew_down_nm_per_s * 1e3 > safe.ramp_ms:
            self.fail(f"{where}.slew_down_nm_per_s", "is too slow for the ramp to zero in safe.ramp_ms")
        if joint.lease_ms > 255.0 or joint.torque_nm > 327.0:
            self.fail(where, "has a lease_ms or torque_nm that does not fit the wire")
        if joint.position_min_deg >= joint.position_max_deg:
            self.fail(f"{where}.position_min_deg", "must be below position_max_deg")


TABLE: Final = load_table()
JOINTS: Final = tuple(TABLE.joints)
MODES: Final = TABLE.modes
STATES: Final = TABLE.states
MUX: Final = TABLE.mux
GOVERNOR_REASONS: Final = TABLE.reasons
LIMITER_REASONS: Final = TABLE.limiter_reasons
