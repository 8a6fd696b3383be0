"""The host of a run in lock-step: supervisor and camera at their own rates, and the faults that hold them up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_runtime import shared
from edge_runtime.config import Device
from edge_runtime.encoder_watch import EncoderWatch
from edge_runtime.rt.mailbox import I64, publish
from edge_runtime.states import State
from edge_runtime.supervisor import TICK_NS, Supervisor
from edge_runtime.types import F64
from firmware_bridge.table import TABLE
from hil.faults.certificate import refusals
from hil.faults.host import HostFaults
from hil.faults.model import Fault
from hil.intents import Asked, IntentSource
from hil.sight import SimulatedSight

_GLANCE_NS: Final = 10_000_000  # how often a live run looks whether the loop still counts
_MS_NS: Final = 1_000_000

EventSink = Callable[[int, str, str, str], None]


class HostSide:
    """Supervisor and estimator of one run; times are true ones, the host's clock may have leapt ahead of them.

    `zero_ns`: the scenario's begin.
    """

    def __init__(
        self,
        source: IntentSource,
        faults: Sequence[Fault],
        device: Device,
        zero_ns: int,
        event: EventSink,
        encoders: EncoderWatch,
        seed: int,
    ) -> None:
        self.rings = shared.local(1)
        refused = refusals(faults, device)  # which a simulation would not hear of
        self.supervisor = Supervisor(TABLE, self.rings.control, event, not refused, encoders)
        for refusal in refused:
            self.supervisor.refuse_arming(refusal)
        self._sight = SimulatedSight(seed, source.frame_ns)
        self.faults = HostFaults(faults)
        self.faulty = bool(faults)
        self.leapt_ns = 0
        self.estimates: list[F64] = []
        self._source, self._zero_ns = source, zero_ns
        self._delay_ns = round(device.virtual_estimator_ms * 1e6)
        self._feedback = shared.FeedbackReader(self.rings)
        self._tick_ns = self._glance_ns = 0
        self._frame_ns, self._frame = zero_ns, 0
        self._waiting: tuple[int, int, I64, F64 | None, F64] | None = None
        self._stall_from_ns = self._stall_to_ns = 0
        self._loaded = any(fault.kind == "host_load" for fault in faults)
        self._edges_ns = [zero_ns + round(edge_s * 1e9) for edge_s in self.faults.edges_s()]
        self._loop_gone = self._supervisor_gone = self.firmware_gone = False
        self.rings.control[shared.ESTIMATOR_READY] = self.rings.control[shared.LOOP_READY] = 1

    def suffer(self, now_ns: int) -> bool:
        """Look what holds from now on; True where that may have changed."""
        if not self._edges_ns or now_ns < self._edges_ns[0]:
            return False
        while self._edges_ns and now_ns >= self._edges_ns[0]:
            self._edges_ns.pop(0)
        now_s = self._seconds(now_ns)
        self._loop_gone, self._supervisor_gone = self.faults.loop_held(now_s), self.faults.supervisor_held(now_s)
        self.firmware_gone = self.faults.firmware_held(now_s)
        return True

    def supervise(self, now_ns: int) -> None:
        """The 10 Hz tick where it is due, and at once where the loop has stopped while it should assist."""
        if now_ns < self._tick_ns and not (self.faulty and now_ns >= self._glance_ns):
            return
        now_s, supervisor = self._seconds(now_ns), self.supervisor
        due, self._glance_ns = now_ns >= self._tick_ns, now_ns + _GLANCE_NS
        if due:
            self._tick_ns = now_ns + TICK_NS
        if self.faulty:
            if self._supervisor_gone:
                return
            supervisor.world.estimator_dead = self.faults.estimator_dead(now_s)
            supervisor.world.loop_dead = self.faults.loop_dead(now_s)
            due = due or (supervisor.loop_stopped(self._clock(now_ns)) and State.READY <= supervisor.state < State.SAFE)
        if due:
            supervisor.tick(self._clock(now_ns))

    def hear(self, rows: F64) -> None:
        """Rows of the loop for the supervisor, unless that is held."""
        if len(rows) and not self._supervisor_gone:
            self.supervisor.see_cycles(rows)

    def camera(self, now_ns: int, knee_rad: F64) -> None:
        """A frame where one is due, of a wearer whose knees are at `knee_rad` [2]; its intent where it is ready."""
        if self._waiting is not None and now_ns >= self._waiting[0]:
            self._publish(now_ns)
        if now_ns < self._frame_ns:
            return
        t_ns, now_s = self._frame_ns, self._seconds(self._frame_ns)
        k, self._frame = self._frame, self._frame + 1
        self._frame_ns += self._source.frame_ns
        if self.faulty and (self._waiting is not None or self.faults.blind(now_s, k)):
            return
        asked = self._source.step(k, self._clock(t_ns), now_s, self._feedback.torque_nm())
        late_ns = self.faults.late_ns(now_s) if self.faulty else 0
        self._wait(asked, t_ns, late_ns, now_s, knee_rad)

    def loop_held(self, now_ns: int) -> bool:
        """True where the torque loop does not run this millisecond."""
        if not self._loaded:
            return self._loop_gone
        if now_ns >= self._stall_to_ns:
            stall = self.faults.stall(self._seconds(now_ns))
            self._stall_from_ns = now_ns + (round(stall[0] * 1e9) if stall else 0)
            self._stall_to_ns = self._stall_from_ns + (round(stall[1] * 1e9) if stall else 0)
        return self._stall_from_ns <= now_ns < self._stall_to_ns or self._loop_gone

    def end(self) -> None:
        """The last frame is over: torque runs down."""
        self.supervisor.world.estimator_done = True

    def _wait(self, asked: Asked, t_ns: int, late_ns: int, now_s: float, knee_rad: F64) -> None:
        intent: npt.NDArray[Any] = asked.intent.copy()
        if self.faulty:
            self.faults.spoil(intent, now_s)
        row = None if asked.row is None else asked.row.copy()
        captured_ns = int(intent[0]["t_capture_ns"])
        seen_rad = self._sight.look(knee_rad)
        self._waiting = t_ns + self._delay_ns + late_ns, captured_ns, intent.view(np.int64), row, seen_rad

    def _publish(self, now_ns: int) -> None:
        assert self._waiting is not None
        _, captured_ns, words, row, seen_rad = self._waiting
        self._waiting = None
        now_s = self._seconds(now_ns)
        if self.faulty and (self.faults.estimator_dead(now_s) or self.faults.blind(now_s, 0)):
            return
        publish(self.rings.intent, words)
        if row is not None:
            self.estimates.append(row)
            self.supervisor.see_estimate(row)
        else:
            self.supervisor.world.valid_ns = captured_ns
            self.supervisor.see_knees(captured_ns, seen_rad, self._sight.sd_rad)

    def _clock(self, now_ns: int) -> int:
        return now_ns + self.leapt_ns

    def _seconds(self, now_ns: int) -> float:
        return (now_ns - self._zero_ns) * 1e-9
