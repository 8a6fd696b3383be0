"""Faults into a running simulated run: orders to its firmware and camera, signals and limits to its processes."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from edge_runtime.benchmarks.load import Load, loaded
from edge_runtime.camera_faults import KINDS as CAMERA_KINDS
from edge_runtime.errors import UserError
from edge_runtime.fault_door import Door, Member, order_camera, read_door
from firmware_bridge.simulator.faults import FaultLink
from hil.faults.chain import camera_fault
from hil.faults.kind import Seam
from hil.faults.kinds import KINDS
from hil.faults.model import Fault
from hil.faults.orders import duration_ns, firmware_order

Wait = Callable[[float], None]
_ROOM_BYTES: Final = 1 << 20  # of memory beyond what is used: one picture more does not fit


def inject(fault: Fault, run: Path, wait: Wait = time.sleep) -> str:
    """Bring `fault` about in the run of that folder, now, and wait until it is over where this side must end it.

    Returns one line that says what was done. UserError or BridgeError where the run, or its like, cannot suffer it.
    """
    if Seam.LIVE not in KINDS[fault.kind].seams:
        raise UserError(f"{fault.kind}: cannot be injected into a live run; it is played in lock-step")
    door = read_door(run)
    if fault.kind == "clock_jump" and fault.choice("side") == "host":
        raise UserError("clock_jump: the clock of this machine is not moved; choose side=firmware")
    if (wanted := firmware_order(fault)) is not None:
        with FaultLink(Path(door.firmware)) as link:
            link.order(wanted.order, wanted.values, 0, duration_ns(fault), fault.seed)
            link.confirm()
        return f"ordered from the firmware: {fault.kind} for {fault.duration_s:g} s"
    if fault.kind in CAMERA_KINDS:
        one = camera_fault(fault)
        order_camera(door.camera, one.kind, one.end_ns - one.start_ns, one.value)
        return f"ordered from the camera: {fault.kind} for {fault.duration_s:g} s"
    return _on_processes(fault, door, wait)


def _on_processes(fault: Fault, door: Door, wait: Wait) -> str:
    if fault.kind == "process_kill":
        member = _member(door, fault.choice("target"))
        os.kill(member.pid, signal.SIGKILL)
        return f"killed: {fault.choice('target')}, process {member.pid}"
    if fault.kind == "host_load":
        with tempfile.TemporaryDirectory(prefix="exo-edge-") as folder, loaded((Load.CPU,), Path(folder)) as said:
            wait(fault.duration_s)
        return f"loaded for {fault.duration_s:g} s: {said['cpu']}"
    target, suffering = {
        "process_stop": ("", _stopped),
        "process_oom": ("estimator", _without_memory),
        "disk_full": ("supervisor", _without_disk),
    }[fault.kind]
    target = target or fault.choice("target")
    member = _member(door, target)
    with suffering(member):
        wait(fault.duration_s)
    return f"{fault.kind}: {target}, process {member.pid}, for {fault.duration_s:g} s"


def _member(door: Door, name: str) -> Member:
    member = door.members.get(name)
    if member is None or not member.runs:
        raise UserError(f"the run's {name} does not run any more")
    return member


@contextmanager
def _stopped(member: Member) -> Iterator[None]:
    os.kill(member.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        if member.runs:
            os.kill(member.pid, signal.SIGCONT)


@contextmanager
def _limited(member: Member, which: int, soft: int) -> Iterator[None]:
    """A resource limit of that process, given back at the end."""
    before = resource.prlimit(member.pid, which)
    resource.prlimit(member.pid, which, (soft, before[1]))
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(member.pid, which, before)


def _without_memory(member: Member) -> contextlib.AbstractContextManager[None]:
    pages = int(Path(f"/proc/{member.pid}/statm").read_text(encoding="ascii").split()[0])
    return _limited(member, resource.RLIMIT_AS, pages * resource.getpagesize() + _ROOM_BYTES)


def _without_disk(member: Member) -> contextlib.AbstractContextManager[None]:
    return _limited(member, resource.RLIMIT_FSIZE, 0)
