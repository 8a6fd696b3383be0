"""Takes an image on the emulated board through its life once, to see that it lives and how deep its stack gets."""

from __future__ import annotations

from typing import Final

from firmware_bridge import e2e
from firmware_bridge.cortex_m.bench import Bench, Report, Step
from firmware_bridge.errors import BridgeError
from firmware_bridge.table import GOVERNOR_REASONS, MODES, MUX, STATES, TABLE

START_US: Final = 1_000_000
STEP_US: Final = 1_000
LEASE_MS: Final = 20
AGE_MS: Final = 17
RISE_CNM: Final = 14  # per step: just inside the slew limit of 150 Nm/s
PEAK_CNM: Final = 350
FLOOD: Final = 60  # frames at once, just less than the inbox holds


class Host:
    """The simplest host: frames with right counters, in lock-step."""

    def __init__(self, bench: Bench, profile_hash: int) -> None:
        self._bench = bench
        self._counters: dict[int, int] = {}
        self._hashes = {
            MUX["CLOCK"]: 0,
            MUX["PROTOCOL_HASH"]: TABLE.protocol_hash,
            MUX["LIMITS_HASH"]: TABLE.limits_hash,
            MUX["PROFILE_HASH"]: profile_hash,
        }
        self.now_us = START_US

    def hear(self, state: str, reason: int = 0) -> None:
        """HOST_STATE once with each hash."""
        for mux, value in self._hashes.items():
            head = bytes((STATES[state] | mux << 4, reason))
            self._send(TABLE.messages["HOST_STATE"].can_id["all"], head + value.to_bytes(4, "little"))

    def ask(self, cnm: int, mode: str) -> None:
        """A setpoint on every joint."""
        stamp = (self.now_us // 100 & 0xFFF) | MODES[mode] << 12
        data = cnm.to_bytes(2, "little", signed=True) + bytes((LEASE_MS, AGE_MS)) + stamp.to_bytes(2, "little")
        for can_id in TABLE.messages["TORQUE_SETPOINT"].can_id.values():
            self._send(can_id, data)

    def step(self, cnm: int = 0, mode: str = "ZERO") -> Step:
        """One millisecond with this torque asked for."""
        self.now_us += STEP_US
        self.ask(cnm, mode)
        return self._bench.tick(self.now_us)

    def _send(self, can_id: int, payload: bytes) -> None:
        counter = self._counters.get(can_id, 0)
        self._counters[can_id] = (counter + 1) % (TABLE.protocol.counter_max + 1)
        data = e2e.protect(b"\0\0" + payload, can_id, counter)
        self._bench.send(can_id.to_bytes(4, "little") + bytes((8, 0, 0, 0)) + data)


def exercise(bench: Bench, profile_hash: int) -> Report:
    """Arm, engage, raise torque, reverse it, flood, trip, clear; the board's counts after it.

    Raises BridgeError with one line where the image does not do what it should.
    """
    bench.take_clock()
    host = Host(bench, profile_hash)
    _expect(bench.tick(host.now_us), "IDLE", "after power-up")
    _arm(host)
    for cnm in range(0, PEAK_CNM, RISE_CNM):
        host.step(cnm, "TORQUE")
    for cnm in range(PEAK_CNM, -PEAK_CNM, -RISE_CNM):
        engaged = host.step(cnm, "TORQUE")
    _expect(engaged, "ENGAGED", "while torque is asked for within the limits")
    _trip_and_clear(host)
    return bench.report()


def _arm(host: Host) -> None:
    for state in ("READY", "ARMED"):
        host.hear(state)
        host.step()
        last = host.step()
        _expect(last, state, f"where the host shows {state}")


def _trip_and_clear(host: Host) -> None:
    for _ in range(FLOOD // 2):
        host.ask(0, "ZERO")
    over = TABLE.joints["knee_r"].torque_nm * 100 + 1
    _expect(host.step(round(over), "TORQUE"), "SAFE", "with too much torque asked for")
    host.hear("IDLE")
    for _ in range(round(TABLE.safe.clear_after_ms) // 50):
        host.now_us += 50_000 - STEP_US
        host.hear("IDLE")
        host.step(0, "OFF")
    host.hear("IDLE", GOVERNOR_REASONS["clear_request"])
    _expect(host.step(0, "OFF"), "IDLE", "after SAFE was cleared")


def _expect(step: Step, state: str, when: str) -> None:
    if step.state != STATES[state]:
        shown = next((name for name, code in STATES.items() if code == step.state), str(step.state))
        reason = TABLE.reason_name(step.reason)
        raise BridgeError(f"firmware image on the emulated board: {shown} ({reason}) instead of {state} {when}")
