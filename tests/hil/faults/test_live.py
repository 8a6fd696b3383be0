"""Faults into a live run: only through the door of a simulated one, each at its own place, taken back where it ends."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from edge_runtime.camera_faults import CameraFault, FaultyCamera, LatecomerClip
from edge_runtime.errors import UserError
from edge_runtime.fault_door import DOOR_FILE, LiveCamera, order_camera, read_door, write_door
from edge_runtime.types import Frame
from engines.cache import cache_dir
from firmware_bridge.errors import BridgeError
from firmware_bridge.simulator.build import build
from firmware_bridge.simulator.process import FirmwareProcess, Pace, PlantParams
from hil.faults.kind import Seam
from hil.faults.kinds import KINDS
from hil.faults.live import inject
from hil.faults.model import Fault, make_fault

PERIOD_NS = 33_333_333
T0_NS = 7_000_000_000


class Clip:
    """Ten frames, each of its own grey."""

    fps, truncated, size_px = 30.0, None, (40, 30)

    def __init__(self) -> None:
        self.frames = np.repeat(np.arange(10, dtype=np.uint8) * 20 + 20, 40 * 30 * 3).reshape(10, 40, 30, 3)
        self.frames[:, :, :8] //= 2  # a left side that differs, so that a mirror shows

    def __len__(self) -> int:
        return len(self.frames)

    def frame_at(self, k: int, period_ns: int, t0_ns: int) -> Frame:
        return Frame(self.frames[k], t0_ns + k * period_ns, k, cut=k == 0)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is done with its own start-up: nothing of it changes any more."""
    command = [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def run_folder(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> Path:
    """A run whose processes are all the same sleeper, under a supervisor that is this test."""
    pids = {"supervisor": os.getpid(), "loop": sleeper.pid, "estimator": sleeper.pid, "firmware": sleeper.pid}
    write_door(tmp_path, tmp_path / "rig.faults", tmp_path / "camera.faults", pids)
    return tmp_path


def one(kind: str, **parameters: Any) -> Fault:
    return make_fault(kind, 0.0, 0.5, **parameters)


def test_a_folder_without_a_door_is_refused_and_so_is_a_run_that_is_over(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run in simulation"):
        inject(one("can_loss"), tmp_path)
    write_door(tmp_path, tmp_path / "x", tmp_path / "y", {"supervisor": os.getpid()})
    text = (tmp_path / DOOR_FILE).read_text()
    began = read_door(tmp_path).members["supervisor"].began
    (tmp_path / DOOR_FILE).write_text(text.replace(str(began), str(began + 1)))  # the id belongs to another now
    with pytest.raises(UserError, match="is over"):
        inject(one("can_loss"), tmp_path)
    (tmp_path / DOOR_FILE).write_text("{}")
    with pytest.raises(UserError, match="cannot be read"):
        inject(one("can_loss"), tmp_path)


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if Seam.LIVE not in kind.seams])
def test_what_only_lock_step_can_do_is_said(kind: str, run_folder: Path) -> None:
    with pytest.raises(UserError, match="lock-step"):
        inject(one(kind), run_folder)


def test_the_hosts_clock_is_not_moved(run_folder: Path) -> None:
    with pytest.raises(UserError, match="side=firmware"):
        inject(one("clock_jump", side="host"), run_folder)


def test_a_stopped_process_goes_on_afterwards(run_folder: Path, sleeper: subprocess.Popen[bytes]) -> None:
    def stopped(_: float) -> None:
        until = time.monotonic() + 5.0
        while psutil.Process(sleeper.pid).status() != psutil.STATUS_STOPPED:
            assert time.monotonic() < until
            time.sleep(0.01)

    inject(one("process_stop", target="loop"), run_folder, stopped)
    assert psutil.Process(sleeper.pid).status() != psutil.STATUS_STOPPED


def test_a_killed_process_is_gone_and_is_not_killed_twice(run_folder: Path, sleeper: subprocess.Popen[bytes]) -> None:
    inject(one("process_kill", target="estimator"), run_folder)
    assert sleeper.wait(5) == -9
    with pytest.raises(UserError, match="does not run any more"):
        inject(one("process_kill", target="estimator"), run_folder)


def test_memory_is_taken_and_given_back(run_folder: Path, sleeper: subprocess.Popen[bytes]) -> None:
    seen: list[tuple[int, int]] = []

    def look(_: float) -> None:
        used = psutil.Process(sleeper.pid).memory_info().vms
        seen.append((used, resource.prlimit(sleeper.pid, resource.RLIMIT_AS)[0]))

    inject(one("process_oom"), run_folder, look)
    (used, limit) = seen[0]
    assert used <= limit <= used + (2 << 20)
    assert resource.prlimit(sleeper.pid, resource.RLIMIT_AS)[0] == resource.getrlimit(resource.RLIMIT_AS)[0]


def test_the_disk_is_full_for_the_recorder_alone(run_folder: Path) -> None:
    """The supervisor is this process here."""

    def write(_: float) -> None:
        with pytest.raises(OSError, match="too large"), (run_folder / "x").open("wb", buffering=0) as file:
            file.write(b"1")

    inject(one("disk_full"), run_folder, write)
    (run_folder / "x").write_bytes(b"1")


def test_orders_to_the_firmware_are_answered(tmp_path: Path) -> None:
    PlantParams().write(tmp_path / "params")
    program = build(cache_dir() / "firmware")
    firmware = FirmwareProcess(program, tmp_path / "bus", tmp_path / "sim", tmp_path / "params", Pace.REALTIME)
    firmware.start()
    try:
        write_door(tmp_path, firmware.fault_path, tmp_path / "camera", {"supervisor": os.getpid()})
        assert "ordered from the firmware" in inject(make_fault("can_loss", 0.0, 60.0), tmp_path)
        for _ in range(15):
            inject(make_fault("encoder_noise", 0.0, 60.0), tmp_path)
        with pytest.raises(BridgeError, match="sixteen"):
            inject(make_fault("can_delay", 0.0, 60.0), tmp_path)
    finally:
        firmware.stop()
    with pytest.raises(BridgeError, match="no simulated firmware"):
        inject(one("can_loss"), tmp_path)
    assert not firmware.fault_path.exists()


def test_a_live_camera_suffers_from_the_next_frame_on(tmp_path: Path) -> None:
    path = tmp_path / "camera.faults"
    camera = LiveCamera(Clip(), path)  # type: ignore[arg-type]
    assert camera.frame_at(2, PERIOD_NS, T0_NS) is not None
    order_camera(str(path), "camera_black", 2 * PERIOD_NS, 0.0)
    frames = [camera.frame_at(k, PERIOD_NS, T0_NS) for k in (3, 4, 5)]
    assert [frame is not None and bool(frame.rgb.any()) for frame in frames] == [False, False, True]
    with pytest.raises(UserError, match="no camera"):
        order_camera(str(tmp_path / "none"), "camera_black", 1, 0.0)


def test_each_fault_of_a_camera_shows_and_only_while_it_holds() -> None:
    clip = Clip()
    for kind, value in (("camera_blur", 2.0), ("camera_wrong_person", 0.0), ("camera_remounted", 30.0)):
        fault = CameraFault(kind, 3 * PERIOD_NS, 5 * PERIOD_NS, value)
        camera = FaultyCamera(clip, [fault])  # type: ignore[arg-type]
        frames = [camera.frame_at(k, PERIOD_NS, T0_NS) for k in range(10)]
        same = [f is not None and bool((f.rgb == clip.frames[k]).all()) for k, f in enumerate(frames)]
        assert same == [True] * 3 + [False] * 2 + [True] * 5, kind
        assert all(f is not None and f.rgb.shape == clip.frames[0].shape for f in frames)


@pytest.mark.parametrize(
    ("kind", "value", "given"), [("camera_stall", 0.0, [0, 1, 8, 9]), ("camera_slow", 3.0, [0, 1, 4, 7, 8, 9])]
)
def test_frames_that_do_not_come_are_left_out(kind: str, value: float, given: list[int]) -> None:
    camera = FaultyCamera(Clip(), [CameraFault(kind, 2 * PERIOD_NS, 8 * PERIOD_NS, value)])  # type: ignore[arg-type]
    there = [k for k in range(10) if camera.frame_at(k, PERIOD_NS, T0_NS) is not None]
    assert there == given
    late = LatecomerClip(camera, there)
    assert len(late) == len(given)
    assert [late.frame_at(k, PERIOD_NS, T0_NS).index for k in range(len(late))] == given
