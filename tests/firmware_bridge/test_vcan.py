"""Our buses on a real CAN socket: run inside a box (tests/hil/test_in_box.py), or wherever vcan0 is up."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import can
import numpy as np
import pytest

from firmware_bridge import e2e, wire
from firmware_bridge.bus import Bus, open_bus
from firmware_bridge.errors import BridgeError
from firmware_bridge.simulator.build import build
from firmware_bridge.simulator.process import FirmwareProcess, Pace, PlantParams, SimLink
from firmware_bridge.table import GOVERNOR_REASONS, MUX, STATES

HOST_STATE = 0x201
SPEC = "socketcan:vcan0"
ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(
    not Path("/sys/class/net/vcan0").exists(), reason="no vcan0 here: exo-edge hil box -- pytest tests/firmware_bridge"
)


def frame(can_id: int, data: bytes) -> bytes:
    return can_id.to_bytes(4, "little") + bytes((len(data), 0, 0, 0)) + data.ljust(8, b"\0")


@pytest.fixture
def pair() -> Iterator[tuple[Bus, Bus]]:
    with open_bus(SPEC) as one, open_bus(SPEC) as other:
        yield one, other


def within(s: float, condition: Callable[[], bool]) -> None:
    until = time.monotonic() + s
    while not condition():
        assert time.monotonic() < until, "did not come"
        time.sleep(0.001)


def tc(words: str) -> None:
    subprocess.run(f"tc qdisc {words}".split(), check=True)


def test_frames_go_both_ways_and_never_back_to_their_sender(pair: tuple[Bus, Bus]) -> None:
    one, other = pair
    sent = [frame(0x100 + i, bytes(range(i))) for i in range(9)]
    assert all(one.send(f) for f in sent)
    assert [other.receive() for _ in sent] == sent
    assert other.receive() is None and one.receive() is None
    assert other.send(sent[8]) and one.receive() == sent[8]


def test_python_can_reads_and_writes_the_same_frames() -> None:
    with open_bus(SPEC) as ours, can.Bus("vcan0", interface="socketcan") as theirs:
        assert ours.send(frame(0x123, b"exo edge"))
        message = theirs.recv(1.0)
        assert message is not None and (message.arbitration_id, bytes(message.data)) == (0x123, b"exo edge")
        theirs.send(can.Message(arbitration_id=0x321, data=b"abc", is_extended_id=False))
        got = ours.receive()
        assert got is not None and (got[:5], got[8:11]) == (frame(0x321, b"abc")[:5], b"abc")


def test_a_full_queue_is_an_answer_and_passes(pair: tuple[Bus, Bus]) -> None:
    """The kernel says ENOBUFS; once the queue has run empty, frames go again."""
    one, other = pair
    tc("add dev vcan0 root netem delay 20ms limit 4")
    try:
        assert [one.send(frame(0x100, bytes(8))) for _ in range(6)] == [True] * 4 + [False] * 2
        time.sleep(0.1)
        assert one.send(frame(0x101, bytes(8)))
        time.sleep(0.1)
    finally:
        tc("del dev vcan0 root")
    assert [other.receive() for _ in range(5)] == [frame(0x100, bytes(8))] * 4 + [frame(0x101, bytes(8))]


@pytest.mark.parametrize(("spec", "says"), [("socketcan:can9", "no interface can9"), ("socketcan:vcan9", "vcan9")])
def test_a_missing_interface_is_one_line(spec: str, says: str) -> None:
    with pytest.raises(BridgeError, match=says) as caught:
        open_bus(spec)
    assert "\n" not in str(caught.value)


@pytest.fixture
def firmware(tmp_path: Path) -> Iterator[FirmwareProcess]:
    PlantParams().write(tmp_path / "params")
    process = FirmwareProcess(
        build(ROOT / ".build" / "firmware"), SPEC, tmp_path / "sim", tmp_path / "params", Pace.REALTIME
    )
    process.start()
    yield process
    process.stop()


def test_the_firmware_speaks_on_the_interface(firmware: FirmwareProcess, pair: tuple[Bus, Bus]) -> None:
    bus, _ = pair
    seen: dict[int, list[bytes]] = {}

    def all_streams() -> bool:
        while got := bus.receive():
            seen.setdefault(int.from_bytes(got[:4], "little"), []).append(got[8:])
        return {0x180, 0x181, 0x200} <= seen.keys() and len(seen[0x200]) > 3

    link = SimLink(firmware.sim_path)
    link.send_wearer(np.zeros(2), np.zeros(2))
    within(5.0, all_streams)
    assert all(e2e.check(data, can_id) for can_id, stream in seen.items() for data in stream)
    link.close()


def test_the_firmware_hears_a_host_on_the_interface_and_survives_it_going_down(
    firmware: FirmwareProcess, pair: tuple[Bus, Bus]
) -> None:
    """A wrong hash is named: so the frame was heard. Then the interface goes away and comes back."""
    bus, _ = pair
    link = SimLink(firmware.sim_path)
    link.send_wearer(np.zeros(2), np.zeros(2))
    state = wire.frame()

    def refuses() -> bool:
        wire.pack_state(state, HOST_STATE, 0, STATES["READY"], MUX["PROTOCOL_HASH"], 0, 1, e2e.CRC_TABLE)
        bus.send(state.tobytes())
        link.poll()
        return int(link.truth()["reason"]) == GOVERNOR_REASONS["protocol_hash"]

    within(5.0, refuses)
    subprocess.run(["ip", "link", "set", "vcan0", "down"], check=True)
    time.sleep(0.05)
    subprocess.run(["ip", "link", "set", "vcan0", "up"], check=True)
    with open_bus(SPEC) as again:
        within(2.0, lambda: again.receive() is not None)
    assert firmware.poll() is None
    link.close()
