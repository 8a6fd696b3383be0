"""A run in real time: firmware, torque loop and estimator as processes; this one supervises, records and shows."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from edge_runtime import shared
from edge_runtime.camera import ClipSource
from edge_runtime.certify.gate import doubts, refusals
from edge_runtime.children import Children
from edge_runtime.doubt import described
from edge_runtime.encoder_watch import EncoderWatch, hinge_model
from edge_runtime.live import LiveState
from edge_runtime.live_feed import LiveFeed
from edge_runtime.notify import Notifier
from edge_runtime.observer import Observer
from edge_runtime.plan import Plan, frame_period_ns
from edge_runtime.record.background import BackgroundRecorder
from edge_runtime.record.recorder import Recorder
from edge_runtime.rt.rig import FOLLOWS_LATE_S
from edge_runtime.signals import stop_on_signals
from edge_runtime.startup import STUCK_S, Startup
from edge_runtime.states import State
from edge_runtime.streams import Streams
from edge_runtime.supervisor import TICK_NS, Supervisor
from firmware_bridge.table import TABLE

_RELEASE_TIMEOUT_S: Final = 0.5  # torque is at zero in 33 ms at the release rate
_START_USEC: Final = 150_000_000  # systemd may give up on the start so long after our last word: later than we do
_FINISH_USEC: Final = 30_000_000  # without torque, the report may take longer than the watchdog's usual patience
_OBSERVER_PATIENCE_NS: Final = 60_000_000_000  # once armed; then frames begin without the tissue observer
_STEP_S: Final = 0.05
_GLANCE_S: Final = 0.01  # how often the loop's counter is looked at between steps


class RealtimeRun:
    """Runs a plan; `run` returns when the clip is over, someone stops it, or it cannot go on."""

    def __init__(self, plan: Plan, recorder: Recorder, estimate_width: int) -> None:
        self._plan = plan
        self._recorder = BackgroundRecorder(recorder)
        self._run_folder = recorder.path.parent
        self._width = estimate_width
        self._rings = shared.create(estimate_width)
        late_s = FOLLOWS_LATE_S if plan.simulated and plan.live else 0.0  # a clip's wearer moves as the person in it
        watch = EncoderWatch(hinge_model(plan.profile), late_s) if plan.simulated or plan.live else None  # else unworn
        self._supervisor = Supervisor(TABLE, self._rings.control, self._recorder.event, plan.simulated, watch)
        self._observer = Observer(lambda: int(self._rings.control[shared.LOOP_THREAD]), self._recorder.miss)
        self._streams = Streams(self._rings, estimate_width, self._recorder)
        self._children = Children(self._rings)
        self._startup: Startup | None = None
        self._start_ns = 0
        self._armed_ns = 0
        self._observer_said = False
        self._pair_told = (0, 0)
        self._duration_s = 0.0
        self._feed = LiveFeed(plan.profile.person.mass_kg)
        self._notifier = Notifier()
        self.stopped = False
        self.problem: str | None = None

    def run(self, source: ClipSource | None) -> None:
        """Start everything, supervise to the end, and leave torque at zero and every process ended; `source` None: a
        live camera."""
        self._duration_s = self._plan.seconds
        if source is not None:
            self._duration_s = len(source) * frame_period_ns(self._plan, source) * 1e-9
        if source is not None and source.truncated:
            self._recorder.event(time.monotonic_ns(), "warning", "clip_truncated", source.truncated)
        memory = self._rings.memory
        assert memory is not None
        with ExitStack() as stack, stop_on_signals(self.stop):
            stack.callback(memory.unlink)
            stack.callback(self._recorder.close)
            stack.enter_context(self._observer)
            stack.callback(self._drain)  # what the children said last: before the observer and the record end
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="exo-edge-")))
            self._admit()
            self._children.start(self._plan, memory.name, self._width, stack, folder)
            self._children.open_door(self._run_folder)
            self._startup = Startup(self._rings.control, self._children.used_s, time.monotonic_ns())
            self._supervise(self._startup)
            self._release()

    def _admit(self) -> None:
        """What of this device is not accepted: on hardware it keeps torque away, in simulation it is said."""
        if not self._plan.simulated:
            for refusal in refusals(self._plan.device):
                self._supervisor.refuse_arming(refusal)
        elif doubt := doubts(self._plan.device):
            self._recorder.event(time.monotonic_ns(), "warning", doubt.reason, doubt.text)

    def stop(self) -> None:
        """Ask the run to end: torque to zero, record closed."""
        self.stopped = True
        self._supervisor.world.stop_requested = True

    def live_state(self) -> LiveState | str | None:
        """What the live view shows; before the first cycle one line about what the run waits for."""
        control, supervisor, now_ns = self._rings.control, self._supervisor, time.monotonic_ns()
        elapsed_s = max(0.0, (now_ns - self._start_ns) * 1e-9) if self._start_ns else 0.0
        state = self._feed.state(
            elapsed_s=elapsed_s,
            total_s=self._duration_s,
            frames=int(control[shared.FRAMES]),
            dropped=int(control[shared.DROPPED]),
            cycles=supervisor.world.cycles,
            host_state=supervisor.state.name,
        )
        if self._startup is None or control[shared.START_NS]:
            return state
        waits_for = self._startup.waits_for(supervisor.state, now_ns)
        return waits_for if state is None else replace(state, message=waits_for)

    def counters(self) -> dict[str, int]:
        """Losses that the record itself cannot show, and the page faults of the loop."""
        return self._streams.counters()

    def _supervise(self, startup: Startup) -> None:
        next_tick_ns = time.monotonic_ns()
        while self.problem is None:
            stopped = self._wait_a_step()
            self._drain()
            now_ns = time.monotonic_ns()
            if now_ns < next_tick_ns and not stopped:
                continue
            next_tick_ns = max(next_tick_ns, now_ns) + TICK_NS
            world = self._supervisor.world
            self._children.look()
            world.loop_dead, world.estimator_dead = self._children.loop_dead, self._children.estimator_dead
            world.estimator_done = self._children.estimator_done
            self._look_at_observer(now_ns)
            self._look_at_pair(now_ns)
            self._tick(now_ns)
            if world.stop_requested or world.estimator_done:
                return
            self.problem = self._judge(startup, now_ns)
        self._recorder.event(now_ns, "error", "run_ended", self.problem)

    def _look_at_pair(self, now_ns: int) -> None:
        """Say what two cameras contradict each other in; the estimator goes on with the first alone."""
        control = self._rings.control
        sync_us, miss_mpx = control[shared.STEREO_AMOUNT : shared.STEREO_AMOUNT + 2]
        told = int(control[shared.STEREO_SYNC]), int(control[shared.STEREO_REPROJECTION])
        if told[0] != self._pair_told[0]:
            text = f"the cameras' pictures are {sync_us / 1e3:.1f} ms apart: the second is left out"
            self._recorder.event(now_ns, "warning", "stereo_sync", text)
        if told[1] != self._pair_told[1]:
            text = f"the cameras contradict each other by {miss_mpx / 1e3:.1f} px: the second is left out"
            self._recorder.event(now_ns, "warning", "stereo_reprojection", text)
        self._pair_told = told

    def _look_at_observer(self, now_ns: int) -> None:
        """Say once that the tissue observer is gone, and what stays doubted: the run goes on without it."""
        if self._observer_said or not self._children.observer_ended or self._children.estimator_done:
            return
        self._observer_said = True
        over = self._rings.control[shared.TISSUE_OFF]
        why = "frame after frame took longer than tissue_budget_ms" if over else "its process ended"
        doubt = shared.DoubtReader(self._rings).doubt()
        stays = f"its last doubt stays to the end ({described(doubt)})" if doubt.share.any() else "it leaves no doubt"
        message = f"the tissue observer is off: {why}; {stays}"
        self._recorder.event(now_ns, "warning", "tissue_observer_off", message)

    def _tick(self, now_ns: int) -> None:
        """A tick of the supervisor; frames begin to come a tick after it has armed."""
        supervisor, control = self._supervisor, self._rings.control
        state = supervisor.tick(now_ns)
        self._notifier.alive(supervisor.world.cycles)
        if state is State.ARMED and not control[shared.START_NS] and not self._observer_builds(now_ns):
            self._start_ns = now_ns + TICK_NS
            control[shared.START_NS] = self._start_ns
            self._notifier.send("READY=1")

    def _observer_builds(self, now_ns: int) -> bool:
        """Whether frames should not begin yet because the tissue observer is not warm; it has only so long for it."""
        self._armed_ns = self._armed_ns or now_ns
        return self._children.observer_builds and now_ns - self._armed_ns < _OBSERVER_PATIENCE_NS

    def _judge(self, startup: Startup, now_ns: int) -> str | None:
        """Why the run cannot go on: a part of it is gone, or it does not get to ARMED."""
        starting = not self._rings.control[shared.START_NS]
        if problem := self._children.problem(starting):
            return problem
        if not starting:
            return None
        if refused := self._supervisor.handshake_refusal:
            return f"not armed: {refused}; see docs/reasons/handshake_refused.md"
        waits_for = startup.waits_for(self._supervisor.state, now_ns)
        self._notifier.send(f"EXTEND_TIMEOUT_USEC={_START_USEC}\nSTATUS={waits_for}")
        if startup.stuck(now_ns):
            return f"not armed, and nothing has moved for {STUCK_S:.0f} s; {waits_for}; see the events in the record"
        return None

    def _wait_a_step(self) -> bool:
        """Sleep for a step, or until the loop has stopped while it should assist; True in that case."""
        supervisor = self._supervisor
        for _ in range(round(_STEP_S / _GLANCE_S)):
            time.sleep(_GLANCE_S)
            stopped = supervisor.loop_stopped(time.monotonic_ns())
            if stopped and State.READY <= supervisor.state < State.SAFE:
                return True
        return False

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
        self._streams.drain(self._supervisor, self._feed, self._observer)
