"""Whether the engines of this device may be trusted with torque: their certificates, each by name, and what to do."""

from __future__ import annotations

from datetime import UTC, datetime

from edge_runtime.config import Device, load_device
from edge_runtime.envelope import Refusal, hardware_refusal
from engines.backends.registry import BACKENDS
from engines.certificate import ADVICE, Distrust, judge, plan_intact, read_certificate
from engines.errors import EngineError
from engines.plans import Candidate, chosen, live_engines, onnx_sha256, plans_dir
from engines.pose.slot import ENGINES


def distrusted(device: Device, now: datetime) -> list[Distrust]:
    """Why engines of this device are not trusted, one per engine at most; empty where all certificates hold. Builds
    nothing."""
    live = live_engines(ENGINES.get(device.pose_engine, ""))
    return [found for engine in live if (found := distrust_of(engine, device.certificate_days, now))]


def distrusted_now(engines: tuple[str, ...]) -> list[Distrust]:
    """The same of these engines now, for as long as the shipped device file says."""
    days, now = load_device().certificate_days, datetime.now(UTC)
    return [found for engine in engines if (found := distrust_of(engine, days, now))]


def distrust_of(engine: str, days: float, now: datetime) -> Distrust | None:
    """The same of one engine."""
    try:
        network = onnx_sha256(engine)
    except EngineError as error:
        return Distrust(engine, "certificate_missing", str(error))
    if damaged := _damaged(engine):
        return Distrust(engine, "certificate_failed", f"engine {engine}: {damaged}")
    found = chosen(engine)
    if found is None:
        return Distrust(engine, "certificate_missing", f"engine {engine}: never certified on this device; {ADVICE}")
    folder, certificate = found
    one = BACKENDS.get(certificate.backend)
    if one is None or (problem := one.why_not()):
        why = problem if one else "is unknown"
        text = (
            f"engine {engine}: certified on {certificate.backend}, which this device does not offer ({why}); {ADVICE}"
        )
        return Distrust(engine, "certificate_foreign", text)
    candidate = Candidate(engine, one, certificate.precision)
    unfit = judge(certificate, network, one.version(), candidate.device, now, days)
    return unfit or plan_intact(certificate, folder)


def refusals(device: Device) -> list[Refusal]:
    """All that keeps torque from hardware on this machine, with this device file: timing and engines."""
    timing = hardware_refusal(device)
    engines = [Refusal(d.reason, d.text) for d in distrusted(device, datetime.now(UTC))]
    if device.pose_engine not in ENGINES:
        text = f"pose engine {device.pose_engine} has no terms to be held to; choose {', '.join(ENGINES)}"
        engines.append(Refusal("certificate_missing", text))
    return ([timing] if timing else []) + engines


def doubts(device: Device) -> Refusal | None:
    """The same about the engines in one, for a simulation, which may run all the same; None where they are trusted."""
    found = distrusted(device, datetime.now(UTC))
    if len(found) < 2:
        return Refusal(found[0].reason, found[0].text) if found else None
    names = ", ".join(d.engine for d in found)
    return Refusal(found[0].reason, f"{len(found)} engines are not trusted ({names}); first {found[0].text}")


def _damaged(engine: str) -> str:
    """What is wrong with a certificate file of this engine, "" where all can be read."""
    for folder in sorted((plans_dir() / engine).glob("*")):
        try:
            read_certificate(folder)
        except EngineError as error:
            return str(error)
    return ""
