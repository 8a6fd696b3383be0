"""A run on a virtual clock: the same step functions in lock-step in one process, identical from run to run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from calibration.reduced_tissue import tissues_of
from edge_runtime import shared
from edge_runtime.assembly import make_encoders, make_estimator, make_firmware, make_pose, make_tissue_observer
from edge_runtime.camera import FrameSource
from edge_runtime.certify.opened import Engines
from edge_runtime.doubt import NO_DOUBT, Doubt
from edge_runtime.encoder_watch import EncoderWatch, hinge_model
from edge_runtime.errors import UserError
from edge_runtime.estimator import Estimator
from edge_runtime.plan import Plan, frame_period_ns
from edge_runtime.record.recorder import Recorder
from edge_runtime.rt.loop import PERIOD_NS, run_lockstep
from edge_runtime.rt.mailbox import drain, publish
from edge_runtime.rt.rig import Rig, new_rig
from edge_runtime.rt.torque import Torque, new_torque
from edge_runtime.simulated_wearer import wearer_path
from edge_runtime.states import State
from edge_runtime.supervisor import TICK_NS, Supervisor
from edge_runtime.telemetry import CYCLE_FIELDS, ESTIMATE_HEAD, STAGES
from edge_runtime.tissue.both_legs import TissueObserver
from edge_runtime.tissue.rows import TISSUE_FIELDS
from engines.beside import Inline
from firmware_bridge.bus import open_bus
from firmware_bridge.simulator.process import Pace, SimLink
from firmware_bridge.table import TABLE

_START_NS: Final = 1_000_000_000  # virtual time zero is avoided: a stamp of 0 means "never"
_ARM_TIMEOUT_NS: Final = 5_000_000_000
_TAIL_NS: Final = 500_000_000
_READY_COLUMN: Final = ESTIMATE_HEAD.index("t_ready_ns")
_WALL_COLUMNS: Final = [
    ESTIMATE_HEAD.index(name) for name in ("detector_ms", "inpaint_ms", *(f"{s}_ms" for s in STAGES))
]
_TISSUE_WALL: Final = TISSUE_FIELDS.index("compute_ms")


EstimatorMaker = Callable[[Plan, FrameSource, Callable[[], int]], Estimator]
"""Gives the estimator of a plan for frames of a source, on a clock (ns)."""


def inline_estimator(plan: Plan, source: FrameSource, clock_ns: Callable[[], int]) -> Estimator:
    """The product's own, with all its engines run within the tick."""
    engines = Engines(Inline, clock_ns)
    pose = make_pose(plan, source.size_px, engines)
    return make_estimator(plan, frame_period_ns(plan, source), clock_ns, pose, engines)


class LockstepRun:
    """Runs a plan as fast as the machine can; simulation only. A bench may bring its own `make` of the estimator."""

    def __init__(
        self, plan: Plan, recorder: Recorder, estimate_width: int, make: EstimatorMaker = inline_estimator
    ) -> None:
        self._plan = plan
        self._make = make
        self._recorder = recorder
        self._rings = shared.local(estimate_width)
        watch = EncoderWatch(hinge_model(plan.profile))
        self._supervisor = Supervisor(TABLE, self._rings.control, recorder.event, simulated=True, encoders=watch)
        self._rows = np.zeros((shared.CYCLE_ROWS, len(CYCLE_FIELDS)), np.int64)
        self._now_ns = _START_NS
        self._next_tick_ns = _START_NS
        self._tissue: TissueObserver | None = None
        self.frames = 0
        self.stopped = False
        self.problem: str | None = None

    def run(self, source: FrameSource) -> None:
        """From handshake to the last frame, then torque down to zero."""
        if source.truncated:
            self._recorder.event(self._now_ns, "warning", "clip_truncated", source.truncated)
        period_ns = frame_period_ns(self._plan, source)
        estimator = self._make(self._plan, source, lambda: self._now_ns)
        estimator.warm()
        self._tissue = make_tissue_observer(self._plan, period_ns, lambda: self._now_ns)
        with tempfile.TemporaryDirectory(prefix="exo-edge-") as folder:
            firmware = make_firmware(self._plan, Pace.LOCKSTEP, Path(folder))
            firmware.start()
            link = SimLink(firmware.sim_path)
            try:
                with open_bus(firmware.bus_spec) as bus:
                    tissues = tissues_of(self._plan.profile, self._plan.profile_path)
                    torque = new_torque(TABLE, self._plan.profile, self._plan.device, bus.fd, tissues)
                    torque = torque._replace(readings=self._rings.encoders)
                    torque.config[0]["is_can"] = 0  # the kernel's receive stamps are of another clock than ours
                    self._play(
                        estimator, source, torque, new_rig(link.fd, wearer_path(self._plan), self._rings.control)
                    )
            finally:
                link.close()
                firmware.stop()

    def stop(self) -> None:
        """End after the present frame."""
        self.stopped = True
        self._supervisor.world.stop_requested = True

    def _play(self, estimator: Estimator, source: FrameSource, torque: Torque, rig: Rig) -> None:
        self._rings.control[shared.ESTIMATOR_READY] = 1
        self._rings.control[shared.LOOP_READY] = 1
        while self._supervisor.state is not State.ARMED:
            if self._now_ns > _START_NS + _ARM_TIMEOUT_NS:
                refused = self._supervisor.handshake_refusal
                self.problem = f"the firmware did not arm; {refused or 'see the events in the record'}"
                return
            if self.stopped:
                return
            self._advance(torque, rig, self._now_ns + TICK_NS)
        period_ns = frame_period_ns(self._plan, source)
        delay_ns = round(self._plan.device.virtual_estimator_ms * 1e6)
        start_ns = self._rings.control[shared.START_NS] = self._now_ns
        feedback, doubt = shared.FeedbackReader(self._rings), NO_DOUBT
        knees = make_encoders(self._plan, self._rings.encoders)
        for k in range(len(source)):
            frame = source.frame_at(k, period_ns, start_ns)
            self._advance(torque, rig, frame.t_capture_ns)
            step = estimator.step(frame, feedback.torque_nm(), doubt, knees)
            self._advance(torque, rig, frame.t_capture_ns + delay_ns)
            publish(self._rings.intent, step.intent.view(np.int64))
            doubt = self._observe(step.intent, feedback)
            step.row[_READY_COLUMN] = frame.t_capture_ns + delay_ns
            step.row[_WALL_COLUMNS] = np.nan  # what only a real clock can measure
            self._recorder.estimate(step.row)
            self._supervisor.see_estimate(step.row)
            self.frames = k + 1
            if self._supervisor.world.stop_requested:
                break
        self._supervisor.world.estimator_done = True
        self._advance(torque, rig, self._now_ns + _TAIL_NS)

    def _observe(self, intent: npt.NDArray[Any], feedback: shared.FeedbackReader) -> Doubt:
        """The tissue observer's frame, where there is one; its doubt counts from the next frame on, as live."""
        if self._tissue is None:
            return NO_DOUBT
        seen = self._tissue.step(self._now_ns, intent, *feedback.torque_and_hinge())
        seen.row[_TISSUE_WALL] = np.nan
        self._recorder.tissue(seen.row[None])
        for cuff_map in seen.maps:
            self._recorder.tissue_map(cuff_map)
        return seen.doubt

    def _advance(self, torque: Torque, rig: Rig, until_ns: int) -> None:
        """Run cycles up to `until_ns`, with the supervisor's ticks between them."""
        rings = self._rings
        while self._now_ns < until_ns:
            if self._now_ns >= self._next_tick_ns:
                self._supervisor.tick(self._now_ns)
                self._next_tick_ns += TICK_NS
            count = -(-(min(until_ns, self._next_tick_ns) - self._now_ns) // PERIOD_NS)
            done = run_lockstep(
                torque, rig, rings.control, rings.intent, rings.feedback, rings.cycles, self._now_ns, count
            )
            if done != count:
                raise UserError("the simulated firmware ended during the run; see its line above")
            self._now_ns += count * PERIOD_NS
            rows = self._rows[: drain(rings.cycles, self._rows)].view(np.float64)
            self._recorder.cycles(rows)
            self._supervisor.see_cycles(rows)
