"""The envelope: what `exo-edge accept` found out about a device, and whether it admits torque on hardware there.

Written once per device by an integrator; read before arming. A run on hardware needs a PASS that was measured on this
machine, with this kernel, this version and these cores and priorities, for as long as the acceptance asks.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

from edge_runtime import __version__
from edge_runtime.config import Device
from edge_runtime.errors import UserError
from edge_runtime.stats import host_block, to_json
from engines.cache import write_atomic

SCHEMA: Final = 1
MINUTES: Final = 10.0  # a shorter acceptance is a rehearsal and admits nothing
P99_9_US: Final = 100.0
MAX_US: Final = 250.0
MARGIN: Final = 2.0  # so many times the figures, and no deadline missed, is MARGINAL
_TIMING_KEYS: Final = ("loop_core", "loop_priority", "estimator_core", "estimator_priority")
REASONS: Final = ("envelope_missing", "envelope_failed", "envelope_foreign")
"""Why torque on hardware may be refused; each has a page docs/reasons/<reason>.md."""
_ADVICE: Final = "run exo-edge accept on this device"


class Verdict(Enum):
    """Of an acceptance; only PASS admits torque on hardware."""

    PASS = "PASS"
    MARGINAL = "MARGINAL"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Facts:
    """What must be the same when it is read as when it was measured."""

    cpu: str
    cores: int
    kernel: str
    version: str
    config: str  # hash over the device file's cores and priorities


@dataclass(frozen=True, slots=True)
class Envelope:
    """What was measured, where, and what follows."""

    verdict: Verdict
    minutes: float
    date: str
    facts: Facts
    figures: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why torque on hardware is refused: one of REASONS, and a line that says what to do."""

    reason: str
    text: str


def envelope_path() -> Path:
    """`$STATE_DIRECTORY` (systemd), else `$XDG_STATE_HOME/exo-edge`, else `~/.local/state/exo-edge`; envelope.json."""
    service = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if service:
        return Path(service) / "envelope.json"
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "exo-edge" / "envelope.json"


def facts_here(device: Device) -> Facts:
    """Facts of this machine, with this device file."""
    host = host_block()["host"]
    assert isinstance(host, dict)
    kernel = f"{platform.release()} {platform.version()}"  # the version tells PREEMPT_RT from PREEMPT
    return Facts(str(host["cpu"]), os.cpu_count() or 0, kernel, __version__, config_hash(device))


def config_hash(device: Device) -> str:
    """Hash over what in the device file decides how the loop is scheduled."""
    content = {key: getattr(device, key) for key in _TIMING_KEYS}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def judge(figures: Mapping[str, Any]) -> tuple[Verdict, list[str]]:
    """Verdict and what speaks against PASS; `figures` has `wake_us`, `missed`, `mailbox_sound`, `rights_missing`."""
    wake, missed = figures["wake_us"], figures["missed"]
    against = [f"the loop has not {figures['rights_missing']}"] if figures["rights_missing"] else []
    if not figures["mailbox_sound"]:
        against.append("the mailbox gave a torn, stale or no value, or its test caught nothing")
    if missed:
        against.append(f"{missed} periods missed, none allowed")
    worst = max(wake["p99_9"] / P99_9_US, wake["max"] / MAX_US)
    if against or worst > MARGIN:
        verdict = Verdict.FAIL
    else:
        verdict = Verdict.PASS if worst <= 1.0 else Verdict.MARGINAL
    for key, name, limit in (("p99_9", "99.9 % of wake-ups", P99_9_US), ("max", "latest wake-up", MAX_US)):
        if wake[key] > limit:
            against.append(f"{name} at {wake[key]:.0f} us, {limit:.0f} us allowed")
    return verdict, against


def write_envelope(path: Path, envelope: Envelope) -> None:
    """Write it whole or not at all. Raises UserError where it cannot be written."""
    content = {"schema": SCHEMA, **asdict(envelope), "verdict": envelope.verdict.value}
    try:
        write_atomic(path, (to_json(content) + "\n").encode())
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror}); set XDG_STATE_HOME to a folder of yours"
        ) from None


def read_envelope(path: Path) -> Envelope | None:
    """The envelope, None where there is none. Raises UserError with one line where the file is damaged."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["schema"] != SCHEMA:
            raise UserError(f"{path}: schema {raw['schema']!r}, this program reads {SCHEMA}; {_ADVICE}")
        facts = Facts(**raw["facts"])
        return Envelope(Verdict(raw["verdict"]), float(raw["minutes"]), str(raw["date"]), facts, dict(raw["figures"]))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); {_ADVICE}") from None
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path}: not an envelope ({type(error).__name__}: {error}); {_ADVICE}") from None


def check_envelope(envelope: Envelope | None, facts: Facts) -> Refusal | None:
    """Why this envelope does not admit torque on hardware here, None where it does."""
    if envelope is None:
        return Refusal("envelope_missing", f"timing of this device was never accepted; {_ADVICE}")
    now = asdict(facts)
    then = asdict(envelope.facts)
    if differing := [f"{key} was {then[key]!r}, is {now[key]!r}" for key in now if then[key] != now[key]]:
        return Refusal("envelope_foreign", f"accepted elsewhere or under other conditions: {differing[0]}; {_ADVICE}")
    if envelope.verdict is not Verdict.PASS:
        return Refusal("envelope_failed", f"acceptance of {envelope.date} ended in {envelope.verdict.value}; {_ADVICE}")
    if envelope.minutes < MINUTES:
        text = f"acceptance of {envelope.date} ran {envelope.minutes:g} min, {MINUTES:g} are needed; {_ADVICE}"
        return Refusal("envelope_failed", text)
    return None


def hardware_refusal(device: Device) -> Refusal | None:
    """The same for this machine and its own envelope file; a damaged file refuses too."""
    try:
        envelope = read_envelope(envelope_path())
    except UserError as error:
        return Refusal("envelope_failed", str(error))
    return check_envelope(envelope, facts_here(device))
