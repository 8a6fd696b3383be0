"""The processes of a live run: firmware, torque loop and estimator started, watched and ended."""

from __future__ import annotations

import multiprocessing
import os
from contextlib import ExitStack
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

from edge_runtime import shared
from edge_runtime.assembly import make_firmware
from edge_runtime.errors import UserError
from edge_runtime.fault_door import CAMERA_SOCKET, write_door
from edge_runtime.plan import Plan
from edge_runtime.processes import Links, child, estimator, simulated_wearer, tissue_observer, torque_loop
from edge_runtime.signals import sigint_kept_from_children
from edge_runtime.startup import cpu_s
from firmware_bridge.simulator.process import FirmwareProcess, Pace

_JOIN_TIMEOUT_S: Final = 3.0
_TARGETS: Final = (torque_loop, estimator)


class Children:
    """Loop and estimator, and the simulated firmware where the plan has one. `look` says how they are."""

    def __init__(self, rings: shared.Rings) -> None:
        self.loop_dead = False
        self.estimator_dead = False
        self.estimator_done = False
        self.observer_ended = False
        self.observer_builds = False
        self._control = rings.control
        self._processes: list[BaseProcess] = []
        self._firmware: FirmwareProcess | None = None
        self._problem: str | None = None

    def start(self, plan: Plan, block: str, estimate_width: int, stack: ExitStack, folder: Path) -> None:
        """Start all; `stack` ends them. `block` is the shared memory's name, `folder` a place for sockets.

        Raises BridgeError where the firmware does not start.
        """
        bus, rig = plan.device.bus, None
        if plan.simulated:
            firmware = make_firmware(plan, Pace.REALTIME, folder)
            firmware.start()
            stack.callback(firmware.stop)
            self._firmware = firmware
            bus, rig = firmware.bus_spec, firmware.sim_path
        links = Links(os.getpid(), block, estimate_width, bus, rig)
        context = multiprocessing.get_context("spawn")
        if plan.simulated and not plan.live:
            _run_to_its_end(context.Process(target=child, args=(simulated_wearer, plan, links)))
        for target in (*_TARGETS, *((tissue_observer,) if plan.device.tissue_observer == "on" else ())):
            process = context.Process(target=child, args=(target, plan, links), name=target.__name__)
            with sigint_kept_from_children():
                process.start()
            stack.callback(_end, process)
            self._processes.append(process)
        stack.callback(self._ask_to_stop)

    def look(self) -> None:
        """Take note of who has ended; one look is one moment, whatever happens while it is judged.

        Who is alive is asked first: an estimator that ends right after its last frame has said so by then.
        """
        ended = [process for process in self._processes if not process.is_alive()]
        status = None if self._firmware is None else self._firmware.poll()
        self.estimator_done = bool(self._control[shared.ESTIMATOR_DONE])
        names = {process.name: process.exitcode for process in ended}
        self.observer_ended = names.pop(tissue_observer.__name__, None) is not None
        there = len(self._processes) > len(_TARGETS) and not self.observer_ended
        self.observer_builds = there and self._control[shared.TISSUE_STEP] < shared.TISSUE_WARM
        self.loop_dead = torque_loop.__name__ in names
        self.estimator_dead = estimator.__name__ in names and not self.estimator_done
        if status is not None:
            names["firmware"] = status
        self._problem = next((f"the {name} process ended (status {code})" for name, code in names.items()), None)

    def problem(self, starting: bool) -> str | None:
        """Why the run cannot go on, as of the last look; None where all are there."""
        if self._problem is None:
            return None
        where = (
            " while starting; see its line above" if starting else "; torque is at zero, see the events in the record"
        )
        return f"{self._problem}{where}"

    def open_door(self, folder: Path) -> None:
        """Let faults into a run whose firmware is simulated; on hardware there is no door."""
        firmware = self._firmware
        if firmware is None:
            return
        loop, estimating = (process.pid or 0 for process in self._processes[: len(_TARGETS)])
        pids = {"supervisor": os.getpid(), "firmware": firmware.pid, "loop": loop, "estimator": estimating}
        write_door(folder, firmware.fault_path, firmware.sim_path.with_name(CAMERA_SOCKET), pids)

    def used_s(self) -> tuple[int, int]:
        """Processor seconds of loop and estimator so far."""
        loop, other = (cpu_s(process.pid or 0) for process in self._processes[: len(_TARGETS)])
        return loop, other

    def _ask_to_stop(self) -> None:
        self._control[shared.STOP] = 1


def _run_to_its_end(process: BaseProcess) -> None:
    with sigint_kept_from_children():
        process.start()
    process.join()
    if process.exitcode:
        raise UserError("the simulated wearer could not be made from the clip; see the line above")


def _end(process: BaseProcess) -> None:
    process.join(_JOIN_TIMEOUT_S)
    if process.is_alive():
        process.kill()
        process.join()
