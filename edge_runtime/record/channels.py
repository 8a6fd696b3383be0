"""Channels of a record: topics, JSON schemas and how a row becomes one JSON object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import Final

import numpy as np

from edge_runtime.misses import Miss
from edge_runtime.types import F64

CYCLES: Final = "/torque_loop"
ESTIMATES: Final = "/estimate"
EVENTS: Final = "/events"
MISSES: Final = "/misses"
TISSUE: Final = "/tissue"
TISSUE_MAPS: Final = "/tissue_map"

LOG_LEVELS: Final = {"debug": 1, "info": 2, "warning": 3, "error": 4, "fatal": 5}
"""Numbers of the well-known schema foxglove.Log."""

_TIME = {"type": "object", "properties": {"sec": {"type": "integer"}, "nsec": {"type": "integer"}}}

EVENT_SCHEMA: Final = json.dumps({
    "type": "object",
    "title": "foxglove.Log",
    "properties": {
        "timestamp": _TIME,
        "level": {"type": "integer"},
        "message": {"type": "string"},
        "name": {"type": "string"},
    },
}).encode()  # fmt: skip


MISS_SCHEMA: Final = json.dumps({
    "type": "object",
    "title": "exo_edge.Miss",
    "properties": {f.name: {"type": "string" if f.type == "str" else "number"} for f in fields(Miss)},
}).encode()  # fmt: skip


_TILES = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}
TISSUE_MAP_SCHEMA: Final = json.dumps({
    "type": "object",
    "title": "exo_edge.CuffMap",
    "properties": {
        "t_ns": {"type": "integer"},
        "side": {"type": "string"},
        "cuff": {"type": "string"},
        **{name: {"type": "number"} for name in ("low_m", "high_m", "half_rad")},
        "mean_pa": _TILES,
        "peak_pa": _TILES,
    },
}).encode()  # fmt: skip


def row_schema(title: str, fields: tuple[str, ...]) -> bytes:
    """JSON schema of a row: every field a number, or null where it was NaN or infinite."""
    numbers = {name: {"type": ["number", "null"]} for name in fields}
    return json.dumps({"type": "object", "title": title, "properties": numbers}).encode()


def row_template(fields: tuple[str, ...]) -> str:
    """A `%` template that turns a tuple of floats into one JSON object; raises ValueError on an odd name."""
    odd = [name for name in fields if not re.fullmatch(r"\w+", name)]
    if odd:
        raise ValueError(f"field names must be letters, digits and underscores: {odd}")
    return "{" + ",".join(f'"{name}":%r' for name in fields) + "}"


def row_objects(template: str, rows: F64) -> Iterator[bytes]:
    """One JSON object per row of `rows` [n, fields]; its digits read back to the same float64."""
    finite = bool(np.isfinite(rows).all())
    for row in rows.tolist():
        text = template % tuple(row)
        if not finite:
            text = text.replace(":nan", ":null").replace(":inf", ":null").replace(":-inf", ":null")
        yield text.encode()


def miss_object(miss: Miss) -> bytes:
    """A missed deadline with its evidence."""
    return json.dumps(asdict(miss), ensure_ascii=False).encode("utf-8", "replace")


def event_object(t_ns: int, level: str, code: str, text: str) -> bytes:
    """An event as foxglove.Log: name `code`, message `text`. Raises KeyError on an unknown level."""
    t_ns = int(t_ns)
    stamp = {"sec": t_ns // 1_000_000_000, "nsec": t_ns % 1_000_000_000}
    fields = {"timestamp": stamp, "level": LOG_LEVELS[level], "message": text, "name": code}
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")
