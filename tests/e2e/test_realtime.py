"""The command itself, in real time with all its processes, and what it says when the world is wrong: one line each."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from edge_runtime.config import DEFAULT_PATH
from edge_runtime.errors import UserError
from edge_runtime.record.reader import Record, load
from firmware_bridge.table import MODES, STATES
from tests.conftest import unavailable

pytestmark = [pytest.mark.e2e, pytest.mark.assets]
EXO_EDGE = Path(sys.executable).with_name("exo-edge")
START_S = 300.0  # compiling the loop on a busy machine


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(EXO_EDGE), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
        start_new_session=True,
    )


def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
    process = start(*arguments, **environment)
    out, err = process.communicate(timeout=180)
    return process.returncode, out, err


def record_of(out: Path) -> Record:
    (folder,) = out.iterdir()
    return load(folder)


def wait_for_torque(process: subprocess.Popen[str], out: Path) -> None:
    """Until both workers run and the record, as far as it is written, shows torque on the wire."""
    begun = time.monotonic()
    while time.monotonic() - begun < START_S:
        assert process.poll() is None, process.communicate()
        files = list(out.glob("*/record.mcap"))
        if len(workers_of(process)) == 2 and files and files[0].stat().st_size > 250_000 and assists(files[0].parent):
            return
        time.sleep(0.3)
    pytest.fail("the run did not start")


def assists(folder: Path) -> bool:
    try:
        cycles = load(folder).cycles
    except UserError:  # not even one chunk is whole yet
        return False
    return bool((np.abs(cycles["limited_nm_r"]) > 0.5).any())


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def children_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """All below it now; none where it has just ended, of which `poll` tells."""
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Torque loop and estimator, as they were started."""
    return sorted((c for c in children_of(process) if "spawn_main" in command_of(c)), key=lambda c: c.pid)


def torque_after(record: Record, s: float) -> float:
    """Largest setpoint of the last `s` seconds."""
    cycles = record.cycles
    tail = cycles["t_ns"] > cycles["t_ns"][-1] - s * 1e9
    return float(max(np.abs(cycles["limited_nm_r"][tail]).max(), np.abs(cycles["limited_nm_l"][tail]).max()))


def test_a_run_in_real_time_ends_with_torque_at_zero_and_a_report(assets: dict[str, Path], tmp_path: Path) -> None:
    status, out, err = run("run", "--passes", "2", "--out", str(tmp_path))
    assert status == 0, err
    assert "Traceback" not in err
    record = record_of(tmp_path)
    assert record.complete
    assert torque_after(record, 0.05) == 0.0
    assert (record.cycles["governor_state"] == STATES["ENGAGED"]).any()
    (folder,) = tmp_path.iterdir()
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["limit_violations"] == 0
    assert summary["lost_cycle_rows"] == 0
    assert (folder / "report.html").exists()
    assert "report.html" in out


def test_ctrl_c_lets_go_and_closes_the_record(assets: dict[str, Path], tmp_path: Path) -> None:
    process = start("run", "--passes", "20", "--out", str(tmp_path))
    wait_for_torque(process, tmp_path)
    os.killpg(process.pid, signal.SIGINT)  # the whole group, as a terminal does
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "stopped before the end; torque is at zero" in err
    assert "Traceback" not in err
    record = record_of(tmp_path)
    assert record.complete
    assert torque_after(record, 0.05) == 0.0


@pytest.mark.parametrize(("victim", "word"), [(0, "torque_loop"), (1, "estimator"), (2, "firmware")])
def test_a_killed_part_ends_the_run_safely(assets: dict[str, Path], tmp_path: Path, victim: int, word: str) -> None:
    process = start("run", "--passes", "20", "--out", str(tmp_path))
    wait_for_torque(process, tmp_path)
    firmware = [c for c in children_of(process) if "firmware" in command_of(c)]
    parts = [*workers_of(process), *firmware]
    assert len(parts) == 3, [command_of(part) for part in parts]
    parts[victim].kill()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"the {word} process ended" in err
    assert "Traceback" not in err
    record = record_of(tmp_path)
    assert record.complete
    if word == "estimator":
        assert torque_after(record, 0.2) == 0.0


def test_a_supervisor_that_stands_still_loses_the_torque_and_says_so(assets: dict[str, Path], tmp_path: Path) -> None:
    """Several times: on a busy machine the loop may be in SAFE of its own when we stop the supervisor."""
    process, stops = start("run", "--passes", "20", "--out", str(tmp_path)), []
    wait_for_torque(process, tmp_path)
    for _ in range(3):
        process.send_signal(signal.SIGSTOP)
        stopped_ns = time.monotonic_ns()
        time.sleep(1.5)
        stops.append((stopped_ns, time.monotonic_ns()))
        process.send_signal(signal.SIGCONT)
        time.sleep(4.0)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    record, named = record_of(tmp_path), 0
    cycles, t_ns = record.cycles, record.cycles["t_ns"]
    for stopped_ns, resumed_ns in stops:
        still = (t_ns > stopped_ns + 600e6) & (t_ns < resumed_ns)  # 0.5 s, and the release
        assert still.sum() > 500  # the loop went on, and what it did is recorded
        assert not cycles["limited_nm_r"][still].any()
        assert not cycles["limited_nm_l"][still].any()
        assisting = set(cycles["mode"][(t_ns > stopped_ns) & (t_ns < stopped_ns + 350e6)]) == {MODES["TORQUE"]}
        after = [e.code for e in record.events if 0 < e.t_ns - resumed_ns < 500e6]
        missed = "deadlines_missed" in after  # the machine stalled the loop as well, which is the graver fault
        assert not assisting or missed or "supervisor_stalled" in after, after
        named += assisting and not missed
    assert named >= 1


def one_line(err: str) -> str:
    lines = [line for line in err.splitlines() if line.strip()]
    assert len(lines) == 1, err
    assert lines[0].startswith("exo-edge: ")
    return lines[0]


def test_a_missing_clip_is_one_line(tmp_path: Path) -> None:
    status, _, err = run("run", "--clip", str(tmp_path / "none.mp4"), "--out", str(tmp_path / "runs"))
    assert status == 1
    assert "does not exist" in one_line(err)
    assert not (tmp_path / "runs").exists()


def test_a_clip_without_its_index_is_one_line(assets: dict[str, Path], tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(assets["demo_clip"].read_bytes()[:200_000])
    status, _, err = run("run", "--clip", str(cut), "--out", str(tmp_path / "runs"))
    assert status == 1
    assert "cut.mp4" in one_line(err)


def test_a_folder_that_cannot_be_written_is_one_line() -> None:
    status, _, err = run("run", "--out", "/sys/exo-edge-runs")
    assert status == 1
    assert "/sys/exo-edge-runs: cannot be written" in one_line(err)


def test_an_empty_cache_says_to_fetch(tmp_path: Path) -> None:
    status, _, err = run("run", "--out", str(tmp_path), EXO_EDGE_CACHE=str(tmp_path / "cache"))
    assert status == 1
    assert "exo-edge fetch" in one_line(err)


def test_no_network_on_the_first_fetch_is_one_line(tmp_path: Path) -> None:
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_NO_INDEX": "0"}
    nowhere |= {"PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": "/dev/null", "EXO_EDGE_CACHE": str(tmp_path)}
    status, _, err = run("fetch", **nowhere)
    assert status == 1
    assert "network" in one_line(err)


def test_a_bad_profile_is_one_line(tmp_path: Path) -> None:
    bad = tmp_path / "p.toml"
    bad.write_text("schema = 1\n")
    status, _, err = run("run", "--profile", str(bad), "--out", str(tmp_path / "runs"))
    assert status == 1
    assert str(bad) in one_line(err)


def test_a_disk_that_fills_up_is_said_and_what_was_written_is_readable(assets: dict[str, Path], tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=900k", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        unavailable("a file system of its own needs root")
    try:
        status, _, err = run("run", "--passes", "4", "--clock", "virtual", "--out", str(small / "runs"))
        record = record_of(small / "runs")
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert status == 1
    assert "ends early: No space left on device" in one_line(err)
    assert not record.complete
    assert record.duration_s > 1.0


@pytest.mark.parametrize("after_s", [0.05, 0.6, 1.5, 3.0])
def test_ctrl_c_at_any_moment_of_the_start_is_no_traceback(tmp_path: Path, after_s: float) -> None:
    process = start("run", "--passes", "1", "--out", str(tmp_path))
    wait_for_program(process)
    time.sleep(after_s)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert process.returncode in (0, 1, -signal.SIGINT)  # the last: before the program's own first line


def wait_for_program(process: subprocess.Popen[str]) -> None:
    """Until the command itself runs and has begun to import; before that it is Python that starts, and speaks."""
    maps = Path(f"/proc/{process.pid}/maps")
    while "/numpy/" not in maps.read_text():
        assert process.poll() is None
        time.sleep(0.002)


@pytest.mark.parametrize("after_s", [1.5, 2.5, 3.5])
def test_a_killed_main_process_leaves_nobody_behind(tmp_path: Path, after_s: float) -> None:
    process = start("run", "--passes", "20", "--view", "none", "--out", str(tmp_path))
    time.sleep(after_s)
    children = children_of(process)
    process.kill()
    process.communicate(timeout=30)
    workers = [child for child in children if "spawn_main" in command_of(child) or "firmware" in command_of(child)]
    _, alive = psutil.wait_procs(workers, timeout=8)
    assert alive == []


def test_a_clip_never_reaches_hardware(tmp_path: Path) -> None:
    device = tmp_path / "device.toml"
    device.write_text(DEFAULT_PATH.read_text().replace('"unix:"', '"socketcan:can0"'))
    status, _, err = run("run", "--device", str(device), "--out", str(tmp_path / "runs"))
    assert status == 1
    assert "no torque on hardware" in one_line(err)


def test_bench_prints_one_object_with_the_keys_of_its_contract(assets: dict[str, Path]) -> None:
    status, out, err = run("bench", "frame", "--seconds", "4", "--json")
    assert status == 0, err
    document = json.loads(out)
    assert {"clip", "frames", "dropped", "stages_ms", "capture_to_setpoint_ms", "detector_ms"} <= document.keys()
    assert {"host", "version", "commit", "date"} <= document.keys()
    assert document["frames"] >= 200
    assert document["capture_to_setpoint_ms"].keys() == {"n", "p50", "p90", "p99", "p99_9", "max"}
    assert document["capture_to_setpoint_ms"]["p50"] > 10.0  # constant latency: early results wait
    assert err == ""


def test_as_a_service_it_reports_ready_pets_the_watchdog_and_stops_in_order(
    assets: dict[str, Path], tmp_path: Path
) -> None:
    """What systemd does with the unit: a notification socket, and SIGINT to the main process alone."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(START_S)
        notify = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
        process = start("run", "--view", "none", "--passes", "20", "--out", str(tmp_path / "runs"), **notify)
        messages = [""]
        while messages[-1] != "READY=1":
            messages.append(manager.recv(200).decode())
        begun = time.monotonic()
        pets = [manager.recv(200).decode() for _ in range(20)]
        assert time.monotonic() - begun < 4.0
        assert set(pets) == {"WATCHDOG=1"}
        process.send_signal(signal.SIGINT)
        while not messages[-1].startswith("STOPPING=1"):
            messages.append(manager.recv(200).decode())
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    record = record_of(tmp_path / "runs")
    assert record.complete
    assert torque_after(record, 0.05) == 0.0
    assert record.cycles["received"][-1] > record.cycles["received"][-200]  # the firmware was there to the end


def test_a_live_camera_with_a_prompt_comes_to_engaged(assets: dict[str, Path], tmp_path: Path) -> None:
    """The demo clip as a camera that plays on and on: empty pictures, bystanders, cuts, and the wearer walking past."""
    box = ("--box", "0,430,1150,564")  # the wall's lower half; the second man stands above it
    process = start(
        "run", "--camera", f"file:{assets['demo_clip']}", *box, "--seconds", "12", "--out", str(tmp_path),
        "--view", "none",
    )  # fmt: skip
    out, err = process.communicate(timeout=START_S)
    assert process.returncode == 0, out + err
    record = record_of(tmp_path)
    assert (record.cycles["governor_state"] == STATES["ENGAGED"]).sum() > 1000  # a second
    seen = np.isfinite(record.estimates["world_x_m"])
    assert seen.mean() > 0.3 and (record.estimates["world_sd_x_m"][seen] > 0.0).all()
    assert (record.estimates["encoder_r"] == 0.0).all()  # nobody in the picture wears the simulated ones
    summary = json.loads(next(tmp_path.glob("*/summary.json")).read_text(encoding="utf-8"))
    assert summary["dropped"] < 60  # of 360; what came before the run began counts for nothing
