"""Plays an episode in lock-step: the compiled torque loop, supervisor and governor on one virtual clock.

The parts are those of every run. Faults of the bus, the encoders and the firmware's clock are ordered from the
simulated firmware; those of the host are played here, as `host.py` says. Two plays give the same trace, bit by bit.
"""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from calibration.profile import Profile
from calibration.reduced_tissue import tissues_of
from edge_runtime import shared
from edge_runtime.assembly import plant_for
from edge_runtime.config import Device
from edge_runtime.encoder_watch import EncoderWatch, hinge_model
from edge_runtime.rt.cycle import KNEE_RAD_COLUMNS
from edge_runtime.rt.loop import PERIOD_NS, run_lockstep
from edge_runtime.rt.mailbox import I64, drain, publish
from edge_runtime.rt.rig import new_rig
from edge_runtime.rt.torque import new_torque
from edge_runtime.states import State
from edge_runtime.supervisor import TICK_NS, Supervisor
from edge_runtime.telemetry import CYCLE_FIELDS
from edge_runtime.types import F64
from engines.cache import cache_dir
from firmware_bridge.simulator.embedded import EmbeddedFirmware
from firmware_bridge.simulator.process import TRUTH_DTYPE, PlantParams
from firmware_bridge.table import TABLE
from hil.faults.episode import Episode
from hil.faults.episode_camera import EpisodeCamera
from hil.faults.host import HostFaults
from hil.faults.model import Fault
from hil.faults.orders import duration_ns, firmware_order
from hil.faults.trace import Event, Trace

_START_NS: Final = 1_000_000_000  # a stamp of 0 means "never"
_ARM_TIMEOUT_NS: Final = 5_000_000_000
_GLANCE_NS: Final = 10_000_000  # how often a live run looks whether the loop still counts
_PRESENT: Final = 0  # in place of a descriptor: the firmware is in this process, not frozen
_REST_PER_MS: Final = 0.96  # of its speed a knee keeps that nobody moves any more
_FOREVER_NS: Final = 1 << 62


class Player:
    """Plays one episode; `play` may be called once."""

    def __init__(self, episode: Episode, profile: Profile, profile_path: Path, device: Device) -> None:
        self._episode, self._device, self._profile, self._profile_path = episode, device, profile, profile_path
        self._host = HostFaults(episode.faults)
        self._camera = EpisodeCamera(episode, self._host, round(device.virtual_estimator_ms * 1e6))
        self._rings = shared.local(1)
        self._events: list[Event] = []
        watch = EncoderWatch(hinge_model(profile))
        self._supervisor = Supervisor(TABLE, self._rings.control, self._hear, simulated=True, encoders=watch)
        self._knee_rad = np.full(2, np.nan)
        self._buffer = np.zeros((shared.CYCLE_ROWS, len(CYCLE_FIELDS)), np.int64)
        self._rows: list[F64] = []
        self._rows_ns: list[I64] = []
        self._applied_ns: list[I64] = []
        self._elapsed_ns = 0  # true time
        self._leapt_ns = 0  # what the host's clock is ahead of it
        self._armed_ns = _FOREVER_NS
        self._hashes = (TABLE.protocol_hash, TABLE.limits_hash, profile.hash32)
        self._begun: set[int] = set()

    def play(self) -> Trace:
        """Play it to its end. BridgeError where the firmware cannot be had at all."""
        hang = ""
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="exo-edge-")))
            record = folder / "applied.bin"
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            for end in (ours, theirs):
                stack.callback(end.close)
                end.setblocking(False)
            self._firmware = EmbeddedFirmware(cache_dir() / "firmware", theirs, self._parameters(folder), record)
            stack.callback(self._firmware.close)
            tissues = tissues_of(self._profile, self._profile_path)
            self._torque = new_torque(TABLE, self._profile, self._device, ours.fileno(), tissues)
            self._rig = new_rig(_PRESENT)
            self._rig.step[:] = self._firmware.step_address, self._firmware.handle
            try:
                self._arm()
                self._run()
            except TimeoutError as error:
                hang = str(error)
            self._firmware.close()
            return self._trace(record, hang)

    def _parameters(self, folder: Path) -> Path:
        plant, factors = plant_for(self._profile, 0), self._episode.plant
        stiffness = factors.tissue_stiffness
        params: PlantParams = replace(
            plant,
            tissue_stiffness_nm_per_rad=stiffness * plant.tissue_stiffness_nm_per_rad,
            tissue_maxwell_nm_per_rad=stiffness * plant.tissue_maxwell_nm_per_rad,
            wearer_stiffness_nm_per_rad=factors.wearer_stiffness * plant.wearer_stiffness_nm_per_rad,
            tissue_transmission=factors.transmission * plant.tissue_transmission,
            drive_delay_ms=factors.drive_delay_ms,
        )
        params.write(folder / "plant.txt")
        return folder / "plant.txt"

    def _now_ns(self) -> int:
        """The host's clock."""
        return _START_NS + self._elapsed_ns + self._leapt_ns

    def _now_s(self) -> float:
        """Since the firmware was armed."""
        return (self._elapsed_ns - self._armed_ns) * 1e-9

    def _hear(self, _t_ns: int, level: str, code: str, text: str) -> None:
        self._events.append(Event(self._now_s(), level, code, text))

    def _arm(self) -> None:
        control = self._rings.control
        control[shared.ESTIMATOR_READY] = control[shared.LOOP_READY] = 1
        while self._supervisor.state is not State.ARMED:
            if self._elapsed_ns > _ARM_TIMEOUT_NS:
                raise TimeoutError(f"the firmware did not arm; {self._supervisor.handshake_refusal}")
            self._supervisor.tick(self._now_ns())
            self._cycles(TICK_NS // PERIOD_NS)
        self._armed_ns = self._elapsed_ns
        self._events.clear()

    def _run(self) -> None:
        """From frame to tick to the edge of a fault; each at its own time."""
        end_ns = self._armed_ns + round(self._episode.seconds * 1e9)
        edges = [self._armed_ns + round(s * 1e9) for s in self._host.edges_s()]
        self._tick_ns = self._glance_ns = self._camera.due_ns = self._armed_ns
        self._stall_from_ns = self._stall_to_ns = _FOREVER_NS
        self._held_ns = 0
        while self._elapsed_ns < end_ns:
            self._begin_faults()
            self._supervise()
            self._see_frame()
            self._publish_due()
            self._plan_stall()
            coming = (edge for edge in edges if edge > self._elapsed_ns)
            until_ns = min(end_ns, self._tick_ns, self._camera.due_ns, next(coming, end_ns), *self._own_edges())
            self._advance(max(1, -(-(until_ns - self._elapsed_ns) // PERIOD_NS)))

    def _own_edges(self) -> Sequence[int]:
        due = self._camera.ready_ns
        stalls = [t for t in (self._stall_from_ns, self._stall_to_ns) if t > self._elapsed_ns]
        return [self._glance_ns, *due, *stalls] if self._held() else [*due, *stalls, _FOREVER_NS]

    def _held(self) -> bool:
        stalled = self._stall_from_ns <= self._elapsed_ns < self._stall_to_ns
        return stalled or self._host.loop_held(self._now_s())

    def _begin_faults(self) -> None:
        """Order what the firmware suffers, and make the host's clock leap, each once."""
        for index, fault in enumerate(self._episode.faults):
            if index not in self._begun and self._now_s() >= fault.start_s:
                self._begun.add(index)
                self._camera.frame = 0  # one that is slow from now on takes its time for the next
                self._begin(fault)
        wrong = self._host.hashes_wrong(self._now_s())
        self._torque.config[0]["hashes"] = [value ^ (i in wrong) for i, value in enumerate(self._hashes)]

    def _begin(self, fault: Fault) -> None:
        if (wanted := firmware_order(fault)) is not None:
            self._firmware.order(wanted.order, wanted.values, self._now_ns(), duration_ns(fault), fault.seed)
        if fault.kind == "clock_jump" and fault.choice("side") == "host":
            self._leapt_ns += round(fault.number("leap")) * PERIOD_NS

    def _supervise(self) -> None:
        """The 10 Hz tick, and at once where the loop has stopped while it should assist."""
        now_s, supervisor = self._now_s(), self._supervisor
        held, due = self._host.supervisor_held(now_s), self._elapsed_ns >= self._tick_ns
        if due:
            self._tick_ns += TICK_NS
        if self._elapsed_ns >= self._glance_ns:
            self._glance_ns = self._elapsed_ns + _GLANCE_NS
            stopped = not held and supervisor.loop_stopped(self._now_ns())
            due = due or (stopped and State.READY <= supervisor.state < State.SAFE)
        if due and not held:
            supervisor.world.estimator_dead = self._host.estimator_dead(now_s)
            supervisor.world.loop_dead = self._host.loop_dead(now_s)
            supervisor.tick(self._now_ns())

    def _see_frame(self) -> None:
        if self._elapsed_ns >= self._camera.due_ns:
            self._camera.see(self._elapsed_ns, self._now_ns(), self._now_s(), self._knee_rad)

    def _publish_due(self) -> None:
        if (seen := self._camera.ready(self._elapsed_ns, self._now_s())) is not None:
            publish(self._rings.intent, seen.words)
            self._supervisor.world.valid_ns = seen.captured_ns
            self._supervisor.see_knees(seen.captured_ns, seen.knee_rad, seen.sd_rad)

    def _plan_stall(self) -> None:
        """The next moment at which load takes the loop's processor."""
        if self._elapsed_ns < self._stall_to_ns < _FOREVER_NS:
            return
        self._stall_from_ns = self._stall_to_ns = _FOREVER_NS
        if (stall := self._host.stall(self._now_s())) is not None:
            self._stall_from_ns = self._elapsed_ns + round(stall[0] * 1e9)
            self._stall_to_ns = self._stall_from_ns + round(stall[1] * 1e9)

    def _advance(self, count: int) -> None:
        if self._held():
            self._tick_alone(count)
            self._held_ns += count * PERIOD_NS
            return
        if self._held_ns:
            self._torque.deadlines[0]["before"] = self._held_ns // PERIOD_NS
            self._torque.deadlines[0]["missed"] += self._held_ns // PERIOD_NS
            self._held_ns = 0
            self._cycles(1)
            self._torque.deadlines[0]["before"] = 0
            count -= 1
        self._cycles(count)

    def _cycles(self, count: int) -> None:
        """So many cycles of the loop, each answered by the firmware unless that is held."""
        if count == 0:
            return
        frozen = self._armed_ns < _FOREVER_NS and self._host.firmware_held(self._now_s())
        self._rig.fd[0] = -1 if frozen else _PRESENT
        rings = self._rings
        done = run_lockstep(
            self._torque, self._rig, rings.control, rings.intent, rings.feedback, rings.cycles, self._now_ns(), count
        )
        if done != count:
            raise TimeoutError(f"the loop stood still at {self._now_s():.3f} s")
        ticks_ns = self._elapsed_ns + np.arange(count, dtype=np.int64) * PERIOD_NS
        if not frozen:
            self._applied_ns.append(ticks_ns)
        self._elapsed_ns += count * PERIOD_NS
        self._take_rows(ticks_ns)

    def _take_rows(self, ticks_ns: I64) -> None:
        rows = self._buffer[: drain(self._rings.cycles, self._buffer)].view(np.float64).copy()
        self._knee_rad = rows[-1, list(KNEE_RAD_COLUMNS)]
        self._rows.append(rows)
        self._rows_ns.append(ticks_ns)
        if not self._host.supervisor_held(self._now_s()):
            self._supervisor.see_cycles(rows)

    def _tick_alone(self, count: int) -> None:
        """The firmware goes on while the loop stands still, and so does the knee until it comes to rest."""
        reference = self._rig.reference
        for _ in range(count):
            reference[2:] *= _REST_PER_MS
            reference[:2] += reference[2:] * 1e-3
            self._firmware.tick(self._now_ns(), reference[:2], reference[2:])
            self._applied_ns.append(np.array([self._elapsed_ns]))
            self._elapsed_ns += PERIOD_NS

    def _trace(self, record: Path, hang: str) -> Trace:
        applied = np.fromfile(record, TRUTH_DTYPE)
        applied_ns = np.concatenate(self._applied_ns) if self._applied_ns else np.zeros(0, np.int64)
        count = min(len(applied), len(applied_ns))
        rows = np.concatenate(self._rows) if self._rows else np.zeros((0, len(CYCLE_FIELDS)))
        rows_ns = np.concatenate(self._rows_ns) if self._rows_ns else np.zeros(0, np.int64)
        return Trace(
            applied=applied[:count],
            applied_s=_seconds(applied_ns[:count] - self._armed_ns),
            rows=rows,
            rows_s=_seconds(rows_ns[: len(rows)] - self._armed_ns),
            events=tuple(self._events),
            hang=hang,
        )


def _seconds(time_ns: I64) -> F64:
    return time_ns.astype(np.float64) * 1e-9


def play(episode: Episode, profile: Profile, profile_path: Path, device: Device) -> Trace:
    """Play one episode."""
    return Player(episode, profile, profile_path, device).play()
