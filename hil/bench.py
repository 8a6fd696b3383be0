"""Runs one scenario in lock-step: the host's own cycle and supervisor, the C governor, and a rig, a millisecond at a time."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_runtime import shared
from edge_runtime.config import load_device
from edge_runtime.rt.cycle import KNEE_NM_COLUMNS, KNEE_RAD_COLUMNS
from edge_runtime.rt.loop import PERIOD_NS, run_lockstep
from edge_runtime.rt.mailbox import drain, publish
from edge_runtime.rt.rig import new_rig
from edge_runtime.rt.torque import Torque, new_torque
from edge_runtime.states import State
from edge_runtime.supervisor import TICK_NS, Supervisor
from edge_runtime.telemetry import CYCLE_FIELDS
from edge_runtime.types import F64
from firmware_bridge.simulator.process import TRUTH_DTYPE
from firmware_bridge.table import TABLE
from hil.faults.model import Fault
from hil.governor.library import Governor, LibraryGovernor
from hil.intents import IntentSource, make_source
from hil.rigs.base import JOINTS, Rig, RigSample
from hil.rigs.gel import known_to_loop, wearer_of
from hil.scenario import LEAD_S, TAIL_S, Scenario
from hil.trace import Event, Trace

START_NS: Final = 1_000_000_000  # a stamp of 0 means "never"
_CHUNK: Final = 100  # cycles between the supervisor's ticks, at most
_MS_PER_S: Final = 1000


class Bench:
    """One run of one scenario on one rig, which the caller has opened; `run` gives its trace."""

    def __init__(self, scenario: Scenario, rig: Rig) -> None:
        self._scenario, self._rig = scenario, rig
        self._profile = wearer_of(scenario)
        self._device = load_device()
        self._source: IntentSource = make_source(scenario, self._profile)
        self._rings = shared.local(1)
        self._events: list[Event] = []
        self._supervisor = Supervisor(TABLE, self._rings.control, self._say, simulated=True)
        self._cycle_rows = np.zeros((2 * _CHUNK, len(CYCLE_FIELDS)), np.int64)
        self._steps = round((LEAD_S + scenario.seconds + TAIL_S) * _MS_PER_S)
        self._zero_ns = START_NS + round(LEAD_S * 1e9)
        self._rows = np.full((self._steps, len(CYCLE_FIELDS)), np.nan)
        self._applied = np.zeros(self._steps, TRUTH_DTYPE)
        self._pressure = np.full(self._steps, np.nan)
        self._estimates: list[F64] = []
        self._now_ns, self._done, self._stored = START_NS, 0, 0

    def run(self) -> Trace:
        """From power-up to released torque. Raises UserError or BridgeError where something is missing."""
        with ExitStack() as stack:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            stack.callback(ours.close)
            stack.callback(theirs.close)
            for end in (ours, theirs):
                end.setblocking(False)
            governor = LibraryGovernor(theirs, self._profile.hash32)
            stack.callback(governor.close)
            torque = self._torque(ours)
            begun = time.perf_counter()
            self._play(torque, governor)
            seconds = time.perf_counter() - begun
        return self._trace(seconds)

    def _torque(self, bus: socket.socket) -> Torque:
        torque = new_torque(TABLE, self._profile, self._device, bus.fileno())
        torque.config[0]["is_can"] = 0
        if (known := known_to_loop(self._scenario)) is not None:
            torque.tissue[:] = known
        if self._scenario.compensation == "off":
            torque.tissue["certainty"] = 0.0
        return torque

    def _play(self, torque: Torque, governor: Governor) -> None:
        """Lead, frames, tail."""
        control = self._rings.control
        control[shared.ESTIMATOR_READY] = control[shared.LOOP_READY] = 1
        feedback = shared.FeedbackReader(self._rings)
        self._sample = self._rig.step(np.zeros(JOINTS), self._now_ns - PERIOD_NS)
        self._advance(torque, governor, self._zero_ns)
        delay_ns = round(self._device.virtual_estimator_ms * 1e6)
        frame_ns = self._source.frame_ns
        for k in range(int(self._scenario.seconds * 1e9) // frame_ns):
            t_ns = self._zero_ns + k * frame_ns
            self._advance(torque, governor, t_ns)
            asked = self._source.step(k, t_ns, k * frame_ns * 1e-9, feedback.torque_nm())
            self._advance(torque, governor, t_ns + delay_ns)
            publish(self._rings.intent, asked.intent.view(np.int64))
            self._tell(asked.intent, asked.row, t_ns)
        self._supervisor.world.estimator_done = True
        self._advance(torque, governor, START_NS + self._steps * PERIOD_NS)

    def _tell(self, intent: npt.NDArray[Any], row: F64 | None, t_ns: int) -> None:
        """The supervisor hears of the frame."""
        if row is not None:
            self._estimates.append(row.copy())
            self._supervisor.see_estimate(row)
        elif intent[0]["valid"]:
            self._supervisor.world.valid_ns = t_ns

    def _advance(self, torque: Torque, governor: Governor, until_ns: int) -> None:
        """Milliseconds up to `until_ns`, the supervisor's ticks between them."""
        while self._now_ns < until_ns:
            if (self._now_ns - START_NS) % TICK_NS == 0:
                self._supervisor.tick(self._now_ns)
            self._millisecond(torque, governor)
            if (self._now_ns - START_NS) % TICK_NS == 0:
                self._store()

    def _millisecond(self, torque: Torque, governor: Governor) -> None:
        """One cycle of the host, one step of the governor, one of the rig."""
        rings, now_ns = self._rings, self._now_ns
        run_lockstep(torque, _NO_RIG, rings.control, rings.intent, rings.feedback, rings.cycles, now_ns, 1)
        command_nm = governor.step(self._sample, now_ns)
        self._sample = sample = self._rig.step(command_nm, now_ns)
        if self._done < self._steps:
            self._keep(self._applied[self._done], governor, command_nm, sample)
        self._done += 1
        self._now_ns += PERIOD_NS

    def _keep(self, row: Any, governor: Governor, command_nm: F64, sample: RigSample) -> None:
        row["now_ns"], row["state"], row["reason"] = self._now_ns, governor.state, governor.reason
        row["command_nm"] = command_nm
        row["knee_nm"], row["knee_rad"] = sample.knee_nm, sample.knee_rad
        row["hinge_rad"], row["drive_nm"] = sample.angle_rad, sample.torque_nm
        self._pressure[self._done] = sample.pressure_pa[0]

    def _store(self) -> None:
        """Telemetry of the last cycles, for supervisor and trace."""
        count = drain(self._rings.cycles, self._cycle_rows)
        rows = self._cycle_rows[:count].view(np.float64)
        if count:
            self._supervisor.see_cycles(rows)
            room = min(count, self._steps - self._stored)
            self._rows[self._stored : self._stored + room] = rows[:room]
            self._stored += room

    def _trace(self, seconds: float) -> Trace:
        self._store()
        count = self._stored
        rows, applied = self._rows[:count], self._applied[:count]
        for side in range(JOINTS):
            rows[:, KNEE_NM_COLUMNS[side]] = applied["knee_nm"][:, side]
            rows[:, KNEE_RAD_COLUMNS[side]] = applied["knee_rad"][:, side]
        maps = getattr(self._rig, "maps", None)
        return Trace(
            t_s=(applied["now_ns"] - self._zero_ns) * 1e-9,
            rows=rows,
            applied=applied,
            pressure_pa=self._pressure[:count],
            events=self._events,
            faults=list(self._scenario.faults),
            estimates=self._estimates,
            maps=maps(self._now_ns) if maps else [],
            problem="" if self._armed(rows) else "host and governor did not arm; the events say why",
            sim_s=seconds,
            start_ns=self._zero_ns,
        )

    def _armed(self, rows: F64) -> bool:
        states = rows[:, CYCLE_FIELDS.index("governor_state")]
        return bool((states >= State.ARMED).any())

    def _say(self, t_ns: int, level: str, code: str, text: str) -> None:
        self._events.append(Event((t_ns - self._zero_ns) * 1e-9, level, code, text))


_NO_RIG: Final = new_rig(-1)  # the rig is stepped here, not inside the compiled loop


def fault_of_event(event: Any) -> Fault:
    """An event of a scenario as a rig takes it."""
    return Fault(f"rig.{event.kind}", event.at_s, event.for_s, {"size": event.size})
