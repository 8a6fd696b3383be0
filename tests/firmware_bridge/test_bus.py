"""Buses: whole frames both ways, full queues, and one clear line for everything that can be wrong."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_bridge.bus import Bus, Condition, Kind, Listener, open_bus
from firmware_bridge.buses.unix import make_way
from firmware_bridge.errors import BridgeError

FRAME = bytes(range(16))


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Bus, Bus]:
    listener = Listener(f"unix:{tmp_path / 'bus'}")
    host = open_bus(f"unix:{tmp_path / 'bus'}")
    return host, listener.accept(1.0)


def test_frames_keep_their_bounds(pair: tuple[Bus, Bus]) -> None:
    host, firmware = pair
    assert firmware.receive() is None
    assert host.send(FRAME) and host.send(FRAME[::-1])
    assert [firmware.receive(), firmware.receive(), firmware.receive()] == [FRAME, FRAME[::-1], None]


def test_never_blocks(pair: tuple[Bus, Bus]) -> None:
    host, _ = pair
    assert not os.get_blocking(host.fd)
    assert not all(host.send(FRAME) for _ in range(100_000))
    assert host.health.condition is Condition.QUEUE_FULL and "does not read" in host.health.reason


def test_a_queue_with_room_again_is_well(pair: tuple[Bus, Bus]) -> None:
    host, firmware = pair
    while host.send(FRAME):
        pass
    while firmware.receive():
        pass
    assert host.send(FRAME) and host.health.condition is Condition.OK and not host.health.reason


def test_a_process_is_no_hardware(pair: tuple[Bus, Bus]) -> None:
    assert [(bus.kind, bus.hardware) for bus in pair] == [(Kind.UNIX, False)] * 2


@pytest.mark.parametrize(("name", "hardware"), [("exo-simulated", False), ("python", True)])
def test_another_process_is_hardware_unless_it_says_that_it_is_not(tmp_path: Path, name: str, hardware: bool) -> None:
    program = (
        "import sys; from firmware_bridge.bus import Listener; listener = Listener(sys.argv[1]);"
        "open('/proc/self/comm', 'w').write(sys.argv[2]); print('ready', flush=True); sys.stdin.read()"
    )
    spec = f"unix:{tmp_path / 'bus'}"
    command = [sys.executable, "-c", program, spec, name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        with open_bus(spec) as bus:
            assert bus.hardware is hardware
        process.communicate()


def test_a_closed_peer_is_one_line(pair: tuple[Bus, Bus]) -> None:
    host, firmware = pair
    firmware.close()
    assert host.receive() is None
    assert host.health.condition is Condition.GONE and "firmware running" in host.health.reason
    assert not host.send(FRAME) and host.counts.refused == 1
    assert host.health.condition is Condition.GONE and "\n" not in host.health.reason
    with host:
        pass
    assert host.fd == -1


def one_line(spec: str, says: str) -> None:
    with pytest.raises(BridgeError) as caught:
        open_bus(spec)
    assert says in str(caught.value) and spec in str(caught.value) and "\n" not in str(caught.value)


def test_missing_socket(tmp_path: Path) -> None:
    one_line(f"unix:{tmp_path / 'none'}", "start the firmware first")


def test_no_path() -> None:
    one_line("unix:", "no path")


def test_dead_socket(tmp_path: Path) -> None:
    path = tmp_path / "dead"
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.bind(str(path))
    sock.close()
    one_line(f"unix:{path}", "nothing listens there")


def test_only_a_dead_socket_makes_way(tmp_path: Path) -> None:
    path = tmp_path / "bus"
    make_way(path, "unix:bus")
    listener = Listener(f"unix:{path}")
    with pytest.raises(BridgeError, match="another program listens there"):
        make_way(path, "unix:bus")
    listener._sock.close()
    make_way(path, "unix:bus")
    assert not path.exists()
    path.write_text("precious", encoding="utf-8")
    with pytest.raises(BridgeError, match="is no socket"):
        make_way(path, "unix:bus")
    assert path.read_text(encoding="utf-8") == "precious"


def test_another_kind_of_socket(tmp_path: Path) -> None:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.bind(str(tmp_path / "stream"))
    sock.listen()
    one_line(f"unix:{tmp_path / 'stream'}", "another kind of socket")
    sock.close()


def test_a_path_too_long(tmp_path: Path) -> None:
    one_line(f"unix:{tmp_path / ('x' * 120)}", "correct the path")


@pytest.mark.parametrize("spec", ["", "can0", "tcp:localhost"])
def test_unknown_kinds(spec: str) -> None:
    one_line(spec, "write unix:PATH")


@pytest.mark.parametrize("name", ["", "x" * 16])
def test_interface_names(name: str) -> None:
    one_line(f"socketcan:{name}", "1 to 15 characters")


class Refusing:
    """A socket that fails the way a kernel does."""

    def __init__(self, code: int) -> None:
        self.code = code

    def setsockopt(self, *_: object) -> None:
        pass

    def bind(self, _: object) -> None:
        raise OSError(self.code, os.strerror(self.code))

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (errno.EAFNOSUPPORT, "this kernel has no CAN"),
        (errno.EPROTONOSUPPORT, "this kernel has no CAN"),
        (errno.EPERM, "add CAP_NET_RAW"),
    ],
)
def test_kernel_without_can(monkeypatch: pytest.MonkeyPatch, code: int, says: str) -> None:
    def refuse(*_: object) -> socket.socket:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(socket, "socket", refuse)
    one_line("socketcan:can0", says)


@pytest.mark.parametrize(
    ("code", "says"), [(errno.ENODEV, "no interface can7"), (errno.ENETDOWN, "ip link set can7 up")]
)
def test_interface_missing_or_down(monkeypatch: pytest.MonkeyPatch, code: int, says: str) -> None:
    monkeypatch.setattr(socket, "socket", lambda *_: Refusing(code))
    one_line("socketcan:can7", says)


def test_listener_says_when_nobody_comes(tmp_path: Path) -> None:
    listener = Listener(f"unix:{tmp_path / 'bus'}")
    with pytest.raises(BridgeError, match="no host connected"):
        listener.accept(0.01)
    with pytest.raises(BridgeError, match="cannot listen"):
        Listener(f"unix:{tmp_path / 'bus'}")
    listener.close()
    assert not (tmp_path / "bus").exists()
