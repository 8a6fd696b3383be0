"""Runs one scenario in lock-step, by milliseconds: the host's own cycle and supervisor, the C governor, and a rig."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_runtime.config import load_device
from edge_runtime.encoder_watch import EncoderWatch, hinge_model
from edge_runtime.errors import UserError
from edge_runtime.rt.cycle import KNEE_NM_COLUMNS, KNEE_RAD_COLUMNS
from edge_runtime.rt.loop import PERIOD_NS, run_lockstep
from edge_runtime.rt.mailbox import drain
from edge_runtime.rt.rig import FOLLOWS_LATE_S, new_rig
from edge_runtime.rt.torque import Torque, new_torque
from edge_runtime.states import State
from edge_runtime.telemetry import CYCLE_FIELDS
from firmware_bridge.bus import open_bus
from firmware_bridge.simulator.faults import ORDER_DTYPE, VALUES
from firmware_bridge.simulator.process import TRUTH_DTYPE
from firmware_bridge.table import TABLE
from hil.faults.model import Fault
from hil.faults.orders import duration_ns, firmware_order
from hil.governor.library import Governor, LibraryGovernor
from hil.host_side import HostSide
from hil.intents import make_source
from hil.rigs.base import JOINTS, Rig, RigSample
from hil.rigs.firmware import FirmwareRig
from hil.rigs.gel import known_to_loop, wearer_of
from hil.scenario import LEAD_S, TAIL_S, Scenario
from hil.trace import Event, Trace

START_NS: Final = 1_000_000_000  # a stamp of 0 means "never"
_DRAIN_STEPS: Final = 50
_MS_PER_S: Final = 1000
_SENSED: Final = ("angle_rad", "torque_nm", "knee_nm", "knee_rad", "pressure_pa")
_SEEN: Final = ("hinge_rad", "drive_nm", "knee_nm", "knee_rad", "", "command_nm")
"""Fields of TRUTH_DTYPE for each of `_SENSED`, and the command."""
_COMMAND: Final = len(_SENSED)
_NO_RIG: Final = new_rig(-1)  # the rig is stepped here, not inside the compiled loop


Wait = Callable[[int], None]
"""Waits until so many ns have passed since the first call, on a rig that has a clock of its own."""


def _at_once(_elapsed_ns: int) -> None:
    """A simulated rig waits for nobody."""


class Bench:
    """One run of one scenario on one rig, which the caller has opened; `run` gives its trace. `wait_until` paces it."""

    def __init__(self, scenario: Scenario, rig: Rig, wait_until: Wait = _at_once) -> None:
        self._scenario, self._rig, self._wait_until = scenario, rig, wait_until
        self._profile, self._device = wearer_of(scenario), load_device()
        self._zero_ns = START_NS + round(LEAD_S * 1e9)
        self._end_ns = self._zero_ns + round(scenario.seconds * 1e9)
        self._events: list[Event] = []
        self._source = make_source(scenario, self._profile)
        lag_s = FOLLOWS_LATE_S if self._source.muscles else 0.0
        encoders = EncoderWatch(hinge_model(self._profile), lag_s)
        self._host = HostSide(
            self._source, scenario.faults, self._device, self._zero_ns, self._say, encoders, scenario.seed
        )
        self._steps = round((LEAD_S + scenario.seconds + TAIL_S) * _MS_PER_S)
        self._rows = np.full((self._steps, len(CYCLE_FIELDS)), np.nan)
        self._buffer = np.zeros((2 * _DRAIN_STEPS, len(CYCLE_FIELDS)), np.int64)
        self._cycled: list[int] = []
        self._seen = np.zeros((len(_SEEN), self._steps, JOINTS))
        self._codes = np.zeros((self._steps, 2), np.int64)  # the governor's state and reason
        self._held = 0
        self._due = sorted(scenario.faults, key=lambda fault: fault.start_s)

    def run(self) -> Trace:
        """From power-up to released torque. Raises UserError or BridgeError where something is missing."""
        with ExitStack() as stack:
            bus_fd, governor = self._connect(stack)
            torque = self._torque(bus_fd)
            begun = time.perf_counter()
            self._play(torque, governor)
            seconds = time.perf_counter() - begun
        return self._trace(seconds)

    def _connect(self, stack: ExitStack) -> tuple[int, Governor]:
        """The host's end of the bus, and the governor at the other: the rig's own, else the bench's."""
        if isinstance(self._rig, FirmwareRig):
            return stack.enter_context(open_bus(self._rig.bus_spec)).fd, self._rig.governor
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (ours, theirs):
            stack.callback(end.close)
            end.setblocking(False)
        governor = LibraryGovernor(theirs, self._profile.hash32)
        stack.callback(governor.close)
        return ours.fileno(), governor

    def _torque(self, bus_fd: int) -> Torque:
        torque = new_torque(TABLE, self._profile, self._device, bus_fd)
        torque.config[0]["is_can"] = 0
        if (known := known_to_loop(self._scenario)) is not None:
            torque.tissue[:] = known
        if self._scenario.compensation == "off":
            torque.tissue["certainty"] = 0.0
        return torque

    def _play(self, torque: Torque, governor: Governor) -> None:
        """Lead, frames, tail."""
        host = self._host
        sample = self._rig.step(np.zeros(JOINTS), START_NS - PERIOD_NS)
        follower = self._follower(sample)
        for k in range(self._steps):
            now_ns = START_NS + k * PERIOD_NS
            self._wait_until(now_ns - START_NS)
            if host.faulty and host.suffer(now_ns):
                self._begin_faults(torque, governor, now_ns)
            host.supervise(now_ns)
            if now_ns < self._end_ns:
                host.camera(now_ns, sample.knee_rad)
            else:
                host.end()
            self._cycle(torque, k, now_ns)
            if follower is not None:
                follower.step(torque.intent[0], now_ns)
                self._rig.refer(follower.angle, follower.rate)  # type: ignore[attr-defined]
            sample = self._answer(governor, sample, k, now_ns)
            if k % _DRAIN_STEPS == 0:
                self._store()
        self._store()

    def _follower(self, sample: RigSample) -> Any:
        """The wearer of a clip (`hil.clip.Follower`); the motion of any other scenario is known to the rig."""
        if not self._source.muscles:
            return None
        from hil.clip import Follower  # with it come the engines

        if not hasattr(self._rig, "refer"):
            raise UserError(f'rig {self._rig.name}: cannot follow a clip; set rig = "phantom-sim"')
        return Follower(sample.knee_rad)

    def _cycle(self, torque: Torque, k: int, now_ns: int) -> None:
        """The host's cycle, or none where its process is held; then the next one finds that it missed some."""
        host = self._host
        if host.loop_held(now_ns):
            self._held += 1
            return
        deadlines, rings = torque.deadlines[0], host.rings
        deadlines["before"] = self._held
        if self._held:
            deadlines["missed"] += self._held
            self._held = 0
        clock_ns = now_ns + host.leapt_ns
        run_lockstep(torque, _NO_RIG, rings.control, rings.intent, rings.feedback, rings.cycles, clock_ns, 1)
        self._cycled.append(k)

    def _answer(self, governor: Governor, sample: RigSample, k: int, now_ns: int) -> RigSample:
        """The governor's step, and the rig's under its command; a board whose firmware is gone lets its drive go."""
        if self._host.firmware_gone:
            command_nm = np.zeros(JOINTS)
            self._seen[_COMMAND, k] = np.nan
        else:
            command_nm = governor.step(sample, now_ns)
            self._seen[_COMMAND, k] = command_nm
            self._codes[k, 0], self._codes[k, 1] = governor.state, governor.reason
        sample = self._rig.step(command_nm, now_ns)
        for i, name in enumerate(_SENSED):
            self._seen[i, k] = getattr(sample, name)
        return sample

    def _begin_faults(self, torque: Torque, governor: Governor, now_ns: int) -> None:
        """What the firmware suffers is ordered once, as is the leap of the host's clock; wrong hashes come and go."""
        now_s = (now_ns - self._zero_ns) * 1e-9
        while self._due and now_s >= self._due[0].start_s:
            self._begin(self._due.pop(0), governor, now_ns)
        wrong = self._host.faults.hashes_wrong(now_s)
        hashes = (TABLE.protocol_hash, TABLE.limits_hash, self._profile.hash32)
        torque.config[0]["hashes"] = [value ^ (i in wrong) for i, value in enumerate(hashes)]

    def _begin(self, fault: Fault, governor: Governor, now_ns: int) -> None:
        if (wanted := firmware_order(fault)) is not None:
            order = np.zeros(1, ORDER_DTYPE)
            values = (*wanted.values, *[0.0] * (VALUES - len(wanted.values)))
            order[0] = (wanted.order, now_ns, duration_ns(fault), fault.seed, values)
            governor.suffer(order)
        if fault.kind == "clock_jump" and fault.choice("side") == "host":
            self._host.leapt_ns += round(fault.number("leap")) * PERIOD_NS

    def _store(self) -> None:
        """Telemetry of the last cycles, for supervisor and trace."""
        count = drain(self._host.rings.cycles, self._buffer)
        rows = self._buffer[:count].view(np.float64)
        self._rows[self._cycled] = rows
        self._cycled.clear()
        self._host.hear(rows)

    def _trace(self, seconds: float) -> Trace:
        rows, applied = self._rows, self._truth()
        for side in range(JOINTS):
            rows[:, KNEE_NM_COLUMNS[side]] = applied["knee_nm"][:, side]
            rows[:, KNEE_RAD_COLUMNS[side]] = applied["knee_rad"][:, side]
        maps = getattr(self._rig, "maps", None)
        armed = bool((applied["state"] >= State.ARMED).any())
        return Trace(
            t_s=(applied["now_ns"] - self._zero_ns) * 1e-9,
            rows=rows,
            applied=applied,
            pressure_pa=self._seen[_SENSED.index("pressure_pa"), :, 0],
            events=self._events,
            faults=list(self._scenario.faults),
            estimates=self._host.estimates,
            muscles=self._source.muscles,
            maps=maps(START_NS + self._steps * PERIOD_NS) if maps else [],
            problem="" if armed else "no; the events say why",
            sim_s=seconds,
            start_ns=self._zero_ns,
        )

    def _truth(self) -> npt.NDArray[Any]:
        """What governor and rig did, TRUTH_DTYPE [T]."""
        applied = np.zeros(self._steps, TRUTH_DTYPE)
        applied["now_ns"] = START_NS + np.arange(self._steps) * PERIOD_NS
        applied["state"], applied["reason"] = self._codes.T
        for name, seen in zip(_SEEN, self._seen, strict=True):
            if name:
                applied[name] = seen
        return applied

    def _say(self, t_ns: int, level: str, code: str, text: str) -> None:
        self._events.append(Event((t_ns - self._zero_ns) * 1e-9, level, code, text))
