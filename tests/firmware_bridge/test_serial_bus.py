"""The serial bus over a pseudo terminal: frames both ways, noise, floods, cuts; one line for all that can be wrong."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firmware_bridge import cobs
from firmware_bridge.bus import Condition, open_bus
from firmware_bridge.errors import BridgeError
from firmware_bridge.serial_link import SerialBus, SerialSpec, open_serial, parse_spec
from firmware_bridge.serial_pump import Line

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 10.0


def frame(number: int) -> bytes:
    return bytes([number & 0xFF, 1, 0, 0, 8, 0, 0, 0]) + number.to_bytes(8, "little")


def packet(number: int) -> bytes:
    payload = cobs.payload_of(frame(number))
    assert payload is not None
    return cobs.encode(payload)


def wait_for(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.002)
    return condition()


class Adapter:
    """A serial adapter at a fixed path, that can be pulled out and plugged in; `fd` is the firmware's end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fd = -1

    def plug(self) -> None:
        self.fd, slave = pty.openpty()
        tty.setraw(slave)
        self.path.symlink_to(os.ttyname(slave))
        self._slave = slave

    def pull(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        if self.fd >= 0:
            os.close(self.fd)
            os.close(self._slave)
            self.fd = -1

    def read(self, size: int) -> bytes:
        got = b""
        os.set_blocking(self.fd, False)

        def more() -> bool:
            nonlocal got
            with contextlib.suppress(BlockingIOError):
                got += os.read(self.fd, 65536)
            return len(got) >= size

        wait_for(more)
        return got


@pytest.fixture
def adapter(tmp_path: Path) -> Iterator[Adapter]:
    a = Adapter(tmp_path / "ttyEXO")
    a.plug()
    yield a
    a.pull()


@pytest.fixture
def bus(adapter: Adapter) -> Iterator[SerialBus]:
    with open_serial(f"serial:{adapter.path}?baud=921600") as opened:
        assert isinstance(opened, SerialBus)
        yield opened


def receive(bus: SerialBus, count: int) -> list[bytes]:
    found: list[bytes] = []

    def more() -> bool:
        while (one := bus.receive()) is not None:
            found.append(one)
        return len(found) >= count

    wait_for(more)
    return found


def test_frames_go_both_ways(adapter: Adapter, bus: SerialBus) -> None:
    assert all(bus.send(frame(k)) for k in range(5))
    assert adapter.read(5 * 14) == b"".join(map(packet, range(5)))
    os.write(adapter.fd, b"".join(map(packet, range(9))))
    assert receive(bus, 9) == [frame(k) for k in range(9)]
    assert wait_for(lambda: bus.line_counts.received == 9)
    assert (bus.line_counts.sent, bus.line_counts.connected, bus.problem) == (5, 1, None)


def test_open_bus_opens_it(adapter: Adapter) -> None:
    with open_bus(f"serial:{adapter.path}") as opened:
        assert isinstance(opened, SerialBus)
        assert not os.get_blocking(opened.fd)


def test_noise_costs_no_more_than_what_it_hits(adapter: Adapter, bus: SerialBus) -> None:
    broken = bytearray(packet(2))
    broken[3] ^= 0x40
    half = packet(3)[:6]
    bench = cobs.encode(cobs.bench_payload(1, bytes(8)))
    os.write(adapter.fd, packet(1) + bytes(broken) + half + packet(4) + packet(5) + b"\xff" * 50 + b"\0" + bench)
    os.write(adapter.fd, packet(6))
    assert receive(bus, 3) == [frame(1), frame(5), frame(6)]
    assert wait_for(lambda: bus.line_counts.refused == 1)
    counts = bus.line_counts
    assert (counts.crc_errors, counts.overruns, counts.resyncs) == (1, 2, 2)


def test_a_flood_of_noise_is_bounded_and_ends(adapter: Adapter, bus: SerialBus) -> None:
    noise = os.urandom(1 << 16).replace(b"\0", b"\1")
    os.set_blocking(adapter.fd, True)
    for at in range(0, len(noise), 1024):
        os.write(adapter.fd, noise[at : at + 1024])
    os.write(adapter.fd, b"\0" + packet(7))
    assert receive(bus, 1) == [frame(7)]
    assert bus.problem is None


def test_a_host_that_does_not_read_holds_up_nothing(adapter: Adapter, bus: SerialBus) -> None:
    os.set_blocking(adapter.fd, True)
    for at in range(0, 3000, 50):
        os.write(adapter.fd, b"".join(packet(k) for k in range(at, at + 50)))
    assert wait_for(lambda: bus.line_counts.received == 3000)
    assert bus.line_counts.host_full > 0
    assert bus.send(frame(1)) and adapter.read(14) == packet(1)
    got = receive(bus, 3000 - bus.line_counts.host_full)
    assert got == [frame(k) for k in range(len(got))]


def numbers(stream: bytes) -> list[int]:
    """Numbers of the frames of a stream; every packet in it must be whole."""
    decoder = cobs.Decoder()
    found = [int.from_bytes(cobs.can_frame_of(payload)[8:], "little") for payload in decoder.feed(stream)]
    assert (decoder.counts.crc_errors, decoder.counts.malformed, decoder.counts.overruns) == (0, 0, 0)
    return found


def test_a_line_that_does_not_drain_drops_whole_frames(adapter: Adapter, bus: SerialBus) -> None:
    for k in range(4000):
        bus.send(frame(k))
        if k % 100 == 0:
            time.sleep(0.001)
    assert wait_for(lambda: bus.line_counts.line_full > 0)
    assert bus.problem is None
    stream = b""
    while not stream.endswith(packet(4444)):
        stream += adapter.read(1)
        bus.send(frame(4444))
    got = numbers(stream)
    assert got == sorted(got) and len(got) < 4000


def test_what_a_line_takes_in_parts_stays_in_order(adapter: Adapter, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    line = Line(str(adapter.path), 921_600)
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:5]))
    assert line.write(packet(1)) and line.behind and line.waiting() >= 9
    while line.behind:
        assert line.write(b"")
    assert adapter.read(14) == packet(1)
    line.close()


def test_after_a_stall_the_newest_frames_are_sent(adapter: Adapter, bus: SerialBus) -> None:
    os.kill(bus._pump.pid, signal.SIGSTOP)
    assert all(bus.send(frame(k)) for k in range(100))
    os.kill(bus._pump.pid, signal.SIGCONT)
    assert numbers(adapter.read(32 * 14)) == list(range(68, 100))
    assert wait_for(lambda: bus.line_counts.line_full == 68)


def test_a_cut_line_comes_back(adapter: Adapter, bus: SerialBus) -> None:
    adapter.pull()
    assert wait_for(lambda: bus.problem is not None)
    assert "opens again by itself" in (bus.problem or "")
    assert bus.send(frame(1)) and bus.receive() is None  # silence, as on a dead bus
    assert wait_for(lambda: bus.line_counts.line_full == 1)
    adapter.plug()
    assert wait_for(lambda: bus.problem is None)
    bus.send(frame(2))
    assert adapter.read(14) == packet(2)  # what was sent into the cut does not come late
    os.write(adapter.fd, packet(3))
    assert receive(bus, 1) == [frame(3)]
    assert bus.line_counts.cuts == 1


def test_a_packet_cut_in_two_is_lost_alone(adapter: Adapter, bus: SerialBus) -> None:
    os.write(adapter.fd, packet(1)[:7])
    time.sleep(0.05)
    adapter.pull()
    assert wait_for(lambda: bus.problem is not None)
    adapter.plug()
    assert wait_for(lambda: bus.problem is None)
    os.write(adapter.fd, packet(2))
    assert receive(bus, 1) == [frame(2)]


def test_closing_ends_the_pump(adapter: Adapter) -> None:
    bus = open_serial(f"serial:{adapter.path}")
    pid = bus._pump.pid
    bus.close()
    bus.close()
    assert bus.fd == -1 and not Path(f"/proc/{pid}").exists()
    assert "closed" in (bus.problem or "")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_pump_ends_with_a_killed_host(adapter: Adapter) -> None:
    script = (
        "import sys,time; from firmware_bridge.serial_link import open_serial; "
        "b=open_serial(sys.argv[1]); print(b._pump.pid, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", script, f"serial:{adapter.path}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        pid = int(host.stdout.readline())
        os.kill(host.pid, signal.SIGKILL)
    assert wait_for(lambda: not alive(pid))


def test_a_dead_pump_is_told(bus: SerialBus) -> None:
    bus._pump.kill()
    assert wait_for(lambda: bus.problem is not None)
    assert "open the bus again" in (bus.problem or "")
    while bus.receive() is not None:
        pass
    assert bus.health.condition is Condition.GONE and "serial:" in bus.health.reason


def test_a_device_is_opened_once(adapter: Adapter, bus: SerialBus) -> None:
    one_line(f"serial:{adapter.path}", "in use by another program")


def one_line(spec: str, says: str) -> None:
    with pytest.raises(BridgeError) as caught:
        open_bus(spec)
    assert says in str(caught.value) and spec in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_device(tmp_path: Path) -> None:
    one_line(f"serial:{tmp_path / 'ttyNONE'}", "plug it in")


def test_something_else_than_a_device(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no line")
    one_line(f"serial:{tmp_path / 'file'}", "not a serial device")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("serial:", "no device"),
        ("serial:?baud=9600", "no device"),
        ("serial:/dev/x?baud=fast", "baud must be a whole number"),
        ("serial:/dev/x?baud=300", "from 9600 to 12000000"),
        ("serial:/dev/x?baud", "write baud=N"),
        ("serial:/dev/x?parity=even", "unknown option parity"),
        ("serial:/dev/x?priority=100", "priority must be a whole number from 0 to 99"),
    ],
)
def test_a_wrong_spec(spec: str, says: str) -> None:
    one_line(spec, says)


def test_specs() -> None:
    assert parse_spec("serial:/dev/ttyUSB0") == SerialSpec("/dev/ttyUSB0", 921_600, 0)
    assert parse_spec("serial:/dev/a?priority=79&baud=115200") == SerialSpec("/dev/a", 115_200, 79)
