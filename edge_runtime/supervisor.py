"""The supervisor: looks at rows and processes, steps the state machine, tells the loop what to ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from edge_runtime import shared
from edge_runtime.cameras.faults import CAMERA_FAULTS
from edge_runtime.doubt import CAUSES as DOUBT_CAUSES
from edge_runtime.encoder_watch import EncoderWatch
from edge_runtime.envelope import Refusal
from edge_runtime.estimate_row import REASONS
from edge_runtime.rt import bus_state
from edge_runtime.rt.mailbox import I64
from edge_runtime.rt.rights import Right
from edge_runtime.states import Flags, State, step
from edge_runtime.telemetry import CYCLE_FIELDS, ESTIMATE_HEAD
from edge_runtime.types import F64
from engines.backends.faults import REASONS as FAULT_REASONS
from firmware_bridge.schema import Table
from firmware_bridge.table import MODES, STATES

TICK_NS: Final = 100_000_000  # 10 Hz
_MS: Final = 1_000_000
_ESTIMATE_AGE_NS: Final = 150 * _MS  # several frames: shorter gaps are bridged by the fade of the intent
_DOUBT_OVER_NS: Final = 1_000 * _MS  # a doubt that returns sooner is the same
_LOOP_SILENT_NS: Final = 50 * _MS
_FIRMWARE_SILENT_NS: Final = 250 * _MS
_UNARMED_NS: Final = 500 * _MS  # an armed host waits so long for the firmware to arm
_CLEAR_STANDS_NS: Final = 1_000 * _MS
"""A clear also counts for a SAFE of the firmware that a bus which was down tells only afterwards."""
_SIMULATED_OPERATOR_NS: Final = 1_000 * _MS  # in simulation a SAFE is cleared after so long, as an operator would

_CYCLE: Final = {name: i for i, name in enumerate(CYCLE_FIELDS)}
_ESTIMATE: Final = {name: i for i, name in enumerate(ESTIMATE_HEAD)}
_SEEN_KNEES: Final = [_ESTIMATE["seen_knee_r"], _ESTIMATE["seen_knee_l"]]
_SEEN_KNEES_SD: Final = [_ESTIMATE["seen_knee_sd_r"], _ESTIMATE["seen_knee_sd_l"]]
_MODE_OF: Final = {
    State.ARMED: MODES["ZERO"],
    State.ENGAGED: MODES["TORQUE"],
    State.DEGRADED: MODES["TORQUE"],
    State.SAFE: MODES["SAFE"],
}
_SAID: Final = {
    **dict.fromkeys(CAMERA_FAULTS, "the camera cannot be believed"),
    **dict.fromkeys(FAULT_REASONS, "an engine failed; it is opened again"),
    "wearer_lost": "somebody is there, but not surely the wearer",
}
_HASHES: Final = ("protocol", "limits", "profile")
_ALL_HASHES: Final = (1 << len(_HASHES)) - 1

EventSink = Callable[[int, str, str, str], None]
"""Takes (t_ns, level, code, text)."""


@dataclass(slots=True)
class World:
    """What the supervisor has seen; fed by `see_cycles` and `see_estimate`."""

    cycles: int = 0
    cycles_ns: int = 0
    armed_ns: int = 0
    governor_state: int = 0
    governor_reason: int = 0
    valid_ns: int = -(10**18)
    doubt_ns: int = -(10**18)  # last doubt, whose cause is
    doubt_cause: int = 0
    fault_ns: int = -(10**18)  # last fault of the camera or of an engine, which is
    fault: str = ""
    loop_dead: bool = False
    estimator_dead: bool = False
    estimator_done: bool = False
    stop_requested: bool = False


class Supervisor:
    """Owns the host's state. `tick` at 10 Hz; pure of clocks and processes, which the caller brings.

    `encoders` watches them where there is somebody to wear them.
    """

    def __init__(
        self, table: Table, control: I64, event: EventSink, simulated: bool, encoders: EncoderWatch | None = None
    ) -> None:
        self.state = State.OFF
        self.world = World()
        self._table = table
        self._control = control
        self._event = event
        self._simulated = simulated
        self._encoders = encoders
        self._encoder_problem = ""
        self._entered_ns = 0
        self._refused = ""
        self._clearing = False
        self._clear_until_ns = 0
        self._rights_missing = Right(0)
        self._refusals: list[Refusal] = []
        self._refusals_said = False

    def refuse_arming(self, refusal: Refusal) -> None:
        """Stay in READY where the bus leads to hardware: this device's timing, or an engine of it, is not accepted."""
        self._refusals.append(refusal)

    def see_cycles(self, rows: F64) -> None:
        """Telemetry rows [n, CYCLE_FIELDS] of the loop, oldest first."""
        world = self.world
        last = rows[-1]
        world.governor_state = int(last[_CYCLE["governor_state"]])
        reasons = rows[:, _CYCLE["governor_reason"]]
        for i in np.flatnonzero(np.diff(np.concatenate(([world.governor_reason], reasons)))):
            self._governor_event(int(rows[i, 0]), int(rows[i, _CYCLE["governor_state"]]), int(reasons[i]))
        world.governor_reason = int(reasons[-1])
        if STATES["ARMED"] <= world.governor_state <= STATES["DEGRADED"]:
            world.armed_ns = int(last[0])
        if self._encoders is not None:
            self._encoders.see_cycles(rows)

    def see_estimate(self, row: F64) -> None:
        """One row of the estimator."""
        if row[_ESTIMATE["cut"]]:
            t_ns = int(row[_ESTIMATE["t_capture_ns"]])
            self._event(t_ns, "info", "cut", "scene cut: the wearer is searched anew")
        if row[_ESTIMATE["reason"]] > 0.0:
            self._fault(int(row[_ESTIMATE["t_capture_ns"]]), int(row[_ESTIMATE["reason"]]))
        if row[_ESTIMATE["valid"]]:
            self.world.valid_ns = int(row[_ESTIMATE["t_capture_ns"]])
            self.see_knees(self.world.valid_ns, row[_SEEN_KNEES], row[_SEEN_KNEES_SD])
        if row[_ESTIMATE["doubt_cause"]] > 0.0:
            self._doubt(int(row[_ESTIMATE["t_capture_ns"]]), int(row[_ESTIMATE["doubt_cause"]]))

    def see_knees(self, t_capture_ns: int, knee_rad: F64, sd_rad: F64) -> None:
        """The knees [2] as the camera alone saw them. While assistance is off nothing is compared: without it a
        simulated wearer stands still, whatever the video shows."""
        if self._encoders is not None and State.ARMED <= self.state < State.SAFE:
            self._encoders.see_knees(t_capture_ns, knee_rad, sd_rad)

    def _fault(self, t_ns: int, reason: int) -> None:
        """Say a fault of the camera or of an engine, or that the wearer is lost, where it begins."""
        world, name = self.world, REASONS[reason]
        if name not in _SAID:
            return
        if name != world.fault or t_ns - world.fault_ns > _DOUBT_OVER_NS:
            self._event(t_ns, "warning", name, "no estimates: " + _SAID[name])
        world.fault_ns, world.fault = t_ns, name

    def _doubt(self, t_ns: int, cause: int) -> None:
        """Say a doubt where it begins: its cause is another, or the last is a while ago."""
        world = self.world
        if cause != world.doubt_cause or t_ns - world.doubt_ns > _DOUBT_OVER_NS:
            name = DOUBT_CAUSES[cause]
            self._event(t_ns, "warning", name, "assistance fades while the estimates are in doubt")
        world.doubt_ns, world.doubt_cause = t_ns, cause

    @property
    def handshake_refusal(self) -> str:
        """Which hashes of host and firmware differ, with both values; empty where none is known to."""
        return self._refused

    def loop_stopped(self, now_ns: int) -> bool:
        """True where the loop's cycle counter stands still, for whatever reason; cheap enough to ask every few ms."""
        world, cycles = self.world, int(self._control[shared.CYCLES])
        if cycles != world.cycles:
            world.cycles, world.cycles_ns = cycles, now_ns
        return world.loop_dead or now_ns - world.cycles_ns > _LOOP_SILENT_NS

    def tick(self, now_ns: int) -> State:
        """Step the machine and write the loop's orders."""
        control, world = self._control, self.world
        self.loop_stopped(now_ns)
        self._say_rights(now_ns)
        self._say_refusal(now_ns)
        self._say_encoders(now_ns)
        result = step(self.state, self._flags(now_ns))
        if result.cause:
            level = "error" if result.state is State.SAFE else "info"
            self._event(now_ns, level, result.cause, f"{self.state.name} to {result.state.name}")
            self._clearing = False
            self._clear_until_ns = now_ns + _CLEAR_STANDS_NS if result.cause == "cleared" else 0
            control[shared.CLEARS] += result.cause == "cleared"
            self.state, self._entered_ns = result.state, now_ns
        self._clearing = world.governor_state == STATES["SAFE"] and (self._clearing or now_ns <= self._clear_until_ns)
        control[shared.HOST_STATE] = int(self.state)
        control[shared.MODE] = _MODE_OF.get(self.state, MODES["OFF"])
        # every other tick: the firmware takes a request only where it has heard us without one since it went to SAFE
        control[shared.CLEAR] = self._clearing and not control[shared.CLEAR]
        control[shared.HEARTBEAT] += 1
        return self.state

    def _flags(self, now_ns: int) -> Flags:
        control, world = self._control, self.world
        heard, differs = int(control[shared.HASH_HEARD]), int(control[shared.HASH_DIFFERS])
        self._name_refusal(now_ns, differs)
        in_safe = self.state is State.SAFE and now_ns - self._entered_ns > _SIMULATED_OPERATOR_NS
        firmware_safe = world.governor_state == STATES["SAFE"]
        return Flags(
            starting=not control[shared.LOOP_READY] or not control[shared.ESTIMATOR_READY],
            handshake_open=heard != _ALL_HASHES
            or differs != 0
            or (self.state is State.IDLE and self._firmware_waits()),
            firmware_behind=world.governor_state < int(self.state),
            estimate_invalid=now_ns - world.valid_ns > _ESTIMATE_AGE_NS,
            rights_missing=bool(control[shared.RIGHTS_MISSING]) and self._on_hardware(),
            envelope_refused=bool(self._refusals) and self._on_hardware(),
            loop_stopped=self.loop_stopped(now_ns),
            estimator_dead=world.estimator_dead,
            encoder_implausible=self._encoder_problem != "",
            deadlines_missed=bool(control[shared.DEADLINES_LOST]) and self.state is not State.SAFE,
            supervisor_stalled=bool(control[shared.HEARTBEAT_LOST]),
            bus_off=control[shared.BUS_STATE] >= bus_state.OFF
            or (bool(control[shared.BUS_LOST]) and self.state is not State.SAFE),
            firmware_lost=int(control[shared.SILENCE_NS]) > _FIRMWARE_SILENT_NS,
            firmware_unarmed=self.state >= State.ARMED
            and self.state is not State.SAFE
            and now_ns - max(world.armed_ns, self._entered_ns) > _UNARMED_NS,
            firmware_safe=firmware_safe,
            clear_absent=self._on_hardware() or not in_safe,
            stop_requested=world.stop_requested or world.estimator_done,
        )

    def _on_hardware(self) -> bool:
        return not (self._simulated or self._control[shared.BUS_SIMULATED])

    def _firmware_waits(self) -> bool:
        """True while the firmware has not accepted our half of the handshake."""
        state, reason = self.world.governor_state, self.world.governor_reason
        return state == STATES["SAFE"] or reason != self._table.reasons["none"]

    def _name_refusal(self, now_ns: int, differs: int) -> None:
        host, firmware = self._control[shared.HASH_HOST :], self._control[shared.HASH_FIRMWARE :]
        sides = [
            f"{name} of host and firmware differ, host 0x{host[i]:08X}, firmware 0x{firmware[i]:08X}"
            for i, name in enumerate(_HASHES)
            if differs & (1 << i)
        ]
        text = "; ".join(sides)
        if text and text != self._refused:
            advice = "generate, build and flash both from one table and profile"
            self._event(now_ns, "error", "handshake_refused", f"{text}: {advice}")
        self._refused = text

    def _say_rights(self, now_ns: int) -> None:
        """Once: which real-time rights are missing, and that arming is refused for it on hardware."""
        missing = Right(int(self._control[shared.RIGHTS_MISSING]))
        if missing == self._rights_missing:
            return
        self._rights_missing = missing
        if not self._on_hardware():
            text = f"the loop runs without {missing.words()}: simulation only"
            self._event(now_ns, "warning", "rights_missing", text)
        else:
            text = f"not armed: the loop has not {missing.words()}, and the bus leads to hardware; see exo-edge doctor"
            self._event(now_ns, "error", "rights_missing", text)

    def _say_encoders(self, now_ns: int) -> None:
        """What is wrong with them, where it begins."""
        if self._encoders is None:
            return
        if not State.ARMED <= self.state < State.SAFE:
            self._encoders.forget_camera()
        before, self._encoder_problem = self._encoder_problem, self._encoders.problem(now_ns)
        if self._encoder_problem and not before:
            self._event(now_ns, "error", "encoder_implausible", self._encoder_problem)

    def _say_refusal(self, now_ns: int) -> None:
        """Once, as soon as the loop has told that its bus leads to hardware."""
        if self._refusals_said or not self._control[shared.LOOP_READY] or not self._on_hardware():
            return
        for refusal in self._refusals:
            self._event(now_ns, "error", refusal.reason, f"not armed: {refusal.text}")
        self._refusals_said = True

    def _governor_event(self, t_ns: int, state: int, reason: int) -> None:
        name = self._table.reason_name(reason)
        level = "error" if state == STATES["SAFE"] else "info"
        self._event(t_ns, level, name, f"firmware: {self._table.state_name(state)}")
