"""A scenario for the loop in real or virtual time: its motion and wish as a script, and its run in a box as a trace.

In a box with virtual time (docs/canbox.md) the compiled real-time loop and the governor process talk over AF_CAN; the
scenario's faults, events and compensation are not played there.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_runtime.config import load_device
from edge_runtime.errors import UserError
from edge_runtime.rt.cycle import KNEE_NM_COLUMNS, KNEE_RAD_COLUMNS
from edge_runtime.states import State
from edge_runtime.types import F64
from hil.canbox import Box, Time, run_box
from hil.intents import make_source
from hil.loop_record import LoopRecord, load_run
from hil.loop_run import LoopPlan, LoopRun
from hil.loop_script import FRAME_NS
from hil.rigs.base import JOINTS
from hil.rigs.firmware import plant_of
from hil.rigs.gel import wearer_of
from hil.scenario import LEAD_S, Scenario, load_scenario
from hil.trace import Event, Trace
from hil.wish import Clip

_RATE_STEP_S: Final = 1e-3
_CAPTURE_NS: Final = 10_000_000  # from capture to intent
_TIMEOUT_S: Final = 240.0


class ScenarioScript:
    """Implements `hil.loop_script.LoopScript`: the scenario begins LEAD_S after the first call."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._source = make_source(scenario, wearer_of(scenario))
        self._begin_ns: int | None = None
        self._frame = 0
        self._no_torque = np.zeros(JOINTS)

    def intent(self, now_ns: int) -> npt.NDArray[Any]:
        """See `LoopScript`; before the scenario begins nothing is wished for."""
        t_s = self._seconds(now_ns)
        asked = self._source.step(self._frame, now_ns - _CAPTURE_NS, max(t_s, 0.0), self._no_torque)
        self._frame += 1
        asked.intent[0]["frame_ns"] = FRAME_NS
        if t_s < 0.0:
            asked.intent[0]["torque_nm"][:] = 0.0
        return asked.intent

    def wearer(self, now_ns: int) -> tuple[F64, F64]:
        """See `LoopScript`."""
        t_s = min(max(self._seconds(now_ns), 0.0), self._scenario.seconds)
        angle = self._scenario.motion.knee_rad(np.array([t_s, t_s + _RATE_STEP_S]))
        return angle[0], (angle[1] - angle[0]) / _RATE_STEP_S

    def _seconds(self, now_ns: int) -> float:
        if self._begin_ns is None:
            self._begin_ns = now_ns + round(LEAD_S * 1e9)
        return (now_ns - self._begin_ns) * 1e-9


def plan_of(path: Path, bus: str, out: Path) -> LoopPlan:
    """The loop's run of a scenario's file. Raises UserError where it asks for what the loop alone does not have."""
    scenario = load_scenario(path)
    if isinstance(scenario.wish, Clip) or scenario.faults or scenario.event:
        raise UserError(f"{path}: a clip, faults and events are not played by the loop alone; leave them out")
    seconds = LEAD_S + scenario.seconds
    script = ScenarioScript(scenario)
    return LoopPlan(bus, seconds, out, wearer_of(scenario), load_device(), script, plant_of(scenario))


def play_in_box(scenario: Scenario, path: Path) -> Trace:
    """Run the scenario's file in a box with virtual time and read what it left. Raises UserError where that fails."""
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="exo-edge-") as name:
        folder = Path(name)
        _compile(path, folder)
        words = ("--bus", "socketcan:vcan0", "--scenario", str(path.resolve()), "--out", str(folder))
        command = [sys.executable, "-m", "edge_runtime", "hil", "loop", *words]
        box = Box(command, time=Time.VIRTUAL, writable=(folder,), timeout_s=_TIMEOUT_S)
        err = io.BytesIO()
        status = run_box(box, io.BytesIO(), err)
        if status != 0:
            lines = err.getvalue().decode(errors="replace").strip().splitlines() or ["it said nothing"]
            raise UserError(f"{path}: the loop in the box ended with status {status}: {lines[-1]}")
        return _trace(load_run(folder), scenario, time.perf_counter() - begun)


def _compile(path: Path, folder: Path) -> None:
    """Firmware and loop compiled outside: a box reads the caches, what it compiles itself is lost."""
    warm = folder / "warm"
    warm.mkdir()
    plan = plan_of(path, "unix:", warm)
    LoopRun(LoopPlan(plan.bus, 0.1, warm, plan.profile, plan.device, plan.script, plan.plant)).run()


def _trace(run: LoopRecord, scenario: Scenario, seconds: float) -> Trace:
    """The governor's steps with the loop's newest row at each; time 0 is the scenario's begin."""
    applied = run.applied
    loop_ns = run.column("t_ns")
    rows = run.cycles[np.clip(np.searchsorted(loop_ns, applied["now_ns"], "right") - 1, 0, len(loop_ns) - 1)].copy()
    for side in range(JOINTS):
        rows[:, KNEE_NM_COLUMNS[side]] = applied["knee_nm"][:, side]
        rows[:, KNEE_RAD_COLUMNS[side]] = applied["knee_rad"][:, side]
    zero_ns = int(loop_ns[0]) + round(LEAD_S * 1e9)
    events = [Event((t_ns - zero_ns) * 1e-9, level, code, text) for t_ns, level, code, text in run.summary["events"]]
    armed = bool((applied["state"] >= State.ARMED).any())
    return Trace(
        t_s=(applied["now_ns"] - zero_ns) * 1e-9,
        rows=rows,
        applied=applied,
        pressure_pa=np.full(len(applied), np.nan),
        events=events,
        problem="" if armed else "no; the events say why",
        sim_s=seconds,
        start_ns=zero_ns,
    )
