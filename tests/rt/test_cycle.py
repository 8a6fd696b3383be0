"""One cycle of the torque loop against a bus of our own: constant latency, fade, guards, protection of frames."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import calibration
from calibration.profile import load_profile
from edge_runtime import shared
from edge_runtime.config import load_device
from edge_runtime.intent import new_intent
from edge_runtime.rt.cycle import cycle
from edge_runtime.rt.mailbox import drain, latest, publish
from edge_runtime.rt.torque import Torque, new_torque
from edge_runtime.telemetry import CYCLE_FIELDS
from firmware_bridge import e2e, wire
from firmware_bridge.errors import TableError
from firmware_bridge.table import LIMITER_REASONS, MODES, MUX, STATES, TABLE

PROFILE = load_profile(Path(calibration.__file__).with_name("profiles") / "demo.toml")
DEVICE = load_device()
MS = 1_000_000
START_NS = 1_000 * MS
LATENCY_NS = round(TABLE.age.latency_ms * MS)
FRAME_NS = 16_666_667
COLUMN = {name: i for i, name in enumerate(CYCLE_FIELDS)}


@dataclass
class Bench:
    """A torque loop under test, stepped by hand, with the firmware's end of the bus in the test's hands."""

    torque: Torque
    rings: shared.Rings
    bus: socket.socket
    now_ns: int = START_NS
    talks: bool = False
    state: str = "ARMED"
    counter: int = 0

    def ask(self, torque_nm: float, captured_ns: int, sequence: int = 1, valid: int = 1, relief: float = 0.0) -> None:
        intent = new_intent()
        record = intent[0]
        record["sequence"], record["t_capture_ns"] = sequence, captured_ns
        record["t_act_ns"], record["frame_ns"], record["valid"] = captured_ns + LATENCY_NS, FRAME_NS, valid
        record["torque_nm"][:] = torque_nm
        record["kcf_relief"][0] = relief
        publish(self.rings.intent, intent.view(np.int64))

    def step(self, ms: int = 1) -> np.ndarray:
        rows = []
        for _ in range(ms):
            self.rings.control[shared.HEARTBEAT] += 1
            if self.talks:
                self.counter = (self.counter + 1) % 15
                self.joints(self.counter)
                self.governor(self.state, self.counter)
            cycle(self.torque, self.rings.control, self.rings.intent, self.rings.feedback, self.now_ns)
            rows.append(self.torque.row.copy())
            self.now_ns += MS
        return np.array(rows)

    def sent(self) -> list[wire.Decoded]:
        frames: list[wire.Decoded] = []
        while True:
            try:
                decoded = wire.decode(self.bus.recv(16))
            except BlockingIOError:
                return frames
            assert decoded is not None
            frames.append(decoded)

    def governor(self, state: str, counter: int) -> None:
        frame = wire.frame()
        can_id = TABLE.messages["GOVERNOR_STATE"].can_id["all"]
        wire.pack_state(frame, can_id, counter, STATES[state], 0, 0, self.now_ns // 100_000, e2e.CRC_TABLE)
        self.bus.send(frame.tobytes())

    def joints(self, counter: int, position_rad: float = 0.5) -> None:
        for can_id in TABLE.messages["JOINT_STATE"].can_id.values():
            frame = wire.frame()
            wire.pack_joint_state(frame, can_id, counter, position_rad, 0.0, 1.25, e2e.CRC_TABLE)
            self.bus.send(frame.tobytes())

    def engage(self) -> None:
        """A firmware that is armed and keeps talking; assistance began long ago."""
        self.talks = True
        self.rings.control[shared.MODE] = MODES["TORQUE"]
        self.torque.state[0]["engaged_ns"] = 1


@pytest.fixture
def bench() -> Iterator[Bench]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (ours, theirs):
        end.setblocking(False)
    with ours, theirs:
        yield Bench(new_torque(TABLE, PROFILE, DEVICE, ours.fileno()), shared.local(100), theirs)


def column(rows: np.ndarray, name: str) -> np.ndarray:
    return rows[:, COLUMN[name]]


def test_an_early_intent_waits_for_its_time(bench: Bench) -> None:
    bench.engage()
    bench.ask(5.0, START_NS)
    rows = bench.step(30)
    first = int(np.flatnonzero(column(rows, "intent_first"))[0])
    acts_ns = column(rows, "t_ns")[first] + DEVICE.actuator_delay_ms * MS
    assert abs(acts_ns - (START_NS + LATENCY_NS)) <= MS / 2
    assert not column(rows, "limited_nm_r")[:first].any()
    assert column(rows, "limited_nm_r")[first] > 0.0


def test_intents_that_come_faster_than_they_act_do_not_push_each_other_out(bench: Bench) -> None:
    bench.engage()
    firsts = 0.0
    for k in range(40):
        bench.ask(5.0, START_NS + k * 8 * MS, sequence=k + 1)
        firsts += column(bench.step(8), "intent_first").sum()
    assert firsts >= 15


def test_torque_fades_to_zero_when_the_estimator_stops(bench: Bench) -> None:
    bench.engage()
    bench.ask(5.0, START_NS)
    rows = bench.step(150)
    late_zero_ns = START_NS + LATENCY_NS + FRAME_NS + TABLE.age.late_zero_ms * MS
    after = column(rows, "t_ns") > late_zero_ns + 2 * MS
    assert column(rows, "limited_nm_r").max() > 1.0
    assert not column(rows, "limited_nm_r")[after].any()


def test_an_invalid_intent_does_not_replace_the_last_valid_one(bench: Bench) -> None:
    bench.engage()
    bench.ask(5.0, START_NS)
    bench.step(25)
    bench.ask(0.0, START_NS + FRAME_NS, sequence=2, valid=0)
    rows = bench.step(12)
    assert column(rows, "intent_seq").tolist() == [1.0] * 12
    assert np.diff(column(rows, "limited_nm_r")).min() > -1.0


@pytest.mark.parametrize("state", ["OFF", "IDLE", "READY", "SAFE"])
def test_no_torque_is_asked_of_a_firmware_that_is_not_armed(bench: Bench, state: str) -> None:
    bench.engage()
    bench.state = state
    bench.ask(5.0, START_NS)
    assert not column(bench.step(60), "limited_nm_r").any()
    setpoints = [f for f in bench.sent() if f.message == "TORQUE_SETPOINT"]
    assert {f.values["mode"] for f in setpoints} == {MODES["ZERO"]}


def test_a_supervisor_that_stands_still_means_torque_off(bench: Bench) -> None:
    bench.engage()
    for k in range(60):
        bench.ask(5.0, START_NS + k * 10 * MS, sequence=k + 1)
        bench.step(10)
    assert column(bench.step(1), "limited_nm_r")[0] > 1.0
    beat = int(bench.rings.control[shared.HEARTBEAT])
    for k in range(60, 125):
        bench.ask(5.0, START_NS + k * 10 * MS, sequence=k + 1)
        for _ in range(10):
            bench.rings.control[shared.HEARTBEAT] = beat - 1
            last = bench.step(1)
    assert column(last, "limited_nm_r")[0] == 0.0


def test_a_torque_that_ramps_down_is_announced_as_torque(bench: Bench) -> None:
    bench.engage()
    bench.ask(5.0, START_NS)
    bench.step(40)
    bench.sent()
    bench.rings.control[shared.MODE] = MODES["ZERO"]
    bench.step(40)
    setpoints = [f for f in bench.sent() if f.message == "TORQUE_SETPOINT"]
    assert setpoints[-1].values["torque"] == 0.0
    for frame in setpoints:
        if frame.values["torque"] != 0.0:
            assert frame.values["mode"] == MODES["TORQUE"]


def test_every_frame_is_protected_and_counts_on(bench: Bench) -> None:
    bench.engage()
    bench.step(100)
    frames = bench.sent()
    assert all(frame.intact for frame in frames)
    counters = [f.counter for f in frames if f.message == "TORQUE_SETPOINT" and f.joint == "knee_l"]
    assert counters == [k % 15 for k in range(100)]
    assert len([f for f in frames if f.message == "HOST_STATE"]) == 5


def test_broken_and_foreign_frames_are_counted_and_ignored(bench: Bench) -> None:
    bench.engage()
    bench.step(1)
    bench.talks = False
    good = wire.frame()
    can_id = TABLE.messages["JOINT_STATE"].can_id["knee_r"]
    wire.pack_joint_state(good, can_id, 2, 1.5, 0.0, 9.0, e2e.CRC_TABLE)
    broken, foreign = good.copy(), good.copy()
    broken[12] ^= 1
    foreign[0] = 0x7F
    bench.bus.send(broken.tobytes())
    bench.bus.send(foreign.tobytes())
    row = bench.step(1)
    assert column(row, "rejected")[0] == 2
    assert column(row, "position_rad_r")[0] == pytest.approx(0.5, abs=1e-3)


def test_a_babbling_node_is_read_with_a_bound(bench: Bench) -> None:
    frame = wire.frame()
    frame[0], frame[4] = 0x7F, 8
    for _ in range(60):
        bench.bus.send(frame.tobytes())
    assert column(bench.step(1), "rejected")[0] == 16


def test_a_full_bus_and_a_closed_bus_are_not_errors(bench: Bench) -> None:
    bench.step(2000)
    assert int(bench.torque.state[0]["sent"]) < 4100
    bench.bus.close()
    bench.step(2)


def test_a_torque_that_is_no_number_never_leaves(bench: Bench) -> None:
    bench.engage()
    bench.ask(float("nan"), START_NS)
    assert not column(bench.step(40), "limited_nm_r").any()


def test_the_newest_measurement_is_fed_back(bench: Bench) -> None:
    bench.engage()
    bench.step(1)
    feedback = np.zeros(shared.FEEDBACK_WORDS)
    assert latest(bench.rings.feedback, feedback.view(np.int64)) == 1
    assert feedback == pytest.approx([1.25, 1.25, 0.5, 0.5], abs=1e-3)


def test_a_joint_that_falls_silent_gets_no_torque_and_says_why(bench: Bench) -> None:
    bench.engage()
    bench.ask(5.0, START_NS)
    bench.step(30)
    bench.talks = False
    for k in range(60):
        bench.ask(5.0, bench.now_ns, sequence=k + 2)
        bench.governor("ARMED", (bench.counter + 1 + k) % 15)
        rows = bench.step(1)
    assert column(rows, "limited_nm_r")[0] == 0.0
    assert column(rows, "limiter_r")[0] == LIMITER_REASONS.index("stale")


def test_a_governor_that_falls_silent_means_no_torque(bench: Bench) -> None:
    bench.engage()
    bench.step(30)
    bench.talks = False
    for k in range(20):
        bench.ask(5.0, bench.now_ns, sequence=k + 1)
        for i in range(10):
            bench.joints((bench.counter + 1 + 10 * k + i) % 15)
            rows = bench.step(1)
    assert column(rows, "mode")[0] == MODES["ZERO"]
    assert column(rows, "limited_nm_r")[0] == 0.0


def test_torque_grows_from_nothing_each_time_assistance_begins(bench: Bench) -> None:
    bench.engage()
    for mode, peak_nm in (("TORQUE", 4.0), ("ZERO", 0.0), ("TORQUE", 1.2)):
        bench.rings.control[shared.MODE] = MODES[mode]
        for _ in range(10):
            bench.ask(5.0, bench.now_ns - LATENCY_NS, sequence=bench.now_ns)
            rows = bench.step(10)
        if mode == "ZERO":
            assert not column(rows, "limited_nm_r").any()
        assert (column(rows, "desired_nm_r").max() > 4.0) == (peak_nm == 4.0)


def test_a_stamp_from_the_future_does_not_shut_out_later_intents(bench: Bench) -> None:
    bench.engage()
    bench.ask(5.0, START_NS + 10_000 * MS)
    bench.step(5)
    bench.ask(5.0, bench.now_ns, sequence=2)
    assert column(bench.step(40), "intent_first").sum() == 1.0


def test_one_bad_number_does_not_stay(bench: Bench) -> None:
    bench.engage()
    bench.ask(float("nan"), START_NS)
    bench.step(40)
    bench.ask(5.0, bench.now_ns, sequence=2)
    assert column(bench.step(40), "limited_nm_r").max() > 1.0


def test_a_mode_that_changes_is_a_sign_of_life(bench: Bench) -> None:
    """A supervisor that stood still while no torque was asked for, caught between its new mode and its count."""
    bench.engage()
    bench.rings.control[shared.MODE] = MODES["ZERO"]
    bench.step(10)
    bench.now_ns += 600 * MS
    bench.rings.control[shared.MODE] = MODES["TORQUE"]
    bench.rings.control[shared.HEARTBEAT] -= 1
    bench.step()
    assert bench.torque.state[0]["heartbeat_lost"] == 0


def test_a_lost_heartbeat_is_latched_until_the_mode_is_taken_away(bench: Bench) -> None:
    bench.engage()
    bench.step(10)
    control = bench.rings.control
    beat = int(control[shared.HEARTBEAT])
    for _ in range(600):
        control[shared.HEARTBEAT] = beat - 1
        bench.step(1)
    assert bench.torque.state[0]["heartbeat_lost"] == 1
    assert column(bench.step(50), "mode")[-1] == MODES["ZERO"]
    control[shared.MODE] = MODES["SAFE"]
    bench.step(1)
    assert bench.torque.state[0]["heartbeat_lost"] == 0


def test_help_taken_away_for_the_load_of_the_knee_is_told(bench: Bench) -> None:
    bench.engage()
    for k in range(20):
        bench.ask(0.2, bench.now_ns - LATENCY_NS, sequence=k + 1, relief=0.5)
        rows = bench.step(10)
    assert column(rows, "limiter_r")[-1] == LIMITER_REASONS.index("kcf")
    assert column(rows, "limiter_l")[-1] == LIMITER_REASONS.index("none")


def test_a_table_that_the_host_limits_were_not_made_from_is_refused() -> None:
    with pytest.raises(TableError, match="run: exo-edge can generate"):
        new_torque(dataclasses.replace(TABLE, host_factor=0.99), PROFILE, DEVICE, -1)


@pytest.mark.parametrize("k", range(3))
def test_what_the_firmware_hashed_is_kept_for_the_refusal(bench: Bench, k: int) -> None:
    buf = wire.frame()
    mux = MUX[("PROTOCOL_HASH", "LIMITS_HASH", "PROFILE_HASH")[k]]
    wire.pack_state(buf, 0x200, 1, STATES["IDLE"], mux, 0, 0x1234ABCD, e2e.CRC_TABLE)
    bench.bus.send(buf.tobytes())
    bench.step(1)
    assert bench.torque.state[0]["hash_firmware"][k] == 0x1234ABCD
    assert bench.torque.state[0]["hash_differs"] == 1 << k


def test_the_estimator_hears_what_the_encoders_say_and_when(bench: Bench) -> None:
    bench.engage()
    rows = np.zeros((shared.ENCODER_ROWS, 2 * len(shared.ENCODER_FIELDS)), np.int64)
    drain(bench.torque.readings, rows)
    bench.step(5)
    count = drain(bench.torque.readings, rows)
    told = rows[:count].view(np.float64).reshape(count, 2, -1)
    assert count == 5
    assert told[-1, :, 0] == pytest.approx([joint["heard_ns"] for joint in bench.torque.joints])
    assert told[-1, :, 1] == pytest.approx([joint["position"] for joint in bench.torque.joints])
    assert np.isfinite(told[-1, :, 2:]).all()
