"""Writes the record of a run as MCAP: any MCAP reader opens it, a cut file up to its last whole chunk."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
from mcap.writer import CompressionType, Writer

from edge_runtime.errors import UserError
from edge_runtime.misses import Miss
from edge_runtime.record import channels
from edge_runtime.telemetry import CYCLE_FIELDS, ESTIMATE_HEAD, estimate_fields
from edge_runtime.tissue.rows import TISSUE_FIELDS, CuffMap
from edge_runtime.types import F64

RECORD_FILE: Final = "record.mcap"
METADATA: Final = "exo-edge"
CHUNK_BYTES: Final = 256 * 1024

_T_CYCLE = CYCLE_FIELDS.index("t_ns")
_T_CAPTURE = ESTIMATE_HEAD.index("t_capture_ns")
_T_READY = ESTIMATE_HEAD.index("t_ready_ns")


class _Sink:
    """The file under the writer: each write reaches the kernel at once; after the first failure it swallows.

    The writer hands over whole MCAP records only, so cutting a failed write off leaves a readable file.
    """

    def __init__(self, path: Path) -> None:
        self.failed: str | None = None
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        self._end = 0

    def write(self, data: bytes) -> int:
        if self.failed is None:
            try:
                self._write_all(data)
            except OSError as error:
                self.failed = error.strerror or str(error)
                with contextlib.suppress(OSError):
                    os.ftruncate(self._fd, self._end)
        return len(data)

    def _write_all(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(self._fd, left) :]
        self._end += len(data)

    def tell(self) -> int:
        return self._end

    def flush(self) -> None:
        """Nothing is buffered here."""

    def close(self) -> None:
        try:
            os.fsync(self._fd)
        except OSError as error:
            self.failed = self.failed or error.strerror or str(error)
        finally:
            os.close(self._fd)


class Recorder:
    """Writes `folder`/record.mcap: torque-loop rows, estimate rows and events, in zstd chunks of 256 KiB.

    `muscles` names the activations of an estimate row; `attachments` (file name -> bytes: configuration,
    profile) and `metadata` are written first. The same calls give the same bytes: nothing reads a clock.
    Raises UserError where the folder cannot be written. A failure after that never raises: `failed` tells it,
    further rows are dropped and all that was written stays readable. For one thread.
    """

    def __init__(
        self,
        folder: Path,
        muscles: tuple[str, ...],
        attachments: Mapping[str, bytes],
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.path = folder / RECORD_FILE
        self._estimate_fields = estimate_fields(muscles)
        self._cycle_template = channels.row_template(CYCLE_FIELDS)
        self._estimate_template = channels.row_template(self._estimate_fields)
        self._sequence = {"cycle": 0, "estimate": 0, "event": 0, "miss": 0, "tissue": 0, "tissue_map": 0}
        self._tissue_template = channels.row_template(TISSUE_FIELDS)
        self._tissue_ids: tuple[int, int] | None = None
        self._closed = False
        self._sink = _open(self.path)
        self._writer = Writer(self._sink, chunk_size=CHUNK_BYTES, compression=CompressionType.ZSTD)  # type: ignore[arg-type]
        self._writer.start(profile="", library="exo-edge")
        self._writer.add_metadata(METADATA, {**(metadata or {}), "muscles": ",".join(muscles)})
        for name, data in attachments.items():
            self._writer.add_attachment(0, 0, name, _media_type(name), data)
        self._cycle_id = self._channel(channels.CYCLES, "exo_edge.Cycle", CYCLE_FIELDS)
        self._estimate_id = self._channel(channels.ESTIMATES, "exo_edge.Estimate", self._estimate_fields)
        schema = self._writer.register_schema("foxglove.Log", "jsonschema", channels.EVENT_SCHEMA)
        self._event_id = self._writer.register_channel(channels.EVENTS, "json", schema)
        schema = self._writer.register_schema("exo_edge.Miss", "jsonschema", channels.MISS_SCHEMA)
        self._miss_id = self._writer.register_channel(channels.MISSES, "json", schema)
        if self._sink.failed:
            self._sink.close()
            self.path.unlink(missing_ok=True)
            raise UserError(
                f"cannot write the record {self.path}: {self._sink.failed}; free some space or choose another folder"
            )

    @property
    def failed(self) -> str | None:
        """None while all is well, else one line that says why the record ends early."""
        if self._sink.failed is None:
            return None
        return f"the record {self.path} ends early: {self._sink.failed}; what was written before is readable"

    def cycles(self, rows: F64) -> None:
        """Add `rows` [n, len(CYCLE_FIELDS)] of the torque loop; NaN and infinity are written as null."""
        _check_width(rows, len(CYCLE_FIELDS))
        if self._sink.failed or self._closed:
            return
        stamps = _stamps(rows[:, _T_CYCLE])
        first = self._sequence["cycle"] + 1
        objects = channels.row_objects(self._cycle_template, rows)
        for sequence, (stamp, data) in enumerate(zip(stamps, objects, strict=True), first):
            self._writer.add_message(self._cycle_id, stamp, data, stamp, sequence)
        self._sequence["cycle"] += rows.shape[0]

    def estimate(self, row: F64) -> None:
        """Add one estimate: `row` [len(estimate_fields(muscles))], logged at `t_ready_ns`."""
        rows = np.atleast_2d(row)
        _check_width(rows, len(self._estimate_fields))
        if self._sink.failed or self._closed:
            return
        captured, ready = _stamps(rows[0, [_T_CAPTURE, _T_READY]])
        data = next(channels.row_objects(self._estimate_template, rows))
        self._writer.add_message(self._estimate_id, ready or captured, data, captured, self._next("estimate"))

    def event(self, t_ns: int, level: str, code: str, text: str) -> None:
        """Add an event; `level` is one of debug, info, warning, error, fatal; `code` names its kind."""
        data = channels.event_object(t_ns, level, code, text)
        if self._sink.failed or self._closed:
            return
        stamp = max(0, int(t_ns))
        self._writer.add_message(self._event_id, stamp, data, stamp, self._next("event"))

    def miss(self, miss: Miss) -> None:
        """Add a missed deadline with its evidence."""
        if self._sink.failed or self._closed:
            return
        stamp = max(0, miss.t_ns)
        self._writer.add_message(self._miss_id, stamp, channels.miss_object(miss), stamp, self._next("miss"))

    def tissue(self, rows: F64) -> None:
        """Add rows [n, TISSUE_FIELDS] of the tissue observer; its channels begin with the first."""
        _check_width(rows, len(TISSUE_FIELDS))
        if self._sink.failed or self._closed:
            return
        channel, _ = self._tissue_channels()
        for stamp, data in zip(_stamps(rows[:, 0]), channels.row_objects(self._tissue_template, rows), strict=True):
            self._writer.add_message(channel, stamp, data, stamp, self._next("tissue"))

    def tissue_map(self, cuff_map: CuffMap) -> None:
        """Add one pressure map of the tissue observer."""
        if self._sink.failed or self._closed:
            return
        _, channel = self._tissue_channels()
        data = json.dumps(cuff_map.as_json()).encode()
        self._writer.add_message(channel, cuff_map.t_ns, data, cuff_map.t_ns, self._next("tissue_map"))

    def flush(self) -> None:
        """End the chunk in progress, so that all rows so far survive a kill."""
        if not self._closed:
            self._writer.flush()  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Write the index and close the file; never raises: see `failed`. Closing twice is fine."""
        if self._closed:
            return
        self._closed = True
        self._writer.finish()  # type: ignore[no-untyped-call]
        self._sink.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _channel(self, topic: str, title: str, fields: tuple[str, ...]) -> int:
        schema = self._writer.register_schema(title, "jsonschema", channels.row_schema(title, fields))
        return self._writer.register_channel(topic, "json", schema)

    def _tissue_channels(self) -> tuple[int, int]:
        """Channels of rows and maps, made when the first is written."""
        if self._tissue_ids is None:
            rows = self._channel(channels.TISSUE, "exo_edge.Tissue", TISSUE_FIELDS)
            schema = self._writer.register_schema("exo_edge.CuffMap", "jsonschema", channels.TISSUE_MAP_SCHEMA)
            self._tissue_ids = rows, self._writer.register_channel(channels.TISSUE_MAPS, "json", schema)
        return self._tissue_ids

    def _next(self, kind: str) -> int:
        self._sequence[kind] += 1
        return self._sequence[kind]


def _open(path: Path) -> _Sink:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _Sink(path)
    except FileExistsError as error:
        where = f"{path} exists already" if path.exists() and path.parent.is_dir() else f"{path.parent} is a file"
        raise UserError(f"cannot start a record: {where}; choose another folder") from error
    except OSError as error:
        why = error.strerror or str(error)
        raise UserError(f"cannot write the record {path}: {why}; choose a folder you may write to") from error


def _check_width(rows: F64, width: int) -> None:
    if rows.ndim != 2 or rows.shape[1] != width:
        raise ValueError(f"rows must be [n, {width}], got {list(rows.shape)}")


def _stamps(column_ns: F64) -> list[int]:
    """MCAP stamps are unsigned: NaN and negative times become 0."""
    clean = np.where(np.isfinite(column_ns), column_ns, 0.0)
    stamps: list[int] = np.maximum(clean, 0.0).astype(np.int64).tolist()
    return stamps


def _media_type(name: str) -> str:
    kinds = {".toml": "application/toml", ".json": "application/json", ".txt": "text/plain"}
    return kinds.get(Path(name).suffix, "application/octet-stream")
