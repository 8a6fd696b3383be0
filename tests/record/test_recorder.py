"""The record: written and read back exactly, deterministic, readable after a kill, a cut or a full disk."""

from __future__ import annotations

import json
import os
import resource
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.exceptions import EndOfFile
from mcap.reader import make_reader
from mcap.stream_reader import StreamReader

from edge_runtime.errors import UserError
from edge_runtime.record import RECORD_FILE, Record, Recorder, load
from edge_runtime.record.reader import MAGIC
from edge_runtime.telemetry import CYCLE_FIELDS, estimate_fields
from edge_runtime.types import F64
from tests.record.fake_run import MUSCLES, FakeRun, fake_run, write_run


@pytest.fixture(scope="module")
def run() -> FakeRun:
    return fake_run(2.0)


@pytest.fixture(scope="module")
def written(run: FakeRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run"), run) / RECORD_FILE


def _rows(columns: dict[str, F64], fields: tuple[str, ...]) -> F64:
    return np.column_stack([columns[name] for name in fields])


def _is_prefix(record: Record, run: FakeRun) -> bool:
    cycles = _rows(record.cycles, CYCLE_FIELDS)
    estimates = _rows(record.estimates, estimate_fields(record.muscles))
    same_cycles = np.array_equal(cycles, run.cycles[: len(cycles)], equal_nan=True)
    width = estimates.shape[1]
    same_estimates = np.array_equal(estimates, run.estimates[: len(estimates), :width], equal_nan=True)
    return same_cycles and same_estimates


def test_rows_events_and_attachments_come_back_exactly(run: FakeRun, written: Path) -> None:
    record = load(written.parent)
    assert record.complete
    assert record.muscles == MUSCLES
    assert len(record.cycles["t_ns"]) == len(run.cycles)
    assert len(record.estimates["frame"]) > 100
    assert _is_prefix(record, run)
    assert [(e.t_ns, e.level, e.code, e.text) for e in record.events] == list(run.events)
    assert record.attachments["profile.toml"] == b'id = "p-0001"\n'
    assert record.metadata == {"clip": "demo.mp4"}


def test_any_mcap_reader_opens_it_and_messages_are_strict_json(written: Path) -> None:
    with written.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        assert {a.name for a in reader.iter_attachments()} == {"device.toml", "profile.toml"}
        for schema, channel, message in reader.iter_messages(topics=["/estimate"]):
            assert schema is not None and schema.encoding == "jsonschema" and channel.message_encoding == "json"
            row = json.loads(message.data, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
            assert tuple(row) == estimate_fields(MUSCLES)
            assert message.log_time == row["t_ready_ns"] and message.publish_time == row["t_capture_ns"]


def test_nan_and_infinity_become_null(tmp_path: Path) -> None:
    rows = np.full((1, len(CYCLE_FIELDS)), np.nan)
    rows[0, 3:5] = [np.inf, -np.inf]
    rows[0, 5] = 0.1
    with Recorder(tmp_path, (), {}) as recorder:
        recorder.cycles(rows)
    cycles = load(tmp_path).cycles
    assert np.isnan(cycles["compute_us"][0]) and np.isnan(cycles["intent_seq"][0])
    assert cycles["intent_capture_ns"][0] == 0.1


def test_same_calls_same_bytes(run: FakeRun, written: Path, tmp_path: Path) -> None:
    again = write_run(tmp_path / "again", run) / RECORD_FILE
    assert again.read_bytes() == written.read_bytes()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0.0, 1.0))
def test_a_cut_file_reads_as_a_prefix(run: FakeRun, written: Path, tmp_path: Path, share: float) -> None:
    whole = written.read_bytes()
    keep = int(share * (len(whole) - 1))
    (tmp_path / "cut.mcap").write_bytes(whole[:keep])
    record = load(tmp_path / "cut.mcap")
    assert not record.complete
    assert _is_prefix(record, run)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0.001, 1.0, exclude_max=True), flip=st.integers(1, 255))
def test_a_damaged_byte_never_raises_nor_makes_up_rows(
    run: FakeRun, written: Path, tmp_path: Path, share: float, flip: int
) -> None:
    damaged = bytearray(written.read_bytes())
    damaged[max(8, int(share * len(damaged)))] ^= flip
    (tmp_path / "damaged.mcap").write_bytes(damaged)
    cycles = _rows(load(tmp_path / "damaged.mcap").cycles, CYCLE_FIELDS)
    rows = cycles[:, CYCLE_FIELDS.index("cycle")].astype(np.int64)
    assert np.array_equal(cycles, run.cycles[rows], equal_nan=True)


def test_a_damaged_chunk_is_not_believed(tmp_path: Path) -> None:
    with Recorder(tmp_path, (), {}) as recorder:
        recorder.cycles(np.arange(len(CYCLE_FIELDS), dtype=np.float64)[None, :])
    whole = (tmp_path / RECORD_FILE).read_bytes()
    chunks = [at for at in range(8, len(whole)) if whole[at : at + 4] == b"zstd"]
    assert chunks, "the chunk says how it is compressed"
    crc_at = chunks[0] - 8
    damaged = whole[:crc_at] + bytes([whole[crc_at] ^ 1]) + whole[crc_at + 1 :]
    (tmp_path / "damaged.mcap").write_bytes(damaged)
    record = load(tmp_path / "damaged.mcap")
    assert not record.complete and record.cycles["t_ns"].size == 0


@pytest.mark.parametrize(
    "tail",
    [
        pytest.param(b"\x06" + b"\xff" * 8, id="a length past the end of the file"),
        pytest.param(b"\x0c" + struct.pack("<Q", 4) + struct.pack("<I", 9), id="a name longer than its record"),
        pytest.param(b"\x06" + struct.pack("<Q", 3) + b"abc", id="a chunk too short to be one"),
    ],
)
def test_nonsense_ends_the_record(tmp_path: Path, tail: bytes) -> None:
    (tmp_path / "odd.mcap").write_bytes(MAGIC + tail)
    record = load(tmp_path / "odd.mcap")
    assert not record.complete and record.attachments == {}


def test_half_an_attachment_is_none(tmp_path: Path) -> None:
    Recorder(tmp_path, (), {"a.txt": b"first", "profile.toml": b"x" * 1000}).close()
    whole = (tmp_path / RECORD_FILE).read_bytes()
    (tmp_path / "cut.mcap").write_bytes(whole[: whole.index(b"x" * 1000) + 500])
    assert load(tmp_path / "cut.mcap").attachments == {"a.txt": b"first"}


WRITER = """
import sys
from pathlib import Path
from tests.record.fake_run import MUSCLES, fake_run
from edge_runtime.record import Recorder
run = fake_run(2.0)
recorder = Recorder(Path(sys.argv[1]), MUSCLES, {"profile.toml": b"x"})
for start in range(0, 1500, 50):
    recorder.cycles(run.cycles[start : start + 50])
print("written", flush=True)
sys.stdin.read()
"""


def test_readable_after_sigkill(run: FakeRun, tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        process.send_signal(signal.SIGKILL)
    record = load(tmp_path)
    assert process.returncode == -signal.SIGKILL
    assert not record.complete
    assert 1000 <= len(record.cycles["t_ns"]) <= 1500, "all but the chunk in progress, which holds under 350 rows"
    assert _is_prefix(record, run)
    assert record.attachments == {"profile.toml": b"x"}


@contextmanager
def _disk_of(size: int) -> Iterator[None]:
    """Files of this process may not grow past `size` bytes: the kernel refuses further writes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_up_keeps_what_was_written(run: FakeRun, tmp_path: Path) -> None:
    with _disk_of(200_000), Recorder(tmp_path, MUSCLES, {}) as recorder:
        for start in range(0, 2000, 50):
            recorder.cycles(run.cycles[start : start + 50])
    assert recorder.failed is not None and "File too large" in recorder.failed and "\n" not in recorder.failed
    record = load(tmp_path)
    assert not record.complete
    assert len(record.cycles["t_ns"]) >= 250
    assert _is_prefix(record, run)
    with (tmp_path / RECORD_FILE).open("rb") as file, pytest.raises(EndOfFile):
        for item in StreamReader(file, validate_crcs=True).records:
            assert item is not None
    assert os.path.getsize(tmp_path / RECORD_FILE) < 200_000, "half a chunk is cut off"


def test_a_full_disk_at_the_start_is_one_line(tmp_path: Path) -> None:
    with _disk_of(10), pytest.raises(UserError, match="File too large") as caught:
        Recorder(tmp_path, MUSCLES, {})
    assert "\n" not in str(caught.value)
    assert not (tmp_path / RECORD_FILE).exists()


@pytest.mark.parametrize("folder", ["/proc/nowhere/run", "/dev/null/run"])
def test_an_unwritable_folder_is_one_line(folder: str) -> None:
    with pytest.raises(UserError, match=r"cannot (write the|start a) record") as caught:
        Recorder(Path(folder), (), {})
    assert "\n" not in str(caught.value)


def test_never_overwrites_a_record(tmp_path: Path) -> None:
    Recorder(tmp_path, (), {}).close()
    before = (tmp_path / RECORD_FILE).read_bytes()
    with pytest.raises(UserError, match="exists already"):
        Recorder(tmp_path, (), {})
    assert (tmp_path / RECORD_FILE).read_bytes() == before


def test_an_empty_record_has_every_column(tmp_path: Path) -> None:
    Recorder(tmp_path, MUSCLES, {}).close()
    record = load(tmp_path)
    assert record.complete and record.duration_s == 0.0
    assert set(CYCLE_FIELDS) <= set(record.cycles) and record.cycles["t_ns"].shape == (0,)
    assert set(estimate_fields(MUSCLES)) <= set(record.estimates)


def test_calls_after_close_are_ignored(tmp_path: Path, run: FakeRun) -> None:
    recorder = Recorder(tmp_path, MUSCLES, {})
    recorder.close()
    recorder.cycles(run.cycles[:2])
    recorder.event(1, "info", "late", "after the end")
    recorder.close()
    assert load(tmp_path).events == []


def test_wrong_shapes_and_names_are_programmer_errors(tmp_path: Path) -> None:
    with Recorder(tmp_path, ("soleus_r",), {}) as recorder:
        with pytest.raises(ValueError, match="rows must be"):
            recorder.cycles(np.zeros((2, 3)))
        with pytest.raises(ValueError, match="rows must be"):
            recorder.estimate(np.zeros(len(estimate_fields(()))))
        with pytest.raises(KeyError):
            recorder.event(0, "loud", "x", "y")
    with pytest.raises(ValueError, match="field names"):
        Recorder(tmp_path / "b", ('a"b',), {})


@pytest.mark.parametrize("content", [b"not a record", b"\x89PNG0000rest"])
def test_another_file_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.mcap").write_bytes(content)
    with pytest.raises(UserError, match="not an MCAP record"):
        load(tmp_path / "x.mcap")


def test_a_missing_record_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read the record"):
        load(tmp_path)


def test_writing_is_cheap_enough_for_the_loop(tmp_path: Path) -> None:
    rows = np.tile(fake_run(1.0).cycles, (4, 1))
    with Recorder(tmp_path, MUSCLES, {}) as recorder:
        start = time.process_time()
        for at in range(0, len(rows), 50):
            recorder.cycles(rows[at : at + 50])
        cost_us = (time.process_time() - start) / len(rows) * 1e6
    assert cost_us < 200.0, "1 kHz rows must leave the core mostly free, also on a slow shared machine"
    assert os.path.getsize(tmp_path / RECORD_FILE) / len(rows) < 600
