"""A run in real time: firmware, torque loop and estimator as processes; this one supervises, records and shows."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge_runtime import shared
from edge_runtime.assembly import make_firmware
from edge_runtime.camera import ClipSource
from edge_runtime.envelope import hardware_refusal
from edge_runtime.live import LiveState
from edge_runtime.live_feed import LiveFeed
from edge_runtime.notify import Notifier
from edge_runtime.observer import Observer
from edge_runtime.plan import Plan, frame_period_ns
from edge_runtime.processes import Links, child, estimator, torque_loop
from edge_runtime.record.background import BackgroundRecorder
from edge_runtime.record.recorder import Recorder
from edge_runtime.rt.mailbox import drain, lost_rows
from edge_runtime.states import State
from edge_runtime.supervisor import TICK_NS, Supervisor
from edge_runtime.telemetry import CYCLE_FIELDS
from firmware_bridge.simulator.process import FirmwareProcess, Pace
from firmware_bridge.table import TABLE

_START_TIMEOUT_S: Final = 600.0  # a first start compiles the loop: minutes on a small or busy machine
_HANDSHAKE_TIMEOUT_S: Final = 60.0  # from then on
_RELEASE_TIMEOUT_S: Final = 0.5  # torque is at zero in 33 ms at the release rate
_FINISH_USEC: Final = 30_000_000  # without torque, the report may take longer than the watchdog's usual patience
_JOIN_TIMEOUT_S: Final = 3.0
_STEP_S: Final = 0.05
_GLANCE_S: Final = 0.01  # how often the loop's counter is looked at between steps


class RealtimeRun:
    """Runs a plan; `run` returns when the clip is over, someone stops it, or it cannot go on."""

    def __init__(self, plan: Plan, recorder: Recorder, estimate_width: int) -> None:
        self._plan = plan
        self._recorder = BackgroundRecorder(recorder)
        self._width = estimate_width
        self._rings = shared.create(estimate_width)
        self._supervisor = Supervisor(TABLE, self._rings.control, self._recorder.event, plan.simulated)
        self._cycle_rows = np.zeros((shared.CYCLE_ROWS, len(CYCLE_FIELDS)), np.int64)
        self._miss_rows = np.zeros((shared.MISS_ROWS, len(shared.MISS_FIELDS)), np.int64)
        self._observer = Observer(lambda: int(self._rings.control[shared.LOOP_THREAD]), self._recorder.miss)
        self._estimate_rows = np.zeros((shared.ESTIMATE_ROWS, estimate_width), np.int64)
        self._start_ns = 0
        self._ready_s = 0.0
        self._duration_s = 0.0
        self._feed = LiveFeed(plan.profile.person.mass_kg)
        self._notifier = Notifier()
        self._firmware: FirmwareProcess | None = None
        self.stopped = False
        self.problem: str | None = None

    def run(self, source: ClipSource) -> None:
        """Start everything, supervise to the end, and leave torque at zero and every process ended."""
        self._duration_s = len(source) * frame_period_ns(self._plan, source) * 1e-9
        if source.truncated:
            self._recorder.event(time.monotonic_ns(), "warning", "clip_truncated", source.truncated)
        if not self._plan.simulated and (refusal := hardware_refusal(self._plan.device)):
            self._supervisor.refuse_arming(refusal)
        with ExitStack() as stack, _stop_on_signals(self.stop):
            stack.callback(self._release_block)
            stack.callback(self._close_record)
            stack.enter_context(self._observer)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="exo-edge-")))
            children = self._start(stack, folder)
            self._supervise(children)
            self._release()

    def stop(self) -> None:
        """Ask the run to end: torque to zero, record closed."""
        self.stopped = True
        self._supervisor.world.stop_requested = True

    def live_state(self) -> LiveState | None:
        """What the live view shows, None before the first cycle."""
        control, supervisor = self._rings.control, self._supervisor
        elapsed_s = max(0.0, (time.monotonic_ns() - self._start_ns) * 1e-9) if self._start_ns else 0.0
        return self._feed.state(
            elapsed_s=elapsed_s,
            total_s=self._duration_s,
            frames=int(control[shared.FRAMES]),
            dropped=int(control[shared.DROPPED]),
            cycles=supervisor.world.cycles,
            host_state=supervisor.state.name,
        )

    def counters(self) -> dict[str, int]:
        """Losses that the record itself cannot show."""
        return {
            "frames": int(self._rings.control[shared.FRAMES]),
            "dropped": int(self._rings.control[shared.DROPPED]),
            "lost_cycle_rows": lost_rows(self._rings.cycles),
            "lost_estimate_rows": lost_rows(self._rings.estimates),
            "lost_miss_rows": lost_rows(self._rings.misses),
            "lost_record_calls": self._recorder.dropped,
            "minor_faults_first_1024_cycles": int(self._rings.control[shared.WARM_FAULTS]),
            "minor_faults": int(self._rings.control[shared.MINOR_FAULTS]),
            "major_faults": int(self._rings.control[shared.MAJOR_FAULTS]),
        }

    def _start(self, stack: ExitStack, folder: Path) -> list[BaseProcess]:
        plan, memory = self._plan, self._rings.memory
        assert memory is not None
        bus, rig = plan.device.bus, None
        if plan.simulated:
            firmware = make_firmware(plan, Pace.REALTIME, folder)
            firmware.start()
            stack.callback(firmware.stop)
            self._firmware = firmware
            bus, rig = firmware.bus_spec, firmware.sim_path
        links = Links(os.getpid(), memory.name, self._width, bus, rig)
        context = multiprocessing.get_context("spawn")
        children: list[BaseProcess] = [
            context.Process(target=child, args=(target, plan, links), name=target.__name__)
            for target in (torque_loop, estimator)
        ]
        with _sigint_ignored():
            for process in children:
                process.start()
                stack.callback(_end, process)
        stack.callback(self._ask_children_to_stop)
        return children

    def _supervise(self, children: list[BaseProcess]) -> None:
        supervisor, control = self._supervisor, self._rings.control
        begun = time.monotonic()
        next_tick_ns = time.monotonic_ns()
        while True:
            stopped = self._wait_a_step()
            self._drain()
            now_ns = time.monotonic_ns()
            if now_ns < next_tick_ns and not stopped:
                continue
            next_tick_ns = max(next_tick_ns, now_ns) + TICK_NS
            self._see_children(children)
            before = supervisor.world.cycles
            state = supervisor.tick(now_ns)
            if supervisor.world.cycles != before:
                self._notifier.send("WATCHDOG=1")
            if state is State.ARMED and not control[shared.START_NS]:
                self._start_ns = now_ns + TICK_NS
                control[shared.START_NS] = self._start_ns
                self._notifier.send("READY=1")
            if supervisor.world.stop_requested or supervisor.world.estimator_done:
                return
            if problem := self._problem(children, not control[shared.START_NS], time.monotonic() - begun):
                self._recorder.event(now_ns, "error", "run_ended", problem)
                self.problem = problem
                return

    def _wait_a_step(self) -> bool:
        """Sleep for a step, or until the loop has stopped while it should assist; True in that case."""
        supervisor = self._supervisor
        for _ in range(round(_STEP_S / _GLANCE_S)):
            time.sleep(_GLANCE_S)
            stopped = supervisor.loop_stopped(time.monotonic_ns())
            if stopped and State.READY <= supervisor.state < State.SAFE:
                return True
        return False

    def _see_children(self, children: list[BaseProcess]) -> None:
        world = self._supervisor.world
        world.estimator_done = bool(self._rings.control[shared.ESTIMATOR_DONE])
        world.loop_dead = not children[0].is_alive()
        world.estimator_dead = not children[1].is_alive() and not world.estimator_done

    def _problem(self, children: list[BaseProcess], starting: bool, since_s: float) -> str | None:
        """Why the run cannot go on: a part of it is gone, or it does not get to ARMED."""
        for process in children:
            if not process.is_alive():
                where = " while starting; see its line above" if starting else "; torque is at zero"
                return f"the {process.name} process ended (status {process.exitcode}){where}"
        if self._firmware is not None and (status := self._firmware.poll()) is not None:
            return f"the firmware process ended (status {status}); torque is at zero, see the events in the record"
        if starting and (refused := self._supervisor.handshake_refusal):
            return f"not armed: {refused}; see docs/reasons/handshake_refused.md"
        return self._too_slow(since_s) if starting else None

    def _too_slow(self, since_s: float) -> str | None:
        """What start-up or handshake is still waiting for, once that has lasted too long."""
        control = self._rings.control
        if not (control[shared.LOOP_READY] and control[shared.ESTIMATOR_READY]):
            self._ready_s = since_s
            if since_s > _START_TIMEOUT_S:
                return f"loop and estimator did not start within {_START_TIMEOUT_S:.0f} s; is the machine too busy?"
        elif since_s - self._ready_s > _HANDSHAKE_TIMEOUT_S:
            waits = "handshake with the firmware is not complete"
            return f"no ARMED within {_HANDSHAKE_TIMEOUT_S:.0f} s: {waits}; see the events in the record"
        return None

    def _release(self) -> None:
        """Let torque run down and the firmware see us leave before the loop stops."""
        self._notifier.send(f"STOPPING=1\nWATCHDOG_USEC={_FINISH_USEC}")
        self._supervisor.world.stop_requested = True
        until = time.monotonic() + _RELEASE_TIMEOUT_S
        while time.monotonic() < until:
            self._supervisor.tick(time.monotonic_ns())
            time.sleep(_STEP_S)
            self._drain()

    def _drain(self) -> None:
        """Rows of the streams to the record, the supervisor and the observer."""
        count = drain(self._rings.cycles, self._cycle_rows)
        if count:
            rows = self._cycle_rows[:count].view(np.float64)
            self._recorder.cycles(rows)
            self._supervisor.see_cycles(rows)
            self._feed.see_cycles(rows)
        for row in self._estimate_rows[: drain(self._rings.estimates, self._estimate_rows)].view(np.float64):
            self._recorder.estimate(row)
            self._supervisor.see_estimate(row)
            self._feed.see_estimate(row)
        if count := drain(self._rings.misses, self._miss_rows):
            self._observer.see(self._miss_rows[:count].view(np.float64))

    def _close_record(self) -> None:
        self._drain()
        self._recorder.close()

    def _ask_children_to_stop(self) -> None:
        self._rings.control[shared.STOP] = 1

    def _release_block(self) -> None:
        memory = self._rings.memory
        if memory is not None:
            memory.unlink()


def _end(process: BaseProcess) -> None:
    process.join(_JOIN_TIMEOUT_S)
    if process.is_alive():
        process.kill()
        process.join()


@contextmanager
def _sigint_ignored() -> Iterator[None]:
    """What starts in here ignores Ctrl-C from its first instruction on: ending it is our business."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _stop_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and systemd's stop end the run in order."""

    def handler(number: int, frame: Any) -> None:
        stop()

    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
