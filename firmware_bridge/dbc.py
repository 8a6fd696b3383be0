"""Renders the limits table as a DBC file, for any CAN tool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from firmware_bridge.schema import Field, Message, Table

PATH: Final = "firmware_bridge/exo_edge.dbc"


def render(table: Table, note: str) -> str:
    """DBC file: one message per CAN id, little endian, state messages multiplexed."""
    lines = ['VERSION ""', "", "NS_ :", "", "BS_:", "", "BU_: HOST GOVERNOR", ""]
    names = []
    for name, message in table.messages.items():
        for joint, can_id in message.can_id.items():
            full = name if joint == "all" else f"{name}_{joint.upper()}"
            names.append((can_id, full, message))
            lines += _message(table, full, can_id, message)
    lines += [
        f'CM_ "{note}";',
        'BA_DEF_ BO_ "GenMsgCycleTime" INT 0 10000;',
        'BA_DEF_DEF_ "GenMsgCycleTime" 0;',
    ]
    lines += [f'BA_ "GenMsgCycleTime" BO_ {can_id} {round(m.period_ms)};' for can_id, _, m in names]
    for can_id, _, message in names:
        lines += [_values(can_id, key, codes) for key, codes in _named(table, message).items()]
    return "\n".join(lines) + "\n"


def _named(table: Table, message: Message) -> dict[str, Mapping[str, int]]:
    known = {"mode": table.modes, "state": table.states, "mux": table.mux, "reason": table.reasons}
    return {key: codes for key, codes in known.items() if key in message.fields}


def _message(table: Table, name: str, can_id: int, message: Message) -> list[str]:
    receiver = "GOVERNOR" if message.sender == "HOST" else "HOST"
    header_fields = {
        "e2e_crc": Field(0, 8, False, 1.0, ""),
        "e2e_counter": Field(8, 4, False, 1.0, ""),
        "e2e_data_id": Field(12, 4, False, 1.0, ""),
    }
    lines = [f"BO_ {can_id} {name}: 8 {message.sender}"]
    for key, field in {**header_fields, **message.fields}.items():
        if key == "payload":
            lines += [_signal(*item, receiver) for item in _payload(table, field, message)]
        else:
            lines.append(_signal(key, " M" if key == "mux" else "", field, receiver))
    return [*lines, ""]


def _payload(table: Table, field: Field, message: Message) -> list[tuple[str, str, Field]]:
    signals = []
    for name, code in table.mux.items():
        tag = f" m{code}"
        if name == "CLOCK":
            signals.append(("clock", tag, Field(field.bit, field.bits, False, 0.1, "ms")))
        elif name != "COUNTERS":
            signals.append((name.lower(), tag, field))
        elif message.sender == "GOVERNOR":
            parts = ("crc_errors", "gaps", "repeats", "rejected")
            signals += [(p, tag, Field(field.bit + 8 * i, 8, False, 1.0, "")) for i, p in enumerate(parts)]
    return signals


def _signal(name: str, tag: str, field: Field, receiver: str) -> str:
    low, high = (f"{raw * field.scale:.10g}" for raw in field.raw_range())
    sign = "-" if field.signed else "+"
    layout = f"{field.bit}|{field.bits}@1{sign} ({field.scale:g},0) [{low}|{high}]"
    return f' SG_ {name}{tag} : {layout} "{field.unit}" {receiver}'


def _values(can_id: int, signal: str, codes: Mapping[str, int]) -> str:
    pairs = " ".join(f'{code} "{name}"' for name, code in codes.items())
    return f"VAL_ {can_id} {signal} {pairs} ;"
