"""One trace through the governor compiled for ARM and for this machine: the same answers, byte for byte.

The trace has good hosts, bad hosts, every fault the wire can bring and sensors that jump; at clock values from power-up
to past 32 bits of microseconds. The ARM side runs the object files of the firmware image on the emulated core.
"""

from __future__ import annotations

import ctypes
import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_bridge.cortex_m.build import Cpu, Program, build
from firmware_bridge.cortex_m.emulator import replay
from firmware_bridge.errors import BridgeError
from firmware_bridge.table import MODES, TABLE
from tests.firmware_bridge.harness import HOST_ID, JOINTS, PROFILE_HASH, SETPOINT_ID, Governor
from tests.firmware_bridge.twin import need

RECORD = struct.Struct("<QHBB20s")
OUTPUT_HEAD = struct.Struct("<iiH")
OUTPUT_FRAME = struct.Struct("<H8s")
FRAMES_MAX = 3
INIT, FRAME, STEP = range(3)
STARTS_US = (0, 1_000_000, (1 << 32) - 200_000, (1 << 41) + 7)


class Recorder(Governor):
    """The host's governor; writes down every call and every answer."""

    def __init__(self, library: Path, start_us: int, trace: bytearray, answers: bytearray) -> None:
        super().__init__(library, start_us=start_us)
        self.trace, self.answers = trace, answers
        self.seen: set[tuple[str, str]] = set()
        self._record(INIT, 0, struct.pack("<I", PROFILE_HASH))

    def _record(self, kind: int, can_id: int, data: bytes) -> None:
        length = len(data) if kind == FRAME else 0
        self.trace += RECORD.pack(self.now_us, can_id, kind, length, data)

    def frame(self, can_id: int, data: bytes) -> None:
        self._record(FRAME, can_id, data)
        super().frame(can_id, data)

    def frames_of(self, can_id: int, datas: list[bytes]) -> None:
        """Hand in several frames of one id."""
        for data in datas:
            self.frame(can_id, data)

    def step(self, dt_us: int = 1000) -> None:
        super().step(dt_us)
        self._record(STEP, 0, bytes(ctypes.string_at(ctypes.addressof(self.measured), ctypes.sizeof(self.measured))))
        self.answers += OUTPUT_HEAD.pack(*self.torque, len(self.frames))
        empty = [(0, bytes(8))] * (FRAMES_MAX - len(self.frames))
        self.answers += b"".join(OUTPUT_FRAME.pack(*frame) for frame in [*self.frames, *empty])
        self.seen.add((self.state, self.reason))


def drive(g: Recorder, rng: random.Random, steps: int) -> None:
    """A host that mostly follows the rules: torque wanders within the slew limit, now and then something is wrong."""
    cnm, goal, ahead = [0, 0], [0, 0], rng.choice([0, 10, -20])
    for _ in range(steps):
        live = g.state in ("ARMED", "ENGAGED", "DEGRADED")
        g.host_state = {"READY": "ARMED", "SAFE": "IDLE", "IDLE": "READY"}.get(g.state, "ENGAGED" if live else "READY")
        if live and rng.random() < 0.02:
            g.host_state = rng.choice(["DEGRADED", "READY"])
        g.host_reason = 255 if g.state == "SAFE" and rng.random() < 0.5 else 0
        g.keep_host()
        for joint in range(2):
            if rng.random() < 0.02:
                goal[joint] = rng.randint(-900, 900)
            cnm[joint] = cnm[joint] + max(-12, min(12, goal[joint] - cnm[joint])) if live else 0
            mode = "TORQUE" if live else "OFF" if g.state == "SAFE" else "ZERO"
            lease, age = rng.choice([20, 20, 15]), rng.choice([17, 17, 50])
            g.setpoint(joint, cnm[joint], mode, lease=lease, age=age, ahead=ahead)
        if rng.random() < 0.01:
            harm(g, rng)
        move(g, rng)
        if g.state == "SAFE":
            g.step(rng.choice([1000, 30_000]))  # on to where it may be cleared
        g.step(rng.choice([970, 1000, 1000, 1100, 4_000] if rng.random() < 0.3 else [1000]))


def harm(g: Recorder, rng: random.Random) -> None:
    """Something that a bad line, host or sensor does."""
    joint = rng.randrange(2)
    can_id = rng.choice([HOST_ID, *SETPOINT_ID.values(), 0x7FF])
    many = TABLE.protocol.consecutive_errors_max
    wrongs: list[Callable[[], object]] = [
        lambda: g.frame(can_id, rng.randbytes(rng.randrange(9))),
        lambda: g.frames_of(SETPOINT_ID[JOINTS[joint]], [rng.randbytes(8) for _ in range(many)]),
        lambda: g.frames_of(HOST_ID, [g.protected(HOST_ID, rng.randbytes(6)) for _ in range(2)]),
        lambda: g.setpoint(joint, rng.randint(-2500, 2500), rng.randrange(16), lease=rng.randrange(30)),
        lambda: g.setpoint(joint, 0, "TORQUE", age=255, ahead=rng.randint(-2000, 2000)),
        lambda: g.setpoint(joint, 0, rng.choice(list(MODES))),
        lambda: g.listen(rng.choice([5, 19, 25, 220])),
        lambda: setattr(g.measured[joint], "valid", 0),
        lambda: setattr(g.measured[joint], "torque_cnm", rng.randint(-2500, 2500)),
        lambda: setattr(g.measured[joint], "velocity_ddegps", rng.choice([-32768, -7100, 7100, 32767])),
        lambda: setattr(g.measured[joint], "position_cdeg", rng.choice([-32768, -600, 11_100, 32767])),
        lambda: g.frame(HOST_ID, g.protected(HOST_ID, b"\x06\0\0\0\0\0")),
    ]
    rng.choice(wrongs)()


def move(g: Recorder, rng: random.Random) -> None:
    """Knees wander; what was harmed comes back after a while."""
    for m in g.measured:
        if rng.random() < 0.03:
            m.valid, m.position_cdeg, m.velocity_ddegps = 1, rng.randint(-400, 10_900), rng.randint(-900, 900)
    if rng.random() < 0.03:
        g.tracks = rng.random() < 0.9


@pytest.fixture(scope="module")
def trace(library: Path) -> tuple[bytes, bytes, set[tuple[str, str]]]:
    """Calls, the answers of the governor compiled for this machine, states and reasons seen."""
    calls, answers = bytearray(), bytearray()
    seen: set[tuple[str, str]] = set()
    for seed in range(16):
        recorder = Recorder(library, STARTS_US[seed % len(STARTS_US)], calls, answers)
        recorder.step()
        drive(recorder, random.Random(seed), 1500)
        seen |= recorder.seen
    return bytes(calls), bytes(answers), seen


def test_the_trace_goes_everywhere(trace: tuple[bytes, bytes, set[tuple[str, str]]]) -> None:
    states = {state for state, _ in trace[2]}
    reasons = {reason for state, reason in trace[2] if state == "SAFE"}
    assert states >= {"IDLE", "READY", "ARMED", "ENGAGED", "DEGRADED", "SAFE"}
    assert len(reasons) >= 12, reasons


@pytest.mark.parametrize("cpu", Cpu)
def test_arm_and_host_answer_the_same(
    build_dir: Path, tmp_path: Path, cpu: Cpu, trace: tuple[bytes, bytes, set[tuple[str, str]]]
) -> None:
    need()
    (tmp_path / "trace.in").write_bytes(trace[0])
    replay(build(build_dir, Program.REPLAY, cpu).elf, tmp_path, cpu)
    arm = (tmp_path / "trace.out").read_bytes()
    size = OUTPUT_HEAD.size + FRAMES_MAX * OUTPUT_FRAME.size
    assert len(arm) == len(trace[1]) > 18_000 * size
    differs = next((at for at in range(0, len(arm), size) if arm[at : at + size] != trace[1][at : at + size]), None)
    assert differs is None, f"step {differs // size}" if differs is not None else ""


def test_a_difference_would_be_seen(
    build_dir: Path, tmp_path: Path, trace: tuple[bytes, bytes, set[tuple[str, str]]]
) -> None:
    need()
    other = trace[0].replace(struct.pack("<I", PROFILE_HASH), struct.pack("<I", PROFILE_HASH ^ 1), 1)
    (tmp_path / "trace.in").write_bytes(other[: RECORD.size * 200])
    replay(build(build_dir, Program.REPLAY, Cpu.M4).elf, tmp_path)
    arm = (tmp_path / "trace.out").read_bytes()
    assert arm and not trace[1].startswith(arm)


def test_a_missing_trace_is_one_line(build_dir: Path, tmp_path: Path) -> None:
    need()
    with pytest.raises(BridgeError, match="replay image fails"):
        replay(build(build_dir, Program.REPLAY, Cpu.M4).elf, tmp_path)
