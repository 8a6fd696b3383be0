"""Lines of `exo-edge can dump` as text, JSON or CSV, and the summary at its end."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from firmware_bridge.bus_load import Rates
from firmware_bridge.monitor import ERROR_FRAME, Line, Monitor
from firmware_bridge.schema import Table

Format = Callable[[Line], str]

HEAD: Final = ("t_s", "id", "message", "joint", "check", "lost", "counter", "data")
_UNITS: Final = {"nm": "Nm", "ms": "ms", "deg": "deg", "degps": "deg/s"}
_LOOP_COUNTS: Final = ("e2e_lost", "e2e_gaps", "e2e_repeats", "e2e_crc")
_RED, _YELLOW, _DIM, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[2m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines are shown; an empty set lets all pass."""

    messages: frozenset[str] = frozenset()
    joints: frozenset[str] = frozenset()
    faulty_only: bool = False

    def passes(self, line: Line) -> bool:
        """Whether to show `line`; frames that are the bus's own, or nobody's, pass a joint filter."""
        if self.faulty_only and not line.faulty:
            return False
        if self.messages and line.message not in self.messages:
            return False
        return not self.joints or line.joint in self.joints or (self.faulty_only and not line.joint)


def record_of(line: Line) -> dict[str, float | int | str | None]:
    """One flat object: HEAD, then the fields with their units in the names."""
    head: dict[str, float | int | str | None] = {
        "t_s": round(line.t_s, 6),
        "id": f"{line.can_id:#x}",
        "message": line.message,
        "joint": line.joint,
        "check": line.check,
        "lost": line.lost,
        "counter": line.counter,
        "data": line.data.hex(),
    }
    return head | {name: None if _is_missing(value) else value for name, value in line.fields.items()}


def _is_missing(value: float | int | str) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def as_json(line: Line) -> str:
    """One strict JSON object on one line; null for what is not known."""
    return json.dumps(record_of(line), allow_nan=False)


class AsCsv:
    """Rows under one header; a table's columns are known before the first frame."""

    def __init__(self, table: Table) -> None:
        self._columns = [*HEAD, *field_names(table)]

    @property
    def header(self) -> str:
        """The first line."""
        return self._row(dict(zip(self._columns, self._columns, strict=True)))

    def __call__(self, line: Line) -> str:
        return self._row(record_of(line))

    def _row(self, values: Mapping[str, Any]) -> str:
        out = io.StringIO()
        csv.writer(out, lineterminator="").writerow(["" if (v := values.get(c)) is None else v for c in self._columns])
        return out.getvalue()


def field_names(table: Table) -> list[str]:
    """Every field that a line may have, each once."""
    suffix = {unit: name for name, unit in _UNITS.items()}
    names: list[str] = []
    for message in table.messages.values():
        names += [
            f"{name}_{suffix[item.unit]}" if item.unit else name
            for name, item in message.fields.items()
            if name not in ("mux", "payload")
        ]
    names += ["clock_ms", "protocol_hash", "limits_hash", "profile_hash", "crc_errors", "gaps", "repeats", "rejected"]
    return list(dict.fromkeys([*names, "payload", "error", "limiter", "missed", *_LOOP_COUNTS]))


def as_text(line: Line) -> str:
    """One line for a terminal without colours: time, id, who, values with units, what the check found."""
    values = "  ".join(_value(name, value) for name, value in line.fields.items())
    if not line.fields:
        values = line.data.hex(" ")
    check = "" if line.check in ("", "ok") else f"  [{line.check}{f', {line.lost} lost' if line.lost else ''}]"
    return f"{line.t_s:14.6f}  {line.can_id & 0x1FFFFFFF:>#5x}  {line.message:<15} {line.joint:<8} {values}{check}"


def as_colour(line: Line) -> str:
    """The same, red where something is wrong, yellow where frames are missing, dim for the clock and hashes."""
    text = as_text(line)
    if line.check == "some_lost":
        return f"{_YELLOW}{text}{_PLAIN}"
    if line.faulty:
        return f"{_RED}{text}{_PLAIN}"
    return f"{_DIM}{text}{_PLAIN}" if "clock_ms" in line.fields else text


def _value(name: str, value: float | int | str) -> str:
    stem, _, unit = name.rpartition("_")
    value = "unknown" if _is_missing(value) else value
    if stem and unit in _UNITS:
        number = f"{value:8.2f}" if isinstance(value, float) else f"{value:>8}"
        return f"{stem} {number} {_UNITS[unit]}"
    return f"{name} {value}"


def summary(monitor: Monitor, rates: Rates) -> dict[str, Any]:
    """Counts per id, the load of all of them with worst stuffing, and what the governor said it counted."""
    span_s = monitor.span_s
    streams = [
        {
            "id": f"{can_id:#x}" if stream.message != ERROR_FRAME else "",
            "message": stream.message,
            "joint": stream.joint,
            "frames": stream.frames,
            "rate_hz": round(stream.rate_hz, 3),
            "longest_gap_ms": round(stream.longest_gap_s * 1e3, 3),
            "load": round(stream.load(rates, span_s), 6),
            **stream.faults,
        }
        for can_id, stream in sorted(monitor.streams.items())
    ]
    return {
        "seconds": round(span_s, 6),
        "load": round(sum(s.load(rates, span_s) for s in monitor.streams.values()), 6),
        "rates": str(rates),
        "streams": streams,
        "governor_counts": dict(monitor.governor_counts),
    }


def summary_lines(result: dict[str, Any]) -> list[str]:
    """The summary for a person."""
    if not result["streams"]:
        return ["no frames"]
    columns = ("frames", "rate_hz", "longest_gap_ms", "lost", "gaps", "repeats", "crc_errors")
    lines = [f"{'id':>7}  {'message':<24}" + "".join(f"{name:>15}" for name in columns) + f"{'load':>9}"]
    for stream in result["streams"]:
        name = f"{stream['message']} {stream['joint']}"
        cells = "".join(f"{stream[column]:>15}" for column in columns)
        lines.append(f"{stream['id']:>7}  {name:<24}{cells}{stream['load']:>9.2%}")
    lines.append(f"{result['seconds']:g} s, load {result['load']:.1%} of {result['rates']} with worst stuffing")
    if counts := result["governor_counts"]:
        told = ", ".join(f"{name} {value}" for name, value in counts.items())
        lines.append(f"the governor counted (modulo 256): {told}")
    return lines
