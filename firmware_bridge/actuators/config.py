"""The drives file: TOML in, one frozen validated struct out; unknown keys are errors."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from firmware_bridge.errors import BridgeError
from firmware_bridge.table import JOINTS


class Kind(IntEnum):
    """Third-party drives; `enum drive_kind` of session/drive.h."""

    CUBEMARS = 0
    ODRIVE = 1
    MOTEUS = 2
    CIA402 = 3


@dataclass(frozen=True, slots=True)
class AkRange:
    """Full scale of one CubeMars model's fields: rad/s and Nm at its output."""

    velocity_radps: float
    torque_nm: float


AK_POSITION_RAD: Final = 12.5
AK_MODELS: Final = {
    "AK10-9": AkRange(50.0, 65.0),
    "AK60-6": AkRange(45.0, 15.0),
    "AK70-10": AkRange(50.0, 25.0),
    "AK80-6": AkRange(76.0, 12.0),
    "AK80-9": AkRange(50.0, 18.0),
    "AK80-64": AkRange(8.0, 144.0),
}
"""CubeMars, AK Series Actuator Driver Manual V1.0.8, pages 49 and 50. The manual's column for the AK80-64 is headed
AK80-80, the name of the same size in its other tables; firmware of another version may have other scales."""


@dataclass(frozen=True, slots=True)
class JointDrive:
    """One drive: its node, and how its shaft relates to the joint. Kinds that lack a value have 0 or "" there."""

    node: int
    sign: float
    gear: float
    zero_deg: float
    torque_max_nm: float
    model: str = ""
    counts_per_turn: float = 0.0
    rated_torque_nm: float = 0.0


@dataclass(frozen=True, slots=True)
class Drives:
    """The drives of a device, one per joint, all of one kind on one bus."""

    kind: Kind
    bus: str
    reply_max_ms: float
    guard_ms: float
    period_ms: int
    joints: Mapping[str, JointDrive]
    beat_max_ms: float = 0.0
    watchdog_ms: float = 0.0
    host_node: int = 0


_NODES: Final = {Kind.CUBEMARS: (1, 255), Kind.ODRIVE: (0, 62), Kind.MOTEUS: (1, 126), Kind.CIA402: (1, 127)}
"""moteus: 127 is the broadcast; ODrive: 63 means no address yet; CiA 301: 1 to 127."""
_HOST_NODES: Final = {Kind.MOTEUS: (0, 126), Kind.CIA402: (1, 127)}

_SHARED: Final = {"reply_max_ms": (2.0, 100.0), "guard_ms": (10.0, 1000.0)}
_OWN: Final[Mapping[Kind, Mapping[str, tuple[float, float]]]] = {
    Kind.CUBEMARS: {},
    Kind.ODRIVE: {"beat_max_ms": (10.0, 1000.0), "watchdog_ms": (5.0, 1000.0)},
    Kind.MOTEUS: {"watchdog_ms": (5.0, 1000.0)},
    Kind.CIA402: {"beat_max_ms": (10.0, 1000.0), "watchdog_ms": (5.0, 1000.0)},
}
_JOINT: Final = {"gear": (0.05, 500.0), "zero_deg": (-360.0, 360.0), "torque_max_nm": (0.1, 200.0)}
_CIA402_JOINT: Final = {"counts_per_turn": (1.0, 1e9), "rated_torque_nm": (0.01, 1000.0)}


def load_drives(path: Path) -> Drives:
    """Read and validate a drives file. Raises BridgeError with one line that names the file and the key."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BridgeError(f"{path}: cannot be read ({error.strerror}); pass --drives FILE") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BridgeError(f"{path}: not valid TOML ({error}); mend that line") from None
    return _Reader(path).drives(raw)


class _Reader:
    """Turns parsed TOML into structs; every complaint names the file and the key."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fail(self, key: str, problem: str) -> BridgeError:
        return BridgeError(f"{self.path}: `{key}` {problem}")

    def drives(self, raw: dict[str, Any]) -> Drives:
        self.keys(raw, {"drive"}, "")
        drive = self.table(raw, "drive")
        kind = self.kind(drive.get("kind"))
        numbers = {**_SHARED, **_OWN[kind]}
        hosts = {"host_node"} if kind in _HOST_NODES else set()
        self.keys(drive, {"kind", "bus", "period_ms", *numbers, *hosts, *JOINTS}, "drive.")
        bus = drive["bus"]
        if not isinstance(bus, str) or not bus.startswith(("socketcan:", "unix:")):
            raise self.fail("drive.bus", f"must be socketcan:INTERFACE or unix:PATH, got {bus!r}")
        found = Drives(
            kind=kind,
            bus=bus,
            period_ms=self.whole(drive["period_ms"], (1, 2), "drive.period_ms"),
            joints={name: self.joint(self.table(drive, name), name, kind) for name in JOINTS},
            host_node=self.whole(drive["host_node"], _HOST_NODES[kind], "drive.host_node") if hosts else 0,
            **{name: self.number(drive[name], bounds, f"drive.{name}") for name, bounds in numbers.items()},
        )
        self.check_nodes(found)
        return found

    def kind(self, value: object) -> Kind:
        names = [kind.name.lower() for kind in Kind]
        if not isinstance(value, str) or value not in names:
            raise self.fail("drive.kind", f"must be one of {', '.join(names)}, got {value!r}")
        return Kind[value.upper()]

    def joint(self, raw: dict[str, Any], name: str, kind: Kind) -> JointDrive:
        where = f"drive.{name}."
        numbers = _JOINT | (_CIA402_JOINT if kind is Kind.CIA402 else {})
        model = {"model"} if kind is Kind.CUBEMARS else set()
        self.keys(raw, {"node", "sign", *numbers, *model}, where)
        if raw["sign"] not in (1, -1) or isinstance(raw["sign"], bool):
            raise self.fail(where + "sign", f"must be 1 or -1, got {raw['sign']!r}")
        if model and raw["model"] not in AK_MODELS:
            raise self.fail(where + "model", f"must be one of {', '.join(AK_MODELS)}, got {raw['model']!r}")
        found = JointDrive(
            node=self.whole(raw["node"], _NODES[kind], where + "node"),
            sign=float(raw["sign"]),
            model=raw["model"] if model else "",
            **{key: self.number(raw[key], bounds, where + key) for key, bounds in numbers.items()},
        )
        self.check_range(found, where)
        return found

    def check_range(self, joint: JointDrive, where: str) -> None:
        if joint.model and joint.torque_max_nm > AK_MODELS[joint.model].torque_nm * joint.gear:
            most = AK_MODELS[joint.model].torque_nm * joint.gear
            raise self.fail(where + "torque_max_nm", f"is above the {most:g} Nm that {joint.model} can be told here")

    def check_nodes(self, found: Drives) -> None:
        nodes = [joint.node for joint in found.joints.values()]
        if len(set(nodes)) != len(nodes):
            raise self.fail("drive", f"has two joints on node {nodes[0]}; give each drive its own")
        if found.kind in _HOST_NODES and found.host_node in nodes:
            raise self.fail("drive.host_node", f"is the node of a drive ({found.host_node}); take a free one")

    def keys(self, raw: Mapping[str, Any], wanted: set[str], where: str) -> None:
        if unknown := sorted(raw.keys() - wanted):
            known = ", ".join(sorted(wanted))
            raise self.fail(where + unknown[0], f"is not a known key; known here: {known}")
        if missing := sorted(wanted - raw.keys()):
            raise self.fail(where + missing[0], "is missing; add it")

    def table(self, raw: Mapping[str, Any], key: str) -> dict[str, Any]:
        if not isinstance(raw[key], dict):
            raise self.fail(key, "must be a table")
        return dict(raw[key])

    def number(self, value: object, bounds: tuple[float, float], where: str) -> float:
        low, high = bounds
        good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not good or not low <= value <= high:  # type: ignore[operator]
            raise self.fail(where, f"must be a number from {low:g} to {high:g}, got {value!r}")
        return float(value)  # type: ignore[arg-type]

    def whole(self, value: object, bounds: tuple[int, int], where: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not bounds[0] <= value <= bounds[1]:
            raise self.fail(where, f"must be a whole number from {bounds[0]} to {bounds[1]}, got {value!r}")
        return value
