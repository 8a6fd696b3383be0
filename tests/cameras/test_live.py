"""The newest frame only, stalls noticed in time, and real pipelines and streams where GStreamer is installed."""

from __future__ import annotations

import itertools
import queue
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.cameras.base import Shot
from edge_runtime.cameras.gdp import GdpError, parse_header, picture_size, row_bytes
from edge_runtime.cameras.live import LiveCamera
from edge_runtime.cameras.opencv import FileCamera, V4l2Camera
from edge_runtime.cameras.spec import CameraSpec, camera_spec
from edge_runtime.cameras.stamps import PresentationClock, driver_stamp
from edge_runtime.errors import UserError
from tests.conftest import unavailable

MS = 1_000_000
SPEC = CameraSpec(stall_ms=100.0)


class HandCamera:
    """Gives what the test puts in."""

    stamps = "driver"

    def __init__(self) -> None:
        self.shots: queue.Queue[Shot | None] = queue.Queue()
        self._k = 0
        self.closed_by = ""

    def give(self, t_ns: int, cut: bool = False) -> None:
        self._k += 1
        rng = np.random.default_rng(self._k)
        self.shots.put(Shot(rng.integers(60, 200, (96, 128, 3)).astype(np.uint8), t_ns, cut))

    def read(self) -> Shot | None:
        return self.shots.get()

    def interrupt(self) -> None:
        self.shots.put(None)

    def close(self) -> None:
        self.closed_by = threading.current_thread().name


@pytest.fixture
def hand() -> Iterator[tuple[HandCamera, LiveCamera]]:
    camera = HandCamera()
    with LiveCamera(SPEC, camera=camera) as live:
        yield camera, live


def settle(live: LiveCamera, camera: HandCamera) -> None:
    """Until the capture thread has taken everything."""
    while not camera.shots.empty():
        time.sleep(0.001)
    time.sleep(0.02)


def test_only_the_newest_frame_is_handed_out_and_the_others_are_counted(hand: Any) -> None:
    camera, live = hand
    now = time.monotonic_ns()
    for k in range(5):
        camera.give(now + k * MS, cut=k == 2)
    settle(live, camera)
    frame = live.next()
    assert (frame.t_capture_ns, frame.index, frame.fault) == (now + 4 * MS, 0, "")
    assert frame.cut  # of a frame that was overtaken
    assert live.overtaken == 4
    camera.give(now + 9 * MS)
    assert not live.next().cut


def test_a_camera_that_gives_nothing_is_stalled_in_time_and_recovers(hand: Any) -> None:
    camera, live = hand
    camera.give(time.monotonic_ns())
    first = live.next()
    before = time.monotonic()
    stalled = live.next()
    assert stalled.fault == "camera_stalled" and 0.09 < time.monotonic() - before < 0.6
    assert stalled.t_capture_ns > first.t_capture_ns
    camera.give(first.t_capture_ns + 1)  # captured before the stall was noticed: too old now
    camera.give(time.monotonic_ns())
    settle(live, camera)
    again = live.next()
    assert again.fault == "" and again.t_capture_ns > stalled.t_capture_ns


def test_a_camera_that_ends_says_so_and_nobody_waits(hand: Any) -> None:
    camera, live = hand
    camera.interrupt()
    settle(live, camera)
    before = time.monotonic()
    assert live.next().fault == "camera_stalled" and live.next().fault == "camera_stalled"
    assert time.monotonic() - before < 0.05 and live.ended == "the camera has ended"
    with pytest.raises(UserError, match="no picture; the camera has ended"):
        live.first()
    assert camera.closed_by == "camera"  # OpenCV dies of a release in the middle of a read


def test_stamps_always_rise(hand: Any) -> None:
    camera, live = hand
    now = time.monotonic_ns()
    given_ns = [now, now + 30 * MS, now + 30 * MS, now + 10 * MS, now + 60 * MS]
    seen = []
    for t_ns in given_ns:
        camera.give(t_ns)
        settle(live, camera)
        seen.append(live.next().t_capture_ns)
    assert all(b > a for a, b in itertools.pairwise(seen))


@given(age_ms=st.floats(-5000, 5000))
def test_a_driver_stamp_counts_only_if_it_can_be_true(age_ms: float) -> None:
    now_ns = 50_000 * MS
    found = driver_stamp((now_ns * 1e-6) - age_ms, now_ns)
    if 0.001 <= age_ms <= 999:
        assert found is not None and abs(now_ns - found - age_ms * 1e6) < 1000
    if age_ms < -0.001 or age_ms > 1001:
        assert found is None


@given(st.lists(st.integers(0, 40 * MS), min_size=30, max_size=60), st.floats(-50e-6, 50e-6))
def test_presentation_times_take_the_jitter_away(delays_ns: list[int], drift: float) -> None:
    clock, period_ns = PresentationClock(), 16_666_667
    delays_ns[5] = 0  # one picture came the shortest way
    for k, delay_ns in enumerate(delays_ns):
        capture_ns = 10**12 + round(k * period_ns * (1 + drift))
        arrival_ns = capture_ns + 8 * MS + delay_ns
        stamp_ns = clock.stamp(k * period_ns, arrival_ns)
        assert stamp_ns <= arrival_ns
        if k >= 5:
            assert abs(stamp_ns - capture_ns - 8 * MS) < MS // 2


def test_a_stream_that_begins_anew_is_followed() -> None:
    clock = PresentationClock()
    clock.stamp(10**12, 5 * 10**12)
    assert clock.stamp(0, 5 * 10**12 + 100 * MS) == 5 * 10**12 + 100 * MS


class Capture:
    """A V4L2 device as OpenCV shows it."""

    def __init__(self, stamps_ms: list[float]) -> None:
        self.stamps_ms = stamps_ms
        self.k = -1

    def read(self) -> tuple[bool, Any]:
        self.k += 1
        return self.k < len(self.stamps_ms), np.full((4, 4, 3), (255, 0, 0), np.uint8)

    def get(self, key: int) -> float:
        assert key == cv2.CAP_PROP_POS_MSEC
        return self.stamps_ms[self.k]

    def release(self) -> None: ...


def test_v4l2_takes_the_drivers_stamp_and_the_arrival_where_it_is_of_another_clock() -> None:
    camera = V4l2Camera(SPEC, lambda: 7000 * MS, Capture([6980.5, 1.7e12, 0.0]))
    shots = [camera.read() for _ in range(4)]
    assert [shot and shot.t_capture_ns for shot in shots] == [6980_500_000, 7000 * MS, 7000 * MS, None]
    assert shots[0] is not None and tuple(shots[0].rgb[0, 0]) == (0, 0, 255)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("v4l2:/dev/video99", "there is no /dev/video99"),
        ("file:/nowhere.mp4", "no such file"),
        ("usb0", "must be v4l2:"),
        ("gst:", "must be v4l2:"),
    ],
)
def test_a_camera_that_is_not_there_is_one_line(source: str, says: str) -> None:
    with pytest.raises(UserError) as error:
        LiveCamera(CameraSpec(source))
    assert says in str(error.value) and source in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"sauce": "x"}, "unknown key `camera.sauce`"),
        ({"stall_ms": 5}, "`camera.stall_ms` must be a number from 30 to 2000, got 5"),
        ({"width_px": 640.0}, "`camera.width_px` must be a number"),
        ({"rate_hz": True}, "`camera.rate_hz` must be a number"),
        ({"source": 0}, "`camera.source` must be text, got 0"),
        ({"source": "webcam"}, "must be v4l2:"),
    ],
)
def test_a_wrong_camera_table_is_one_line(table: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as error:
        camera_spec(table, Path("device.toml"))
    assert says in str(error.value) and "\n" not in str(error.value)


def test_a_file_plays_at_its_rate_and_begins_anew_with_a_cut(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 100.0, (64, 48))
    for k in range(5):
        writer.write(np.full((48, 64, 3), 20 * k + 60, np.uint8))
    writer.release()
    camera = FileCamera(CameraSpec(f"file:{path}"))
    shots = [camera.read() for _ in range(8)]
    camera.close()
    assert all(shot is not None for shot in shots)
    assert [shot.cut for shot in shots if shot] == [False] * 5 + [True, False, False]
    steps = np.diff([shot.t_capture_ns for shot in shots if shot])
    assert steps.min() >= 10 * MS


def test_gdp_is_read_as_gdppay_writes_it() -> None:
    head = bytes.fromhex("0100010000020000" + "00bc" + "ff" * 8 + "00" * 24 + "00" * 20)
    assert parse_header(head).kind == 2 and parse_header(head).length == 0xBC and parse_header(head).time_ns is None
    with pytest.raises(GdpError, match=r"GDP 0\.2"):
        parse_header(b"\0\2" + head[2:])
    caps = b"video/x-raw, format=(string)RGB, width=(int)641, height=(int)480, framerate=(fraction)30/1\0"
    assert picture_size(caps) == (641, 480)
    assert (row_bytes(640), row_bytes(641)) == (1920, 1924)
    with pytest.raises(GdpError, match="not raw RGB"):
        picture_size(caps.replace(b"RGB", b"NV12"))


def gstreamer() -> None:
    if shutil.which("gst-launch-1.0") is None:
        unavailable("GStreamer is not installed (apt install gstreamer1.0-tools gstreamer1.0-plugins-base and -bad)")
    if subprocess.run(["gst-inspect-1.0", "--exists", "gdppay"], check=False).returncode != 0:
        unavailable("GStreamer lacks gdppay (apt install gstreamer1.0-plugins-bad)")


def test_a_real_pipeline_with_rows_that_are_padded(  # 322 * 3 bytes are no multiple of 4
) -> None:
    gstreamer()
    spec = CameraSpec("gst:videotestsrc is-live=true ! video/x-raw,width=322,height=240,framerate=60/1", stall_ms=1000)
    with LiveCamera(spec) as live:
        frames = [live.first()] + [live.next() for _ in range(40)]
        assert live.stamps == "presentation"
    steps_ms = np.diff([frame.t_capture_ns for frame in frames]) * 1e-6
    assert frames[-1].rgb.shape == (240, 322, 3) and 16 < np.median(steps_ms) < 40
    bars = frames[-1].rgb[40, [20, 65, 300]].astype(int)  # white, yellow … blue
    assert np.abs(bars - [[180, 180, 180], [180, 180, 16], [16, 16, 180]]).max() < 40 or (bars[2, 2] > 150)
    assert all(0 <= time.monotonic_ns() - frame.t_capture_ns < 60e9 for frame in frames)


def test_a_pipeline_that_does_not_run_is_one_line() -> None:
    gstreamer()
    for source in ("gst:nosuchsource", "gst:filesrc location=/nowhere ! decodebin"):
        with pytest.raises(UserError, match="the pipeline does not run") as error:
            LiveCamera(CameraSpec(source))
        assert "\n" not in str(error.value)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def stream() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A real RTSP server with a JPEG stream at 30 Hz."""
    script, python = Path(__file__).with_name("rtsp_server.py"), "/usr/bin/python3"
    probe = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    if not Path(python).exists() or subprocess.run([python, "-c", probe], capture_output=True, check=False).returncode:
        unavailable("no RTSP server (apt install python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good)")
    port = free_port()
    picture = "videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate=30/1"
    process = subprocess.Popen(
        [python, str(script), str(port), f"{picture} ! jpegenc ! rtpjpegpay name=pay0"], stdout=subprocess.PIPE
    )
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    yield f"rtsp://127.0.0.1:{port}/test", process
    process.kill()
    process.wait()


def test_a_real_rtsp_stream_and_its_end(stream: tuple[str, subprocess.Popen[bytes]]) -> None:
    url, server = stream
    with LiveCamera(CameraSpec(url, stall_ms=500)) as live:
        frames = [live.first()] + [live.next() for _ in range(30)]
        assert live.stamps == "presentation" and frames[-1].rgb.shape == (240, 320, 3)
        assert sum(frame.fault == "" for frame in frames) > 20
        server.kill()
        server.wait()
        deadline = time.monotonic() + 10
        while live.next().fault != "camera_stalled":
            assert time.monotonic() < deadline


def test_no_stream_is_one_line_and_nothing_else_on_the_terminal() -> None:
    code = "from edge_runtime.cameras.spec import CameraSpec; from edge_runtime.cameras.live import LiveCamera\n"
    code += "from edge_runtime.errors import UserError\n"
    code += f"try: LiveCamera(CameraSpec('rtsp://127.0.0.1:{free_port()}/x'))\nexcept UserError as e: print(e)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "no stream there" in done.stdout and done.stdout.count("\n") == 1
    assert done.stderr == ""
