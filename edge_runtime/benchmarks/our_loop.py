"""The torque loop as a live run has it: its own process, the compiled firmware, the supervisor, intents at 60 Hz."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

import numpy as np

import calibration
from calibration.profile import load_profile
from edge_runtime import shared
from edge_runtime.assembly import make_firmware
from edge_runtime.benchmarks import busy
from edge_runtime.benchmarks.intents import publish_intent
from edge_runtime.benchmarks.slices import RATE_HZ, Slice, Slot
from edge_runtime.camera import ClipSpec
from edge_runtime.config import load_device
from edge_runtime.errors import UserError
from edge_runtime.plan import Plan
from edge_runtime.processes import Links, child, torque_loop
from edge_runtime.rt.mailbox import drain
from edge_runtime.states import State
from edge_runtime.supervisor import TICK_NS, Supervisor
from edge_runtime.telemetry import CYCLE_FIELDS
from edge_runtime.types import F64
from firmware_bridge.simulator.process import Pace
from firmware_bridge.table import TABLE

DEFINITION: Final = "after an absolute deadline; the whole cycle runs, with torque on the bus"
_ESTIMATE_WIDTH: Final = 1  # no estimator runs here
_FRAME_S: Final = 1 / 60
_START_TIMEOUT_S: Final = 180.0  # the first start compiles the loop
KEPT: Final = [CYCLE_FIELDS.index(name) for name in ("t_ns", "cycle", "missed", "wake_us", "compute_us")]


def run(
    slot: Slot,
    seconds: float,
    target: Callable[[Plan, Links], None] = torque_loop,
    progress: Callable[[float], None] = lambda part: None,
) -> Slice:
    """One slice of the loop with torque on, from the rows it publishes; `target` is what its process does."""
    return slice_of(collect(slot, seconds, target, progress))


def busy_torque_loop(plan: Plan, links: Links) -> None:
    """The same process with its own interpreter busy from the moment the loop runs."""
    rings = shared.attach(links.block, links.estimate_width)

    def begin() -> None:
        while not rings.control[shared.LOOP_READY]:
            time.sleep(0.01)
        busy.start()

    threading.Thread(target=begin, daemon=True).start()
    torque_loop(plan, links)


def slice_of(rows: F64) -> Slice:
    """A slice from telemetry rows [n, KEPT]."""
    t_ns, cycle, missed, wake_us, compute_us = rows.T
    lost = int(missed[-1] - missed[0])
    return Slice(
        late_us=wake_us,
        missed=lost,
        span_s=float(t_ns[-1] - t_ns[0]) * 1e-9,
        periods=int(cycle[-1] - cycle[0]) + lost,
        compute_us=compute_us,
    )


def bench_plan(slot: Slot) -> Plan:
    """A plan that only the loop and the firmware read: demo profile, this core and priority, simulated bus."""
    profile = Path(calibration.__file__).with_name("profiles") / "demo.toml"
    device = replace(load_device(), bus="unix:", loop_core=slot.core, loop_priority=slot.priority)
    return Plan(ClipSpec(Path()), 1, load_profile(profile), profile, device, Path(), Path())


def collect(
    slot: Slot, seconds: float, target: Callable[[Plan, Links], None], progress: Callable[[float], None]
) -> F64:
    """Columns KEPT of the rows of `seconds` of the loop from the moment assistance was first engaged."""
    plan = bench_plan(slot)
    rings = shared.create(_ESTIMATE_WIDTH)
    assert rings.memory is not None
    with ExitStack() as stack:
        stack.callback(rings.memory.unlink)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="exo-edge-")))
        firmware = make_firmware(plan, Pace.REALTIME, folder)
        firmware.start()
        stack.callback(firmware.stop)
        if others := os.sched_getaffinity(firmware.pid) - {slot.core}:
            os.sched_setaffinity(firmware.pid, others)  # real firmware takes no time on the device
        links = Links(os.getpid(), rings.memory.name, _ESTIMATE_WIDTH, firmware.bus_spec, firmware.sim_path)
        process = multiprocessing.get_context("spawn").Process(target=child, args=(target, plan, links))
        process.start()
        stack.callback(_end, process)
        return _Host(rings).collect(process, round(seconds * RATE_HZ), progress)


def _end(process: BaseProcess) -> None:
    process.kill()
    process.join()


class _Host:
    """Supervisor and estimator in one: keeps the loop engaged with intents that move, and takes its rows."""

    def __init__(self, rings: shared.Rings) -> None:
        self._rings = rings
        self._events: list[str] = []
        self._supervisor = Supervisor(TABLE, rings.control, self._event, simulated=True)
        self._rows = np.zeros((shared.CYCLE_ROWS, len(CYCLE_FIELDS)), np.int64)
        self._next_tick_ns = 0
        self._frame = 0
        rings.control[shared.ESTIMATOR_READY] = 1

    def collect(self, process: BaseProcess, wanted: int, progress: Callable[[float], None]) -> F64:
        """The first `wanted` rows from ENGAGED on; all of them, also where the state leaves it again."""
        found: list[F64] = []
        count = 0
        give_up = time.monotonic() + _START_TIMEOUT_S
        while count < wanted:
            rows = self._step()
            if len(rows) and (found or self._supervisor.state is State.ENGAGED):
                found.append(rows[:, KEPT])
                count += len(rows)
                progress(min(1.0, count / wanted))
            if not process.is_alive():
                raise UserError(f"the torque loop ended (status {process.exitcode}); see its line above")
            if not count and time.monotonic() > give_up:
                raise UserError(f"the torque loop did not engage: {'; '.join(self._events[-3:]) or 'it never started'}")
            time.sleep(_FRAME_S)
        return np.concatenate(found)[:wanted]

    def _step(self) -> F64:
        now_ns = time.monotonic_ns()
        self._frame += 1
        publish_intent(self._rings.intent, self._frame, now_ns - round(_FRAME_S * 0.6e9), round(_FRAME_S * 1e9))
        self._supervisor.world.valid_ns = now_ns
        rows = self._rows[: drain(self._rings.cycles, self._rows)].view(np.float64).copy()
        if len(rows):
            self._supervisor.see_cycles(rows)
        if now_ns >= self._next_tick_ns:
            self._next_tick_ns = now_ns + TICK_NS
            self._supervisor.tick(now_ns)
        return rows

    def _event(self, t_ns: int, level: str, code: str, text: str) -> None:
        self._events.append(f"{code}: {text}")
