"""Loads a record back as numpy columns: all up to the last whole chunk, also of a cut file."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Attachment, Channel, Chunk, McapRecord, Message, Metadata
from mcap.stream_reader import breakup_chunk

from edge_runtime.errors import UserError
from edge_runtime.misses import Miss
from edge_runtime.record import channels
from edge_runtime.record.recorder import METADATA, RECORD_FILE
from edge_runtime.telemetry import CYCLE_FIELDS, estimate_fields
from edge_runtime.tissue.rows import TISSUE_FIELDS, CuffMap, from_json
from edge_runtime.types import F64

MAGIC: Final = b"\x89MCAP0\r\n"
_HEAD: Final = struct.Struct("<BQ")  # opcode, length of the content (MCAP specification, "Records")
_BLOCK_ROWS: Final = 4096
_DAMAGED = (McapError, ValueError, KeyError, TypeError, struct.error, zstandard.ZstdError, EOFError)
_LEVEL_NAMES = {number: name for name, number in channels.LOG_LEVELS.items()}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at `t_ns`: `level` (info, warning ...), its kind `code`, one line of `text`."""

    t_ns: int
    level: str
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Record:
    """A run as columns: `cycles` and `estimates` map each field of edge_runtime.telemetry to float64 [n].

    Every field is there, with length 0 where nothing was recorded. `complete` is False for a cut file. `tissue` has the
    fields of edge_runtime.tissue.rows, `cuff_maps` its pressure maps: both empty without the tissue observer.
    """

    path: Path
    muscles: tuple[str, ...]
    cycles: dict[str, F64]
    estimates: dict[str, F64]
    events: list[Event] = field(default_factory=list)
    misses: list[Miss] = field(default_factory=list)
    attachments: dict[str, bytes] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    complete: bool = True
    tissue: dict[str, F64] = field(default_factory=dict)
    cuff_maps: list[CuffMap] = field(default_factory=list)

    @property
    def t0_ns(self) -> float:
        """Earliest stamp of a cycle or of a capture, in ns; 0 in an empty record."""
        stamps = [self.cycles["t_ns"], self.estimates["t_capture_ns"]]
        firsts = [float(np.nanmin(column)) for column in stamps if np.isfinite(column).any()]
        return min(firsts, default=0.0)

    @property
    def duration_s(self) -> float:
        """From the earliest to the latest stamp of a cycle or an estimate, in s."""
        stamps = [self.cycles["t_ns"], self.estimates["t_ready_ns"]]
        lasts = [float(np.nanmax(column)) for column in stamps if np.isfinite(column).any()]
        return (max(lasts) - self.t0_ns) / 1e9 if lasts else 0.0


def load(folder_or_file: Path) -> Record:
    """Read a record; never raises on a damaged tail. Raises UserError where there is no MCAP file to read."""
    path = folder_or_file / RECORD_FILE if folder_or_file.is_dir() else folder_or_file
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            start = file.read(len(MAGIC))
            if not MAGIC.startswith(start) or (size >= len(MAGIC) and start != MAGIC):
                raise UserError(f"{path} is not an MCAP record; give a run folder or its {RECORD_FILE}")
            return _collect(path, file, size)
    except OSError as error:
        raise UserError(f"cannot read the record {path}: {error.strerror}; give a run folder") from error


class _Table:
    """Rows of one channel, gathered in blocks of numpy rows."""

    def __init__(self) -> None:
        self._blocks: list[F64] = []
        self._rows: list[list[float | None]] = []
        self._keys: list[str] = []

    def add(self, row: dict[str, float | None]) -> None:
        if not self._keys:
            self._keys = list(row)
        elif len(row) != len(self._keys):
            raise ValueError("a row does not have the fields of the first one")
        self._rows.append(list(row.values()))
        if len(self._rows) == _BLOCK_ROWS:
            self._close_block()

    def _close_block(self) -> None:
        self._blocks.append(np.array(self._rows, dtype=np.float64))
        self._rows = []

    def columns(self, fields: tuple[str, ...]) -> dict[str, F64]:
        if self._rows:
            self._close_block()
        n = sum(len(block) for block in self._blocks)
        known = {name: index for index, name in enumerate(self._keys)}
        result: dict[str, F64] = {}
        for name in dict.fromkeys((*fields, *self._keys)):
            if name in known:
                result[name] = np.concatenate([block[:, known[name]] for block in self._blocks])
            else:
                result[name] = np.full(n, np.nan)
        return result


def _collect(path: Path, file: BinaryIO, size: int) -> Record:
    tables = {topic: _Table() for topic in (channels.CYCLES, channels.ESTIMATES, channels.TISSUE)}
    topics: dict[int, str] = {}
    events: list[Event] = []
    misses: list[Miss] = []
    maps: list[CuffMap] = []
    attachments: dict[str, bytes] = {}
    metadata: dict[str, str] = {}
    complete = False
    try:
        for item in _records(file, size):
            if item is None:
                complete = True
            elif isinstance(item, Attachment):
                attachments[item.name] = item.data
            elif isinstance(item, Metadata) and item.name == METADATA:
                metadata = item.metadata
            elif isinstance(item, Channel):
                topics[item.id] = item.topic
            elif isinstance(item, Message):
                _add_message(topics.get(item.channel_id, ""), item, tables, events, misses, maps)
    except _DAMAGED:
        complete = False
    muscles = tuple(name for name in metadata.pop("muscles", "").split(",") if name)
    cycles = tables[channels.CYCLES].columns(CYCLE_FIELDS)
    estimates = tables[channels.ESTIMATES].columns(estimate_fields(muscles))
    tissue = tables[channels.TISSUE].columns(TISSUE_FIELDS)
    return Record(path, muscles, cycles, estimates, events, misses, attachments, metadata, complete, tissue, maps)


def _add_message(
    topic: str,
    message: Message,
    tables: dict[str, _Table],
    events: list[Event],
    misses: list[Miss],
    maps: list[CuffMap],
) -> None:
    content = json.loads(message.data)
    if topic in tables:
        tables[topic].add(content)
    elif topic == channels.EVENTS:
        stamp = content["timestamp"]
        t_ns = stamp["sec"] * 1_000_000_000 + stamp["nsec"]
        events.append(Event(t_ns, _LEVEL_NAMES[content["level"]], content["name"], content["message"]))
    elif topic == channels.MISSES:
        misses.append(Miss(**content))
    elif topic == channels.TISSUE_MAPS:
        maps.append(from_json(content))


def _records(file: BinaryIO, size: int) -> Iterator[McapRecord | None]:
    """Whole records of the data section, chunks opened, their CRC checked; None at a proper end."""
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        opcode, length = _HEAD.unpack(head)
        if length > size - file.tell():
            return
        content = file.read(length)
        if opcode == Opcode.FOOTER:
            if file.read() == MAGIC:
                yield None
            return
        stream = ReadDataStream(BytesIO(content))
        if opcode == Opcode.CHUNK:
            yield from breakup_chunk(Chunk.read(stream), validate_crc=True)
        elif opcode == Opcode.ATTACHMENT:
            yield Attachment.read(stream)
        elif opcode == Opcode.METADATA:
            yield Metadata.read(stream)
