"""Generates everything that follows from the limits table, byte for byte reproducible: C header, DBC and more."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from firmware_bridge import boundaries, codec, dbc, host_tables, limits_page
from firmware_bridge.schema import JointLimits, Table
from firmware_bridge.table import TABLE

CDEG_PER_DEG: Final = 100.0
CNM_PER_NM: Final = 100.0
DDEGPS_PER_DEGPS: Final = 10.0
W_PER_RAW: Final = 0.01 * math.radians(0.1)  # one wire step of torque times one of velocity
DAMPING_SHIFT: Final = 16
WINDOW_BUCKETS: Final = 26  # 25 cover the window, one is being filled
NOTE: Final = "Generated from firmware_bridge/limits.toml by `exo-edge can generate`; do not edit."


def render(table: Table = TABLE) -> dict[str, str]:
    """Text of every generated file, by its path below the repository's root."""
    database = dbc.render(table, NOTE)
    return {
        "firmware_bridge/governor/exo_limits.h": header(table),
        dbc.PATH: database,
        **codec.render(database, NOTE),
        host_tables.PATH: host_tables.render(table, NOTE),
        boundaries.PATH: boundaries.render(table, NOTE),
        "docs/limits.md": limits_page.render(table, NOTE),
    }


def stale(root: Path, table: Table = TABLE) -> list[str]:
    """Paths below `root` whose content is not what the table gives, missing ones included."""
    return [name for name, text in render(table).items() if not _holds(root / name, text)]


def generate(root: Path, table: Table = TABLE) -> list[str]:
    """Write the stale files below `root`; returns their paths."""
    texts = render(table)
    changed = stale(root, table)
    for name in changed:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(texts[name], encoding="utf-8")
    return changed


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def header(table: Table) -> str:
    """C header: every number as an integer in wire units (0.01 Nm, 0.01 deg, 0.1 deg/s, us)."""
    hashes = {name: f"0x{value:08X}u" for name, value in _hashes(table).items()}
    parts = [
        f"/* Limits and protocol of the torque path.\n * {NOTE} */",
        "#ifndef EXO_LIMITS_H\n#define EXO_LIMITS_H\n\n#include <stdint.h>",
        _block("Hashes that both ends compare before arming.", hashes),
        _block("CAN ids, which are also the E2E data ids.", _ids(table) | _id_lists(table)),
        _enum(
            "exo_joint",
            "JOINT",
            {name: i for i, name in enumerate(table.joints)} | {"count": len(table.joints)},
        ),
        _enum("exo_mode", "MODE", table.modes),
        _enum("exo_state", "STATE", table.states),
        _enum("exo_mux", "MUX", table.mux),
        _enum("exo_reason", "REASON", table.reasons),
        _block("Protocol.", {k: str(v) for k, v in _protocol(table).items()}),
        _block("Largest readings that JOINT_STATE carries.", {k: str(v) for k, v in _readings(table).items()}),
        _block("Age fade and SAFE.", {k: str(v) for k, v in _common(table).items()}),
        _joint_struct(table),
        "#endif\n",
    ]
    return "\n\n".join(parts)


def _hashes(table: Table) -> dict[str, int]:
    return {"PROTOCOL_HASH": table.protocol_hash, "LIMITS_HASH": table.limits_hash}


def _ids(table: Table) -> dict[str, str]:
    ids = {}
    for name, message in table.messages.items():
        for joint, can_id in message.can_id.items():
            ids[f"ID_{name}" + ("" if joint == "all" else f"_{joint.upper()}")] = f"0x{can_id:03X}u"
    return ids


def _id_lists(table: Table) -> dict[str, str]:
    return {
        f"{name}_IDS_INIT": "{ " + ", ".join(f"0x{message.can_id[joint]:03X}u" for joint in table.joints) + " }"
        for name, message in table.messages.items()
        if "all" not in message.can_id
    }


def _us(ms: float) -> int:
    return round(ms * 1000.0)


def _protocol(table: Table) -> dict[str, int]:
    p = table.protocol
    return {
        "COUNTER_MAX": p.counter_max,
        "MAX_DELTA_COUNTER": p.max_delta_counter,
        "CONSECUTIVE_ERRORS_MAX": p.consecutive_errors_max,
        "LATE_MAX_TICKS": round(p.late_max_ms * 10.0),
        "AHEAD_MAX_TICKS": round(p.ahead_max_ms * 10.0),
        "HOST_TIMEOUT_US": _us(p.host_timeout_ms),
        "STATE_PERIOD_US": _us(p.state_period_ms),
        "STEP_US": _us(p.setpoint_period_ms),
        "WINDOW_BUCKETS": WINDOW_BUCKETS,
    }


def _readings(table: Table) -> dict[str, int]:
    fields = table.messages["JOINT_STATE"].fields
    units = {
        "position": ("CDEG", CDEG_PER_DEG),
        "velocity": ("DDEGPS", DDEGPS_PER_DEGPS),
        "torque": ("CNM", CNM_PER_NM),
    }
    return {
        f"{name.upper()}_MAX_{unit}": round(fields[name].raw_range()[1] * fields[name].scale * per)
        for name, (unit, per) in units.items()
    }


def _common(table: Table) -> dict[str, int]:
    safe = table.safe
    per_step = safe.damping_nm_s_per_rad * CNM_PER_NM * math.radians(0.1)
    return {
        "AGE_FULL_US": _us(table.age.full_ms),
        "AGE_ZERO_US": _us(table.age.zero_ms),
        "SAFE_RAMP_US": _us(safe.ramp_ms),
        "DAMPING_SHIFT": DAMPING_SHIFT,
        "DAMPING_Q": round(per_step * (1 << DAMPING_SHIFT)),
        "DAMPING_MAX_CNM": round(safe.damping_max_nm * CNM_PER_NM),
        "CLEAR_AFTER_US": _us(safe.clear_after_ms),
        "CLEAR_VELOCITY_DDEGPS": round(safe.clear_velocity_degps * DDEGPS_PER_DEGPS),
    }


JOINT_FIELDS: Final[Mapping[str, Callable[[JointLimits], float]]] = {
    "torque_cnm": lambda j: j.torque_nm * CNM_PER_NM,
    "slew_up_cnm_per_s": lambda j: j.slew_up_nm_per_s * CNM_PER_NM,
    "slew_down_cnm_per_s": lambda j: j.slew_down_nm_per_s * CNM_PER_NM,
    "slew_tolerance_us": lambda j: j.slew_tolerance_ms * 1000.0,
    "window_cnm": lambda j: j.window_nm * CNM_PER_NM,
    "window_us": lambda j: j.window_ms * 1000.0,
    "lease_ms": lambda j: j.lease_ms,
    "power_raw": lambda j: j.power_w / W_PER_RAW,
    "velocity_max_ddegps": lambda j: j.velocity_max_degps * DDEGPS_PER_DEGPS,
    "position_min_cdeg": lambda j: j.position_min_deg * CDEG_PER_DEG,
    "position_max_cdeg": lambda j: j.position_max_deg * CDEG_PER_DEG,
    "tracking_cnm": lambda j: j.tracking_nm * CNM_PER_NM,
    "persist_us": lambda j: j.persist_ms * 1000.0,
    "yield_us": lambda j: j.yield_ms * 1000.0,
    "opposing_cnm": lambda j: j.opposing_nm * CNM_PER_NM,
    "opposing_ddegps": lambda j: j.opposing_velocity_degps * DDEGPS_PER_DEGPS,
    "opposing_us": lambda j: j.opposing_ms * 1000.0,
    "i2t_cnm": lambda j: j.i2t_nm * CNM_PER_NM,
    "i2t_us": lambda j: j.i2t_s * 1e6,
}
"""Fields of the C struct in order; `power_raw` is 0.01 Nm times 0.1 deg/s. Fractions are cut."""


def joint_integers(joint: JointLimits) -> dict[str, int]:
    """Limits of one joint in the governor's integer units."""
    return {name: _cut(value(joint)) for name, value in JOINT_FIELDS.items()}


def _cut(value: float) -> int:
    return math.trunc(value + math.copysign(1e-6, value))


def _joint_struct(table: Table) -> str:
    lines = ["/* Limits of one joint; power_raw is 0.01 Nm times 0.1 deg/s. */", "typedef struct {"]
    lines += [f"    int32_t {name};" for name in JOINT_FIELDS]
    lines += ["} exo_joint_limits;", "", "#define EXO_JOINT_LIMITS_INIT { \\"]
    for name, joint in table.joints.items():
        values = joint_integers(joint).items()
        lines += [f"    {{ /* {name} */ \\", *(f"        .{key} = {value}, \\" for key, value in values), "    }, \\"]
    return "\n".join([*lines, "}"])


def _block(title: str, values: Mapping[str, str]) -> str:
    return "\n".join([f"/* {title} */", *(f"#define EXO_{name} {value}" for name, value in values.items())])


def _enum(name: str, prefix: str, codes: Mapping[str, int]) -> str:
    body = "\n".join(f"    EXO_{prefix}_{key.upper()} = {code}," for key, code in codes.items())
    return f"enum {name} {{\n{body}\n}};"
