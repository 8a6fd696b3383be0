"""`exo-edge check`: whether this device may carry torque: tables, files, bus load, and how the interface is set up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from calibration.profile import Profile, ProfileError, load_profile
from edge_runtime.certify.gate import distrusted
from edge_runtime.config import Device, load_device
from edge_runtime.doctor import Finding
from edge_runtime.errors import UserError
from edge_runtime.plan import is_simulated
from engines.plans import chosen, live_engines
from engines.pose.slot import ENGINES
from firmware_bridge import bus_load
from firmware_bridge.actuators.config import load_drives
from firmware_bridge.actuators.load import bus_load as drives_load
from firmware_bridge.actuators.load import check_load
from firmware_bridge.bus import CanSocket, Kind, open_bus, rates_of, torque_problem
from firmware_bridge.bus_load import Baud, BusLoad, Rates
from firmware_bridge.buses.link import Link
from firmware_bridge.buses.socketcan import RECEIVE_BUFFER
from firmware_bridge.errors import BridgeError
from firmware_bridge.schema import Table
from firmware_bridge.serial_link import SerialBus

TXQUEUELEN: Final = 1000  # frames; the kernel's 10 are less than what goes out during one restart
RESTART_MS: Final = 100  # as long as a silent governor is borne, firmware_bridge/limits.toml governor_silent_ms
_MTTCAN: Final = "mttcan"  # the controller of a Jetson


@dataclass(frozen=True, slots=True)
class Question:
    """What to check: files, and for the load another number of joints or rate than the table's (None: the table's).

    `drives` is the file of third-party drives where there are any.
    """

    device: Path
    profile: Path
    joints: int | None = None
    rate_hz: float | None = None
    drives: Path | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Findings in order, and the computed load; `fit` False where one of them forbids torque."""

    findings: tuple[Finding, ...]
    load: BusLoad

    @property
    def fit(self) -> bool:
        """Whether nothing forbids torque."""
        return all(finding.status != "no" for finding in self.findings)


def check(question: Question, table: Table) -> Answer:
    """Look at everything; opens the bus for a moment and sends nothing."""
    findings = [
        Finding(
            "limits table",
            "ok",
            f"{table.path.name}: protocol {table.protocol_hash:08x}, limits {table.limits_hash:08x}",
        ),
        _file("profile", question.profile, lambda: f"{load_profile(question.profile).hash32:08x}"),
        _file("device file", question.device, lambda: load_device(question.device).bus),
    ]
    if findings[1].status == "ok" and (profile := load_profile(question.profile)).muscles.model:
        model = _file("muscle model", question.profile, lambda: _muscle_model(profile, question.profile))
        findings.insert(2, model)
    rates: Rates | Baud = Rates(table.protocol.bitrate)
    if findings[-1].status == "ok":
        found, rates = _bus(findings[-1].found, table)
        findings += [*found, *engine_findings(load_device(question.device))]
    joints = len(table.joints) if question.joints is None else question.joints
    load = bus_load.bus_load(bus_load.streams_of(table, question.joints, question.rate_hz), rates)
    findings += [_load(table, joints, load), _latency(load)]
    if question.drives is not None:
        findings.append(_drives(question.drives))
    return Answer(tuple(findings), load)


def engine_findings(device: Device) -> list[Finding]:
    """Each engine by name: trusted, or why not; in simulation a note."""
    found, doubted = [], {d.engine: d for d in distrusted(device, datetime.now(UTC))}
    status = "note" if is_simulated(device.bus) else "no"
    for engine in live_engines(ENGINES.get(device.pose_engine, "")):
        doubt = doubted.get(engine)
        if doubt is None:
            pair = chosen(engine)
            held = f"{pair[1].candidate}, certified {pair[1].date[:10]}" if pair else "certified"
            found.append(Finding(f"engine {engine}", "ok", held))
        else:
            found.append(Finding(f"engine {engine}", status, doubt.reason, doubt.text))
    return found


def _drives(path: Path) -> Finding:
    """The drives file, and what commands and replies load their bus by."""
    try:
        drives = load_drives(path)
        check_load(drives)
    except BridgeError as error:
        return Finding("drives", "no", str(path), str(error))
    load = drives_load(drives)
    what = f"{len(drives.joints)} {drives.kind.name.lower()} on {drives.bus}, a command every {drives.period_ms} ms"
    return Finding("drives", "ok", f"{what}: {load:.1%} of their bus; at most {bus_load.LOAD_MAX:.0%}")


def _file(what: str, path: Path, read: Callable[[], str]) -> Finding:
    try:
        return Finding(what, "ok", read())
    except (UserError, ProfileError, OSError) as error:
        return Finding(what, "no", str(path), str(error))


def _muscle_model(profile: Profile, path: Path) -> str:
    from edge_runtime.body import body_of

    return f"{profile.muscles.model}: {len(body_of(profile, path).muscle_names)} muscles"


def _bus(spec: str, table: Table) -> tuple[list[Finding], Rates | Baud]:
    """What is behind the device file's bus, and at which rates our frames would go."""
    rates = Rates(table.protocol.bitrate)
    if spec == "unix:":
        return [Finding("bus", "ok", "simulated firmware of each run; the load is what a real bus would carry")], rates
    try:
        bus = open_bus(spec)
    except BridgeError as error:
        return [Finding("bus", "no", spec, str(error))], rates
    with bus:
        found = f"{spec}: {'hardware' if bus.hardware else 'simulated'}"
        if isinstance(bus, SerialBus):
            return [Finding("bus", "ok", found)], Baud(bus.baud)
        if not isinstance(bus, CanSocket):
            problem = torque_problem(bus, table) if bus.kind is Kind.PYTHON_CAN else None
            return [Finding("bus", "no" if problem else "ok", found, problem or "")], rates
        link = bus.link
        findings = [Finding("bus", "ok", f"{found}, driver {link.driver or link.kind or 'unknown'}"), _buffer(bus)]
        return findings + ([] if link.virtual else interface_findings(link, table.protocol.bitrate)), rates_of(
            bus, table
        )


def _buffer(bus: CanSocket) -> Finding:
    short = bus.receive_buffer < RECEIVE_BUFFER
    advice = f"grant CAP_NET_ADMIN, or: sysctl net.core.rmem_max={RECEIVE_BUFFER}" if short else ""
    return Finding("receive buffer", "note" if short else "ok", f"{bus.receive_buffer // 1024} KiB", advice)


def interface_findings(link: Link, bitrate: int) -> list[Finding]:
    """How a real CAN interface is set up, against what the torque loop needs at `bitrate`; each with its command."""
    again = (
        f"ip link set {link.name} down; ip link set {link.name} up type can bitrate {bitrate} restart-ms {RESTART_MS}"
    )
    rate = "unknown" if link.bitrate is None else f"{link.bitrate} bit/s"
    restart = "unknown" if link.restart_ms is None else f"{link.restart_ms} ms"
    mode = "listen-only" if link.listen_only else "loopback" if link.loopback else "normal"
    return [
        _finding("bit rate", link.bitrate == bitrate, "no", rate, f"the firmware runs at {bitrate}: {again}"),
        _finding("controller", link.state == "ERROR-ACTIVE", _grade(link.state), str(link.state), _state_advice(link)),
        _finding(
            "mode", mode == "normal", "no", mode, f"it does not reach the wire: {again} listen-only off loopback off"
        ),
        _finding("restart-ms", bool(link.restart_ms), "note", restart, f"bus-off stays for ever; {again}"),
        _finding(
            "txqueuelen",
            link.txqueuelen >= TXQUEUELEN,
            "note",
            str(link.txqueuelen),
            f"ip link set {link.name} txqueuelen {TXQUEUELEN}",
        ),
        *([_jetson(link, bitrate)] if link.driver == _MTTCAN else []),
    ]


def _up(name: str, bitrate: int) -> str:
    return f"ip link set {name} up type can bitrate {bitrate} restart-ms {RESTART_MS}"


def _finding(what: str, well: bool, otherwise: str, found: str, advice: str) -> Finding:
    return Finding(what, "ok" if well else otherwise, found, "" if well else advice)


def _grade(state: str | None) -> str:
    return "no" if state in ("BUS-OFF", "STOPPED", "SLEEPING") else "note"


def _state_advice(link: Link) -> str:
    if link.state == "BUS-OFF":
        return f"too many errors: check wiring, termination, bit rate, then: ip link set {link.name} type can restart"
    if link.state in ("STOPPED", "SLEEPING"):
        return f"ip link set {link.name} up"
    return "errors on the wire: is another node on, are both ends terminated with 120 ohm, is the bit rate the same?"


def _jetson(link: Link, bitrate: int) -> Finding:
    """Pins of a Jetson's CAN may start as GPIO: NVIDIA Jetson Linux Developer Guide, Controller Area Network (CAN)."""
    advice = (
        f"as root after each boot: modprobe can_raw; modprobe mttcan; ip link set {link.name} down; "
        f"ip link set {link.name} txqueuelen {TXQUEUELEN}; {_up(link.name, bitrate)} berr-reporting on; "
        "where the wire stays silent set the pins to CAN, see docs/buses.md"
    )
    return Finding("Jetson", "note", "mttcan keeps no setting over a boot", advice)


def _load(table: Table, joints: int, load: BusLoad) -> Finding:
    found = f"{load.total:.1%} of {load.rates}, {joints} joints; at most {bus_load.LOAD_MAX:.0%}"
    problem = bus_load.overload_of(table, joints, load)
    return Finding("bus load", "no" if problem else "ok", found, problem or "")


def _latency(load: BusLoad) -> Finding:
    late = [s for s in load.streams if s.latency_ms is None or s.latency_ms * 1e6 > s.stream.period_ns]
    if late:
        names = ", ".join(f"{s.stream.name} {s.stream.joint}" for s in late)
        return Finding("latency", "no", f"may come later than its period: {names}", "lower the load, see above")
    worst = max(load.streams, key=lambda s: (s.latency_ms or 0.0) * 1e6 / s.stream.period_ns)
    found = (
        f"every frame within its period; tightest {worst.stream.name} {worst.stream.joint}: {worst.latency_ms:.2f} ms"
    )
    return Finding("latency", "ok", found)
