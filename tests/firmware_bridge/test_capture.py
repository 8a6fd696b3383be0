"""Logs: written by python-can and by us, read back; cut and damaged ones keep what was whole and say where it ends."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import can
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.bus import Bus, Condition, Listener, open_bus
from firmware_bridge.buses.base import EFF_FLAG, ERR_FLAG, ID_MASK, fd_frame_bytes, frame_bytes, frame_data
from firmware_bridge.buses.python_can import to_message
from firmware_bridge.capture import LOG_SUFFIXES, Captured, CaptureError, LogWriter, candump_frame, read_log, watch

T0 = 1_700_000_000.0
FRAMES = [frame_bytes(0x100 + k % 2, bytes([k] * 8)) for k in range(50)]


def written(path: Path, frames: Sequence[bytes] = FRAMES) -> Path:
    """By python-can's own writer of that suffix."""
    with can.Logger(path) as log:
        for k, frame in enumerate(frames):
            message = to_message(frame)
            message.timestamp, message.channel = T0 + k * 1e-3, "can0"
            log(message)
    return path


def kept(path: Path) -> tuple[list[bytes], str]:
    """Frames up to the damage, and the line about it."""
    frames: list[bytes] = []
    try:
        for captured in read_log(path):
            assert captured.frame is not None
            frames.append(captured.frame)
    except CaptureError as error:
        assert "\n" not in str(error) and str(path) in str(error)
        return frames, str(error)
    return frames, ""


@pytest.mark.parametrize("suffix", LOG_SUFFIXES)
def test_whole_logs(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path / f"log{suffix}")
    captured = list(read_log(path))
    assert [c.frame for c in captured] == FRAMES
    steps = [b.t_s - a.t_s for a, b in pairwise(captured)]
    assert steps == pytest.approx([1e-3] * 49, abs=2e-6)


@pytest.mark.parametrize("suffix", LOG_SUFFIXES)
def test_our_logs_are_read_by_others(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"log{suffix}"
    log = LogWriter(path, "can0")
    for k, frame in enumerate(FRAMES):
        log.write(T0 + k * 1e-3, frame)
    log.close()
    assert log.count == 50
    with can.LogReader(path) as reader:
        assert [(m.arbitration_id, bytes(m.data)) for m in reader] == [frame_data(f) for f in FRAMES]


@pytest.mark.parametrize("suffix", LOG_SUFFIXES)
def test_every_cut_keeps_a_prefix_and_says_so(tmp_path: Path, suffix: str) -> None:
    whole = written(tmp_path / f"whole{suffix}").read_bytes()
    path = tmp_path / f"cut{suffix}"
    for cut in [*range(1, 90, 7), len(whole) // 2, len(whole) - 10]:
        path.write_bytes(whole[:-cut])
        frames, problem = kept(path)
        assert frames == FRAMES[: len(frames)], cut
        assert problem or (suffix == ".log" and whole[-cut - 1 : -cut] == b"\n"), cut


@pytest.mark.parametrize("suffix", LOG_SUFFIXES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_damage_is_a_traceback(tmp_path_factory: pytest.TempPathFactory, suffix: str, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("log")
    content = bytearray(written(folder / f"log{suffix}").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, 1 << 20)) % len(content)] = data.draw(st.integers(0, 255))
    path = folder / f"bad{suffix}"
    path.write_bytes(content)
    kept(path)


@pytest.mark.parametrize("suffix", LOG_SUFFIXES)
@pytest.mark.parametrize("content", [b"", b"nonsense\n", b"\x00" * 300, bytes(range(256))])
def test_other_files(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"odd{suffix}"
    path.write_bytes(content)
    assert kept(path)[0] == []


def test_what_is_no_log(tmp_path: Path) -> None:
    assert "unknown kind" in kept(tmp_path / "x.txt")[1]
    assert "correct the path" in kept(tmp_path / "none.log")[1]
    with pytest.raises(CaptureError, match="unknown kind"):
        LogWriter(tmp_path / "x.txt", "can0")
    with pytest.raises(CaptureError, match="another name"):
        LogWriter(tmp_path / "no-folder" / "x.log", "can0")


CANDUMP = st.one_of(
    st.builds(frame_bytes, st.integers(0, 0x7FF), st.binary(max_size=8)),
    st.builds(lambda i, d: frame_bytes(i | EFF_FLAG, d), st.integers(0, ID_MASK), st.binary(max_size=8)),
    st.builds(lambda i, n: fd_frame_bytes(i, bytes(n)), st.integers(0, 0x7FF), st.sampled_from([0, 8, 12, 64])),
)


@settings(max_examples=50, deadline=None)
@given(frames=st.lists(CANDUMP, min_size=1, max_size=5))
def test_candump_lines_as_python_can_writes_them(tmp_path_factory: pytest.TempPathFactory, frames: list[bytes]) -> None:
    path = written(tmp_path_factory.mktemp("log") / "a.log", frames)
    assert [c.frame for c in read_log(path)] == frames


def test_error_and_remote_frames_of_candump(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("(1.0) can0 20000004#0008000000000000\n\n(1.5) can0 123#R4\n(2) can0 1ABCDEF0#01 T\n")
    frames = kept(path)[0]
    assert frame_data(frames[0]) == (ERR_FLAG | 4, bytes((0, 8, 0, 0, 0, 0, 0, 0)))
    assert frames[1][4] == 4 and frame_data(frames[2]) == (EFF_FLAG | 0x1ABCDEF0, b"\x01")
    path.write_text("(1.0) can0 100#00\n(1.1) can0 10#00\n")
    frames, problem = kept(path)
    assert len(frames) == 1 and "line 2" in problem


def test_candump_with_too_much_data() -> None:
    with pytest.raises(ValueError, match="at most 8"):
        candump_frame("100", None, None, "00" * 9)


class Steps:
    """A clock that goes on by a millisecond at each look."""

    def __init__(self) -> None:
        self.t_s = 0.0

    def __call__(self) -> float:
        self.t_s += 1e-3
        return self.t_s


def test_a_live_bus_until_its_end(tmp_path: Path) -> None:
    listener = Listener(f"unix:{tmp_path / 'bus'}")
    host = open_bus(f"unix:{tmp_path / 'bus'}")
    firmware: Bus = listener.accept(1.0)
    for frame in FRAMES:
        assert firmware.send(frame)
    firmware.close()
    seen = list(watch(host, Steps(), None))
    assert [c.frame for c in seen[:-1]] == FRAMES
    assert seen[-1].frame is None and "firmware running" in seen[-1].note
    assert host.health.condition is Condition.GONE


def test_a_quiet_bus_until_the_time_is_over() -> None:
    with open_bus("python-can:virtual:quiet") as bus:
        assert list(watch(bus, Steps(), 0.02)) == []


def test_health_is_told_once_per_change() -> None:
    with open_bus("python-can:virtual:told") as bus:
        seen: list[Captured] = []
        for captured in watch(bus, Steps(), 0.03):
            seen.append(captured)
        bus.note(Condition.QUEUE_FULL, "full")
        again = watch(bus, Steps(), 0.03)
        assert seen == [] and list(again) == []
