"""`can dump`, `can record` and `check` as a person types them: forms, filters, damage, and what forbids torque."""

from __future__ import annotations

import csv
import json
import math
import os
import pty
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge_runtime import can_source, cli, config
from edge_runtime.can_dump import as_json, as_text
from edge_runtime.check import Question, check, interface_findings
from edge_runtime.cli import main
from edge_runtime.commands.options import DEMO_PROFILE
from edge_runtime.record import Recorder
from edge_runtime.record.reader import load
from edge_runtime.record.wire_lines import wire_lines
from firmware_bridge import e2e, wire
from firmware_bridge.actuators.examples import example_files
from firmware_bridge.bus import Bus, Listener, open_bus, open_torque_bus
from firmware_bridge.buses.link import TYPE_CAN, Link
from firmware_bridge.capture import LogWriter
from firmware_bridge.errors import BridgeError
from firmware_bridge.monitor import Line
from firmware_bridge.table import MUX, STATES, TABLE
from tests.record.fake_run import MUSCLES, fake_run

T0 = 1_700_000_000.0
GOOD = Link("can0", TYPE_CAN, "can", True, 16, 1000, "gs_usb", 1_000_000, None, "ERROR-ACTIVE", 100)
Out = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def same_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """conftest.py has chosen the code cache already."""
    monkeypatch.setattr(cli, "use_code_cache", lambda _: None)


def traffic() -> list[tuple[float, bytes]]:
    """100 ms: a setpoint per ms, one corrupted, one repeated, two lost; GOVERNOR_STATE; a frame of somebody else."""
    frames, buf, counter = [], wire.frame(), 0
    for k in range(100):
        if k in (30, 31):
            counter = e2e.next_counter(counter)
            continue
        wire.pack_setpoint(buf, 0x100, counter, 0.1 * k, 20, 17.0, 10 * k, 2, e2e.CRC_TABLE)
        frame = bytearray(buf.tobytes())
        if k == 50:
            frame[12] ^= 0x10
        frames.append((T0 + k * 1e-3, bytes(frame)))
        counter = counter if k == 70 else e2e.next_counter(counter)
    wire.pack_state(buf, 0x200, 0, STATES["SAFE"], MUX["COUNTERS"], TABLE.reasons["lease"], 0x01020304, e2e.CRC_TABLE)
    frames.append((T0 + 0.1, buf.tobytes()))
    buf[0] = 0x77
    frames.append((T0 + 0.1001, buf.tobytes()))
    return frames


@pytest.fixture(params=[".log", ".asc", ".blf"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"traffic{request.param}"
    writer = LogWriter(path, "can0")
    for t_s, frame in traffic():
        writer.write(t_s, frame)
    writer.close()
    return path


def test_a_log_as_json(log: Path, capsys: Out) -> None:
    assert main(["can", "dump", str(log), "--json"]) == 0
    *lines, last = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 100 and lines[1]["torque_nm"] == 0.1 and lines[1]["mode"] == "TORQUE"
    assert [line["check"] for line in lines].count("crc_error") == 1
    assert lines[98]["state"] == "SAFE" and lines[98]["reason"] == "lease" and lines[98]["rejected"] == 1
    stream = last["summary"]["streams"][0]
    assert (stream["lost"], stream["repeats"], stream["crc_errors"], stream["gaps"]) == (3, 1, 1, 0)
    assert last["summary"]["governor_counts"] == {"crc_errors": 4, "gaps": 3, "repeats": 2, "rejected": 1}


def test_only_errors(log: Path, capsys: Out) -> None:
    assert main(["can", "dump", str(log), "--errors"]) == 0
    shown = capsys.readouterr().out.splitlines()[:6]
    for line, word in zip(shown, ("2 lost", "crc_error", "1 lost", "repeated", "SAFE", "unknown"), strict=True):
        assert word in line


def test_filters(log: Path, capsys: Out) -> None:
    assert main(["can", "dump", str(log), "--joint", "knee_l", "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert main(["can", "dump", str(log), "--message", "GOVERNOR_STATE", "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert main(["can", "dump", str(log), "--joint", "elbow"]) == 1
    assert "--joint elbow: not in the limits table; it has knee_r" in capsys.readouterr().err


def test_csv_rows_have_the_units_in_their_names(log: Path, capsys: Out) -> None:
    assert main(["can", "dump", str(log), "--csv"]) == 0
    out, err = capsys.readouterr()
    rows = list(csv.DictReader(out.splitlines()))
    assert len(rows) == 100 and float(rows[10]["torque_nm"]) == 1.0 and rows[98]["reason"] == "lease"
    assert all(None not in row for row in rows) and "the governor counted" in err


def test_a_cut_log_is_one_line_and_what_came_before(log: Path, capsys: Out) -> None:
    log.write_bytes(log.read_bytes()[:-25])
    assert main(["can", "dump", str(log)]) == 1
    out, err = capsys.readouterr()
    assert "with worst stuffing" in out and err.count("\n") == 1 and "what came before is kept" in err


@pytest.mark.parametrize("source", ["no-such-file", "can0", "x.log", "unix:/nowhere/bus", "run.mcap"])
def test_no_source_is_one_line(source: str, capsys: Out, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["can", "dump", source]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_live_bus(tmp_path: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    listener = Listener(f"unix:{tmp_path / 'bus'}")
    opened: list[Bus] = []

    def open_and_feed(spec: str) -> Bus:
        bus = open_bus(spec)
        firmware = listener.accept(1.0)
        for _, frame in traffic():
            assert firmware.send(frame)
        opened.append(firmware)
        return bus

    monkeypatch.setattr(can_source, "open_bus", open_and_feed)
    assert main(["can", "record", f"unix:{tmp_path / 'bus'}", str(tmp_path / "out.log"), "--seconds", "0.3"]) == 0
    assert "100 frames" in capsys.readouterr().err
    assert main(["can", "record", f"unix:{tmp_path / 'bus'}", str(tmp_path / "out.log")]) == 1
    assert "is there already" in capsys.readouterr().err
    assert main(["can", "dump", str(tmp_path / "out.log"), "--json", "--message", "GOVERNOR_STATE"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["reason"] == "lease"


def test_a_record(tmp_path: Path, capsys: Out) -> None:
    run = fake_run(1.2)
    with Recorder(tmp_path, MUSCLES, {}, {}) as recorder:
        recorder.cycles(run.cycles)
    record = load(tmp_path)
    lines = list(wire_lines(record, TABLE))
    sent = [line for line in lines if line.message == "TORQUE_SETPOINT" and line.joint == "knee_r"]
    assert len(sent) == len(run.cycles)
    assert [line.fields["torque_nm"] for line in sent] == pytest.approx(record.cycles["limited_nm_r"], abs=5e-4)
    assert {line.fields["state"] for line in lines if line.message == "GOVERNOR_STATE"} >= {"ENGAGED"}
    assert main(["can", "dump", str(tmp_path), "--joint", "knee_l", "--json"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2 * len(run.cycles) and "a record holds no raw frames" in err
    path = tmp_path / "record.mcap"
    path.write_bytes(path.read_bytes()[:-40])
    assert main(["can", "dump", str(path), "--errors"]) == 1
    assert "cut; what came before is kept" in capsys.readouterr().err


def device(tmp_path: Path, bus: str) -> Path:
    path = tmp_path / "device.toml"
    text = config.DEFAULT_PATH.read_text(encoding="utf-8").replace('bus = "unix:"', f'bus = "{bus}"')
    path.write_text(text, encoding="utf-8")
    return path


def test_a_value_that_is_not_known_is_null_in_strict_json() -> None:
    line = Line(0.0, 0x100, "TORQUE_SETPOINT", "knee_r", "", 0, None, b"", {"age_ms": math.nan, "torque_nm": 1.0})
    assert json.loads(as_json(line), parse_constant=pytest.fail)["age_ms"] is None
    assert "age  unknown ms" in as_text(line)


def test_record_of_what_is_no_log_leaves_no_file(tmp_path: Path, capsys: Out) -> None:
    for source, says in (("none.log", "no such log"), ("", "a record holds no raw frames")):
        assert main(["can", "record", str(tmp_path / source), str(tmp_path / "out.log")]) == 1
        assert says in capsys.readouterr().err
        assert not (tmp_path / "out.log").exists()


def test_check_of_the_built_in_device(capsys: Out) -> None:
    assert main(["check"]) == 0
    out = capsys.readouterr().out
    assert "55.4% of 1 Mbit/s, 2 joints" in out and out.endswith("fit to carry torque\n")


def test_check_refuses_four_joints_on_one_classic_bus(capsys: Out) -> None:
    assert main(["check", "--joints", "4", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["fit"] is False and document["load"]["total"] == pytest.approx(1.0935)
    load = next(f for f in document["findings"] if f["what"] == "bus load")
    assert load["status"] == "no" and "two buses, half of the joints on each: 55%" in load["advice"]
    assert main(["check", "--joints", "4", "--rate", "500"]) == 0


@pytest.mark.parametrize(
    ("bus", "says"),
    [
        ("python-can:virtual:x", "for torque use socketcan"),
        ("socketcan:nope0", "socketcan:nope0"),
        ("tcp:x", "unknown kind"),
    ],
)
def test_check_names_a_bus_that_will_not_do(tmp_path: Path, bus: str, says: str, capsys: Out) -> None:
    assert main(["check", "--device", str(device(tmp_path, bus))]) == 1
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("no") and " bus: " in line)
    assert says in line


@pytest.fixture
def serial_line() -> Iterator[str]:
    """The path of a pseudo terminal."""
    ours, theirs = pty.openpty()
    yield os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(
    ("baud", "fit", "says"),
    [
        (921_600, True, "31.1% of 921600 baud, 2 joints; at most 70%"),
        (460_800, True, "62.3% of 460800 baud"),
        (230_400, False, "use 460800 baud"),
    ],
)
def test_check_computes_the_load_of_a_serial_line(
    tmp_path: Path, serial_line: str, baud: int, fit: bool, says: str, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_runtime.check.distrusted", lambda days, now: [])  # engines are certified
    packets_per_s = 2 * 1000 + 50  # two setpoints at 1 kHz, HOST_STATE at 50 Hz; the other direction is alike
    assert packets_per_s * 14 * 10 / 0.7 == 410_000  # docs/wire.md: 14 bytes a packet, 10 bits a byte
    path = device(tmp_path, f"serial:{serial_line}?baud={baud}")
    assert main(["check", "--device", str(path)]) == (0 if fit else 1)
    assert says in capsys.readouterr().out


def test_the_torque_loop_refuses_a_serial_line_that_is_too_slow(serial_line: str) -> None:
    with pytest.raises(BridgeError, match="use 460800 baud"):
        open_torque_bus(f"serial:{serial_line}?baud=115200")


def test_check_computes_the_load_of_third_party_drives(tmp_path: Path, capsys: Out) -> None:
    path = tmp_path / "drives.toml"
    text = next(file for file in example_files() if file.stem == "odrive").read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    assert main(["check", "--drives", str(path)]) == 0
    assert "2 odrive on socketcan:can0, a command every 2 ms: 40.5% of their bus" in capsys.readouterr().out
    path.write_text(text.replace("period_ms = 2", "period_ms = 1"), encoding="utf-8")
    assert main(["check", "--drives", str(path)]) == 1
    assert "81 % at worst, 70 % is allowed" in capsys.readouterr().out
    assert main(["check", "--device", str(path)]) == 1
    assert "this is a drives file, not a device file" in capsys.readouterr().out


def test_check_says_what_is_wrong_with_a_file(tmp_path: Path, capsys: Out) -> None:
    path = device(tmp_path, "unix:")
    path.write_text(path.read_text().replace("loop_core", "loop_cone"))
    assert main(["check", "--device", str(path), "--profile", str(tmp_path / "none.toml")]) == 1
    out = capsys.readouterr().out
    assert "unknown key `loop_cone`" in out and "none.toml" in out
    assert main(["check", "--limits", str(tmp_path / "none.toml")]) == 1


def test_a_well_set_interface_has_nothing_to_do() -> None:
    assert all(f.status == "ok" and not f.advice for f in interface_findings(GOOD, 1_000_000))


@pytest.mark.parametrize(
    ("change", "what", "status", "says"),
    [
        ({"bitrate": 500_000}, "bit rate", "no", "type can bitrate 1000000 restart-ms 100"),
        ({"bitrate": None}, "bit rate", "no", "type can bitrate 1000000"),
        ({"state": "BUS-OFF"}, "controller", "no", "ip link set can0 type can restart"),
        ({"state": "STOPPED"}, "controller", "no", "ip link set can0 up"),
        ({"state": "ERROR-PASSIVE"}, "controller", "note", "120 ohm"),
        ({"listen_only": True}, "mode", "no", "listen-only off"),
        ({"loopback": True}, "mode", "no", "loopback off"),
        ({"restart_ms": 0}, "restart-ms", "note", "restart-ms 100"),
        ({"restart_ms": None}, "restart-ms", "note", "restart-ms 100"),
        ({"txqueuelen": 10}, "txqueuelen", "note", "ip link set can0 txqueuelen 1000"),
        ({"driver": "mttcan"}, "Jetson", "note", "modprobe mttcan"),
    ],
)
def test_each_setting_has_its_command(change: dict[str, object], what: str, status: str, says: str) -> None:
    link = replace(GOOD, **change)  # type: ignore[arg-type]
    odd = [f for f in interface_findings(link, 1_000_000) if f.status != "ok"]
    assert [(f.what, f.status) for f in odd] == [(what, status)] and says in odd[0].advice


def test_an_answer_without_a_bus_still_has_its_load(tmp_path: Path) -> None:
    answer = check(Question(device(tmp_path, "socketcan:nope0"), DEMO_PROFILE), TABLE)
    assert not answer.fit and answer.load.total == pytest.approx(0.5535)
