"""The main job: run a plan, record it, sum it up, and write the report a person looks at."""

from __future__ import annotations

import contextlib
import signal
import sys
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, Final

from edge_runtime.body import body_of, model_path
from edge_runtime.camera import ClipSource
from edge_runtime.errors import UserError
from edge_runtime.estimate_row import REASONS
from edge_runtime.live import LiveView
from edge_runtime.lockstep_run import LockstepRun
from edge_runtime.plan import Plan
from edge_runtime.realtime_run import RealtimeRun
from edge_runtime.record.names import Names, by_code
from edge_runtime.record.reader import Record, load
from edge_runtime.record.recorder import Recorder
from edge_runtime.record.summary import summarize
from edge_runtime.record.violations import TorqueLimits
from edge_runtime.report.page import ReportContext, write_report
from edge_runtime.stats import host_block, to_json
from edge_runtime.telemetry import estimate_fields
from engines.fetch import onnx_path
from engines.plans import certificate_files
from engines.pose.slot import pose_engine
from firmware_bridge.bus import UNIX_PREFIX, open_bus
from firmware_bridge.table import DEFAULT_PATH as LIMITS_PATH
from firmware_bridge.table import GOVERNOR_REASONS, LIMITER_REASONS, STATES, TABLE

REAL: Final = (
    "Video, pose and GRF networks with their real weights, kinematics, inverse dynamics, muscle solve, knee load",
    "Torque loop, limiter, E2E Profile 11 frames, and the governor: compiled C in a process of its own",
)
SIMULATED: Final = (
    "The exoskeleton drive, its soft-tissue interface and the wearer's knee: a reduced model inside the firmware "
    "process, which moves as the person in the video does",
    "The bus: an AF_UNIX socket, or a virtual CAN interface, that carries struct can_frame",
    "Interface values of the demo profile: assumed, not measured on a person",
)

EMULATED: Final = (
    "The drives: emulators written from their makers' documents; each joint is a hinge on a spring, not a knee, and "
    "does not move as the person in the video",
    "The bus: an AF_UNIX socket that carries struct can_frame",
    "Interface values of the demo profile: assumed, not measured on a person",
)


class Clock(Enum):
    """Which clock drives a run."""

    REAL = "real"
    VIRTUAL = "virtual"


class View(Enum):
    """What is shown while it runs."""

    LIVE = "live"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left behind; `problem` None where nothing went wrong, `stopped` where a person ended it early."""

    folder: Path
    summary: dict[str, Any]
    problem: str | None
    stopped: bool


@dataclass(frozen=True, slots=True)
class _Drive:
    """How the driving part ended."""

    problem: str | None
    stopped: bool
    counters: dict[str, int]


def names() -> Names:
    """What the codes of a record mean."""
    return Names(by_code(STATES), LIMITER_REASONS, REASONS, by_code(GOVERNOR_REASONS))


def torque_limits() -> TorqueLimits:
    """What the wire must never exceed: the host's limits."""
    host = TABLE.host_limits("knee_r")
    return TorqueLimits(host.torque_nm, host.slew_up_nm_per_s, host.slew_down_nm_per_s)


def execute(plan: Plan, clock: Clock, view: View) -> Outcome:
    """Run `plan` to its end or until stopped. Raises UserError or another one-line error before anything moves."""
    if not plan.simulated and not _leads_emulated_drives(plan, clock):
        why = "nobody can arm with a live camera yet" if plan.live else "a clip is not the wearer"
        raise UserError(
            f"bus {plan.device.bus}: {why}, so no torque on hardware; "
            'set bus = "unix:", or a virtual one like "socketcan:vcan0", in the device file'
        )
    if plan.live and clock is Clock.VIRTUAL:
        raise UserError(f"camera {plan.pictures}: it is live, so --clock virtual is not possible; name a --clip")
    onnx_path("pose_detection")
    pose_engine(plan.device.pose_engine)
    muscles = body_of(plan.profile, plan.profile_path).muscle_names
    source = None if plan.live else ClipSource(plan.clip, plan.passes)
    folder = _new_folder(plan.out)
    recorder = Recorder(folder, muscles, _attachments(plan), {"clip": plan.pictures, "clock": clock.value})
    width = len(estimate_fields(muscles))
    with recorder:
        if source is not None and source.truncated:
            print(f"exo-edge: {source.truncated}", file=sys.stderr)
        drive = _drive(plan, clock, view, source, recorder, width)
    return _finish(plan, clock, folder, replace(drive, problem=drive.problem or recorder.failed))


def _leads_emulated_drives(plan: Plan, clock: Clock) -> bool:
    """Whether the bus is a running `exo-edge drive run` on emulated drives; a session on real ones is refused."""
    if not plan.device.bus.startswith(UNIX_PREFIX):
        return False
    if clock is Clock.VIRTUAL:
        raise UserError(f'bus {plan.device.bus}: it runs by its own clock; for --clock virtual set bus = "unix:"')
    with open_bus(plan.device.bus) as bus:
        if bus.hardware:
            raise UserError(
                f"bus {plan.device.bus}: it leads to real drives, or to a program that does not say otherwise; a clip "
                "is not the wearer, so no torque; start exo-edge drive emulate, and drive run on its bus"
            )
    return True


def _drive(plan: Plan, clock: Clock, view: View, source: ClipSource | None, recorder: Recorder, width: int) -> _Drive:
    if source is not None and clock is Clock.VIRTUAL:
        lockstep = LockstepRun(plan, recorder, width)
        with _interruptible(lockstep):
            lockstep.run(source)
        return _Drive(lockstep.problem, lockstep.stopped, {"frames": lockstep.frames, "dropped": 0})
    live = RealtimeRun(plan, recorder, width)
    shown = LiveView(live.live_state, sys.stderr) if view is View.LIVE else contextlib.nullcontext()
    with shown:
        live.run(source)
    return _Drive(live.problem, live.stopped, live.counters())


@contextlib.contextmanager
def _interruptible(run: LockstepRun) -> Any:
    before = signal.signal(signal.SIGINT, lambda number, frame: run.stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _finish(plan: Plan, clock: Clock, folder: Path, drive: _Drive) -> Outcome:
    record = load(folder)
    person = plan.profile.person
    summary = summarize(record, names(), person.mass_kg, torque_limits()) | drive.counters
    problem = drive.problem or (None if drive.stopped else _unproven(record))
    try:
        with _disk(folder):
            (folder / "summary.json").write_text(to_json(summary) + "\n", encoding="utf-8")
        if record.estimates["t_capture_ns"].size:
            _report(plan, clock, record, summary, folder)
    except UserError as error:  # the record is what counts; what follows from it can be made again
        problem = f"{problem}; {error}" if problem else str(error)
    return Outcome(folder, summary, problem, drive.stopped)


def _unproven(record: Record) -> str | None:
    """A run that came to its end without assisting at all is no success."""
    if (record.cycles["governor_state"] == STATES["ENGAGED"]).any():
        return None
    return "the run never came to ENGAGED; the events and the reasons of the estimates in the report say why"


def _report(plan: Plan, clock: Clock, record: Record, summary: dict[str, Any], folder: Path) -> None:
    context = ReportContext(
        names=names(),
        mass_kg=plan.profile.person.mass_kg,
        facts={
            "clip": plan.pictures,
            "person": plan.profile.id,
            "clock": clock.value,
            "bus": plan.device.bus,
        },
        host=host_block(),
        real=REAL,
        simulated=SIMULATED if plan.simulated else EMULATED,
    )
    write_report(record, summary, folder / "report.html", "exo-edge run", context)


def _attachments(plan: Plan) -> dict[str, bytes]:
    files = {"device.toml": plan.device_path, "profile.toml": plan.profile_path, "limits.toml": LIMITS_PATH}
    if plan.profile.muscles.model:
        files["model.npz"] = model_path(plan.profile, plan.profile_path)
    certificates = {f"certificate-{name}.json": path for name, path in certificate_files().items()}
    return {name: path.read_bytes() for name, path in (files | certificates).items()}


def _new_folder(out: Path) -> Path:
    """A folder of its own for this run: the start time, with a number where that is taken."""
    stamp = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    with _disk(out):
        for number in range(1, 1000):
            folder = out / (stamp if number == 1 else f"{stamp}-{number}")
            try:
                folder.mkdir(parents=True)
            except FileExistsError:
                continue
            return folder
    raise UserError(f"{out}: no free folder name for {stamp}; clear the folder or pass another --out")


@contextlib.contextmanager
def _disk(path: Path) -> Any:
    try:
        yield
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); pass another --out or free space") from None
