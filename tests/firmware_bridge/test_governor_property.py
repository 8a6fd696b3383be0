"""Whatever arrives, torque stays inside the limits and changes no faster than they allow."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_bridge.codegen import joint_integers
from firmware_bridge.table import TABLE
from tests.firmware_bridge.harness import JOINTS, SETPOINT_ID, Governor

LIMIT = joint_integers(TABLE.joints["knee_r"])
UP, DOWN = LIMIT["slew_up_cnm_per_s"], LIMIT["slew_down_cnm_per_s"]
FIT = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

EVENT = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["walk", "walk", "walk", "jump", "garbage", "silence", "host", "burst"]),
        "cnm": st.integers(-2500, 2500),
        "mode": st.sampled_from([0, 1, 2, 2, 2, 3, 9]),
        "age": st.sampled_from([0, 17, 17, 17, 30, 60, 255]),
        "lease": st.sampled_from([0, 5, 20, 20, 20, 21]),
        "ahead": st.integers(-120, 60),
        "steps": st.integers(1, 60),
        "velocity": st.integers(-9000, 9000),
        "dt_us": st.sampled_from([1, 300, 1000, 1000, 1000, 1700, 5000]),
        "raw": st.binary(min_size=8, max_size=8),
    }
)


def check(before: int, after: int, dt_us: int) -> None:
    """One step's change of torque against the slew limits, with one wire step for rounding."""
    assert abs(after) <= LIMIT["torque_cnm"]
    same_side = before * after >= 0
    grown = abs(after) - abs(before) if same_side else abs(after)
    fallen = abs(before) - abs(after) if same_side else abs(before)
    assert grown <= UP * dt_us / 1e6 + 1
    assert fallen <= DOWN * dt_us / 1e6 + 1


def stepped(g: Governor, dt_us: int = 1000) -> None:
    before = g.torque
    g.step(dt_us)
    for i in range(2):
        check(before[i], g.torque[i], dt_us)


def play(g: Governor, event: dict[str, int | str | bytes], last: int) -> int:
    """One event; returns the last torque asked for."""
    kind, cnm, raw = event["kind"], int(event["cnm"]), event["raw"]
    assert isinstance(raw, bytes)
    fields = {name: int(event[name]) for name in ("lease", "age", "ahead")}
    for _ in range(int(event["steps"])):
        g.keep_host()
        if kind == "walk":
            last += max(-20, min(20, cnm - last))
        for joint in range(2):
            if kind == "walk":
                g.setpoint(joint, last, "TORQUE")
            elif kind == "jump":
                g.setpoint(joint, cnm, int(event["mode"]), **fields)
            elif kind == "garbage":
                g.frame(SETPOINT_ID[JOINTS[joint]], raw)
            elif kind == "burst":
                for _ in range(3):
                    last += max(-5, min(5, cnm - last))
                    g.setpoint(joint, last, "TORQUE", ahead=min(fields["ahead"], 40))
        if kind == "host":
            g.measured[0].velocity_ddegps = int(event["velocity"])
        stepped(g, int(event["dt_us"]))
    return last


@FIT
@given(events=st.lists(EVENT, max_size=25))
def test_torque_is_bounded_for_any_stream(library: Path, events: list[dict[str, int | str | bytes]]) -> None:
    g = Governor(library)
    g.arm()
    last = 0
    for event in events:
        last = play(g, event, last)
    g.host_due = g.now_us + 10**9
    for _ in range(90):
        stepped(g)
    g.measured[0].velocity_ddegps = 0
    for _ in range(20):
        stepped(g)
    assert g.torque == (0, 0)


@FIT
@given(raw=st.lists(st.tuples(st.sampled_from([0x100, 0x101, 0x201]), st.binary(max_size=8)), max_size=200))
def test_a_silent_governor_stays_silent_for_any_bytes(library: Path, raw: list[tuple[int, bytes]]) -> None:
    g = Governor(library)
    for can_id, data in raw:
        g.frame(can_id, data)
        g.step()
        assert g.torque == (0, 0)


@FIT
@given(flips=st.sets(st.integers(0, 63), min_size=1, max_size=2), cnm=st.integers(-10, 10))
def test_no_flip_of_two_bits_is_accepted(library: Path, flips: set[int], cnm: int) -> None:
    g = Governor(library)
    g.arm()
    word = int.from_bytes(g.setpoint_data(0, cnm, "TORQUE"), "little")
    for bit in flips:
        word ^= 1 << bit
    g.frame(SETPOINT_ID["knee_r"], word.to_bytes(8, "little"))
    g.step()
    assert (g.state, g.torque) == ("ARMED", (0, 0))
