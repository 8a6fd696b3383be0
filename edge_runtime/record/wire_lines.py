"""What a record says about the wire. Records hold no raw frames: their cycle rows are shown in the same form."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from edge_runtime.record.reader import Record
from edge_runtime.types import F64
from firmware_bridge.monitor import Line
from firmware_bridge.schema import Table

LIMITED: Final = "limited_nm_"
_COUNTED: Final = ("rejected", "missed", "e2e_lost", "e2e_gaps", "e2e_repeats", "e2e_crc")


def wire_lines(record: Record, table: Table) -> Iterator[Line]:
    """Per cycle and joint the setpoint sent and the joint state last heard; GOVERNOR_STATE where it changed, and a
    line `cycle` where frames were rejected or deadlines missed. `check` is "": headers are not recorded."""
    columns = record.cycles
    suffixes = [name.removeprefix(LIMITED) for name in columns if name.startswith(LIMITED)]
    before: tuple[float, ...] = ()
    counted = dict.fromkeys(_COUNTED, 0.0)
    for k in range(columns["t_ns"].size):
        t_s = float(columns["t_ns"][k]) * 1e-9
        for suffix in suffixes:
            yield from _joint_lines(columns, k, t_s, suffix, table)
        state = (float(columns["governor_state"][k]), float(columns["governor_reason"][k]))
        if state != before and not any(map(math.isnan, state)):
            before = state
            yield _line(t_s, "GOVERNOR_STATE", "all", table, _governor(state, table))
        grown = {n: float(columns[n][k]) - counted[n] for n in _COUNTED if columns[n][k] > counted[n]}
        if grown:
            counted |= {n: float(columns[n][k]) for n in grown}
            yield Line(t_s, 0, "cycle", "", "dropped" if "rejected" in grown else "", 0, None, b"", grown)


def _joint_lines(columns: dict[str, F64], k: int, t_s: float, suffix: str, table: Table) -> Iterator[Line]:
    joint = next((name for name in table.joints if name == suffix or name.endswith(f"_{suffix}")), suffix)
    mode = {code: name for name, code in table.modes.items()}.get(_whole(columns["mode"][k]), "unknown")
    limiter = _whole(columns[f"limiter_{suffix}"][k])
    rule = table.limiter_reasons[limiter] if 0 <= limiter < len(table.limiter_reasons) else f"unknown_{limiter}"
    sent: dict[str, float | int | str] = {
        "torque_nm": _tidy(columns[LIMITED + suffix][k]),
        "age_ms": _tidy(columns[f"age_ms_{suffix}"][k]),
        "mode": mode,
        "limiter": rule,
    }
    heard: dict[str, float | int | str] = {
        "position_deg": _tidy(math.degrees(columns[f"position_rad_{suffix}"][k])),
        "velocity_degps": _tidy(math.degrees(columns[f"velocity_radps_{suffix}"][k])),
        "torque_nm": _tidy(columns[f"measured_nm_{suffix}"][k]),
    }
    yield _line(t_s, "TORQUE_SETPOINT", joint, table, sent)
    yield _line(t_s, "JOINT_STATE", joint, table, heard)


def _governor(state: tuple[float, float], table: Table) -> dict[str, float | int | str]:
    names = {code: name for name, code in table.states.items()}
    return {"state": names.get(_whole(state[0]), "unknown"), "reason": table.reason_name(_whole(state[1]))}


def _line(t_s: float, message: str, joint: str, table: Table, fields: dict[str, float | int | str]) -> Line:
    can_id = table.messages[message].can_id.get(joint, 0)
    return Line(t_s, can_id, message, joint, "", 0, None, b"", fields)


def _whole(value: float) -> int:
    return int(value) if math.isfinite(value) else -1


def _tidy(value: float) -> float:
    return round(float(value), 3)
