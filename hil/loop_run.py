"""The torque loop, the governor process and the supervisor on any simulated bus, with a scripted wish for torque.

No camera, no engine: what is tried here is the loop, the wire and the governor. All in real time, or, inside a box with
virtual time, in exactly reproducible time. Leaves raw files for whoever judges: the loop's rows, what the governor
applied at every step, and each frame on the interface.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from calibration.profile import Profile
from edge_runtime import shared
from edge_runtime.assembly import plant_for
from edge_runtime.config import Device
from edge_runtime.notify import Notifier
from edge_runtime.rt.loop import run_realtime
from edge_runtime.rt.mailbox import drain, lost_rows, publish
from edge_runtime.rt.rig import new_rig
from edge_runtime.rt.torque import Torque, new_torque
from edge_runtime.states import State
from edge_runtime.supervisor import Supervisor
from edge_runtime.telemetry import CYCLE_FIELDS
from engines.cache import cache_dir
from firmware_bridge import e2e
from firmware_bridge.bus import SOCKETCAN_PREFIX, open_torque_bus
from firmware_bridge.simulator.build import build
from firmware_bridge.simulator.process import FirmwareProcess, Pace, PlantParams, SimLink
from firmware_bridge.table import TABLE
from hil.loop_script import FRAME_NS, LoopScript, Script
from hil.tap import Tap

CYCLES_FILE: Final = "cycles.f64"
APPLIED_FILE: Final = "applied.bin"
FRAMES_FILE: Final = "frames.bin"
SUMMARY_FILE: Final = "summary.json"

_TICK_FRAMES: Final = 3  # supervisor's 10 Hz
_RELEASE_FRAMES: Final = 15  # half a second for torque to run down
_QUIET_S: Final = 0.5  # the firmware alone: frames under way arrive, it tells its counters once more
_ESTIMATE_WIDTH: Final = 1  # nothing estimates here
_START_NS: Final = 100_000_000


@dataclass(frozen=True, slots=True)
class LoopPlan:
    """`bus`: "unix:" or a virtual interface, "socketcan:vcan0". Files go to the folder `out`, which exists.

    `script` wishes for torque and moves the wearer; `plant` is the simulated knee, the profile's where None.
    """

    bus: str
    seconds: float
    out: Path
    profile: Profile
    device: Device
    script: LoopScript = field(default_factory=Script)
    plant: PlantParams | None = None


class LoopRun:
    """One run; `run` returns its summary, which is in `out` as well."""

    def __init__(self, plan: LoopPlan) -> None:
        self._plan = plan
        self._rings = shared.local(_ESTIMATE_WIDTH)
        self._events: list[tuple[int, str, str, str]] = []
        self._supervisor = Supervisor(TABLE, self._rings.control, self._see_event, simulated=True)
        self._rows = np.zeros((shared.CYCLE_ROWS, len(CYCLE_FIELDS)), np.int64)
        self._script = plan.script
        self._notifier = Notifier()
        self._stopped = False

    def run(self) -> dict[str, Any]:
        """From handshake to released torque. Raises BridgeError where bus or firmware cannot be had."""
        plan = self._plan
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="exo-edge-")))
            firmware = self._firmware(folder)
            _wait_for_start()
            firmware.start()
            stack.callback(firmware.stop)
            link = SimLink(firmware.sim_path)
            stack.callback(link.close)
            bus = stack.enter_context(open_torque_bus(firmware.bus_spec))
            self._rings.control[shared.BUS_SIMULATED] = 1
            torque = new_torque(TABLE, plan.profile, plan.device, bus.fd)
            self._compile(torque)
            while bus.receive() is not None:  # what the firmware said meanwhile
                pass
            tap = self._tap()
            cycles = stack.enter_context((plan.out / CYCLES_FILE).open("wb"))
            frames = stack.enter_context((plan.out / FRAMES_FILE).open("wb"))
            _wait_for_start()
            with self._looping(torque):
                self._supervise(link, tap, cycles, frames)
            self._drain(cycles)
            time.sleep(_QUIET_S)
            if tap is not None:
                tap.take(frames)
                tap.close()
        summary = self._summary(torque, tap)
        (plan.out / SUMMARY_FILE).write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
        return summary

    def stop(self) -> None:
        """Ask the run to end: torque to zero, files closed."""
        self._stopped = True

    @contextmanager
    def _looping(self, torque: Torque) -> Iterator[None]:
        """The compiled loop in a thread of its own, which never waits for this one."""
        loop = threading.Thread(target=run_realtime, args=self._loop_arguments(torque, self._rings.control))
        loop.start()
        try:
            yield
        finally:
            self._rings.control[shared.STOP] = 1
            loop.join()

    def _firmware(self, folder: Path) -> FirmwareProcess:
        plan = self._plan
        params = folder / "plant.txt"
        (plan.plant or plant_for(plan.profile, 0)).write(params)
        program = build(cache_dir() / "firmware")
        bus = folder / "can" if plan.bus == "unix:" else plan.bus
        return FirmwareProcess(program, bus, folder / "rig", params, Pace.REALTIME, plan.out / APPLIED_FILE)

    def _tap(self) -> Tap | None:
        interface = self._plan.bus.removeprefix(SOCKETCAN_PREFIX)
        return Tap(interface) if interface != self._plan.bus else None

    def _loop_arguments(self, torque: Torque, control: Any) -> tuple[Any, ...]:
        rings = self._rings
        return torque, new_rig(-1), control, rings.intent, rings.feedback, rings.cycles

    def _compile(self, torque: Torque) -> None:
        """Compile or load the loop's code: a run that is asked to stop before its first cycle."""
        run_realtime(*self._loop_arguments(torque, np.ones_like(self._rings.control)))

    def _supervise(self, link: SimLink, tap: Tap | None, cycles: BinaryIO, frames: BinaryIO) -> None:
        """Frame after frame: intent, the wearer's motion, rows and frames to file; the supervisor at its own rate."""
        control, world = self._rings.control, self._supervisor.world
        control[shared.ESTIMATOR_READY] = 1
        start_ns = time.monotonic_ns()
        count = round(self._plan.seconds * 1e9 / FRAME_NS)
        k = 0
        while k < count + _RELEASE_FRAMES:
            _sleep_until(start_ns + k * FRAME_NS)
            count = min(count, k) if self._stopped else count
            now_ns = time.monotonic_ns()
            link.send_wearer(*self._script.wearer(now_ns))
            publish(self._rings.intent, self._script.intent(now_ns).view(np.int64))
            world.valid_ns = now_ns
            world.stop_requested = k >= count
            self._drain(cycles)
            if tap is not None:
                tap.take(frames)
            if k % _TICK_FRAMES == 0:
                self._tick(now_ns)
            k += 1

    def _tick(self, now_ns: int) -> None:
        """The supervisor, and what systemd is told: ready once armed, alive while the loop's cycles advance."""
        before, was = self._supervisor.world.cycles, self._supervisor.state
        state = self._supervisor.tick(now_ns)
        if self._supervisor.world.cycles != before:
            self._notifier.send("WATCHDOG=1")
        if state is State.ARMED and was is State.READY:
            self._notifier.send("READY=1")

    def _drain(self, cycles: BinaryIO) -> None:
        if count := drain(self._rings.cycles, self._rows):
            rows = self._rows[:count].view(np.float64)
            cycles.write(rows.tobytes())
            self._supervisor.see_cycles(rows)

    def _see_event(self, t_ns: int, level: str, code: str, text: str) -> None:
        self._events.append((t_ns, level, code, text))

    def _summary(self, torque: Torque, tap: Tap | None) -> dict[str, Any]:
        names = ("started", "counter", "ok", "lost", "repeated", "gaps", "crc", "bad_run")
        assert len(names) == e2e.RX_SIZE
        state = torque.state[0]
        return {
            "cycles": int(state["cycle"]),
            "sent": int(state["sent"]),
            "received": int(state["received"]),
            "rejected": int(state["rejected"]),
            "lost_rows": lost_rows(self._rings.cycles),
            "streams": [dict(zip(names, map(int, stream), strict=True)) for stream in torque.receivers],
            "tap_frames": 0 if tap is None else tap.frames,
            "tap_dropped": 0 if tap is None else tap.dropped,
            "columns": list(CYCLE_FIELDS),
            "events": self._events,
        }


def _wait_for_start() -> None:
    """Until the clock shows a whole tenth of a second. Starting up reads the clock a few times more or less, as random
    names and hashes fall, and a virtual clock goes on a little by each reading: from here on two runs have one time."""
    _sleep_until((time.monotonic_ns() // _START_NS + 1) * _START_NS)


def _sleep_until(t_ns: int) -> None:
    ahead_ns = t_ns - time.monotonic_ns()
    if ahead_ns > 0:
        time.sleep(ahead_ns * 1e-9)
