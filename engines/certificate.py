"""The certificate beside a plan: what was proved of it, where and when; and whether arming may trust it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from engines.cache import sha256_hex, write_atomic
from engines.device import DeviceFacts
from engines.errors import EngineError

SCHEMA: Final = 1
FILE: Final = "certificate.json"
PLAN: Final = "plan"
REASONS: Final = ("certificate_missing", "certificate_expired", "certificate_foreign", "certificate_failed")
"""Why an engine is not trusted; each has a page docs/reasons/<reason>.md."""

ADVICE: Final = "run exo-edge engines build on this device"


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was proved of one plan.

    `onnx_sha256` is the network's, before any change of precision; `golden`, `accuracy`, `latency_ms` (alone) and
    `in_situ_ms` (with all engines at work) are as `exo-edge engines bench` prints them; `table` has a row per
    candidate, `chosen` names the best, "backend precision". `problem` is "" where everything holds.
    """

    engine: str
    backend: str
    backend_version: str
    precision: str
    onnx_sha256: str
    plan_sha256: str
    device: DeviceFacts
    date: str  # ISO 8601 with its zone
    golden: Mapping[str, Any]
    accuracy: Mapping[str, Any]
    latency_ms: Mapping[str, Any]
    first_after_idle_ms: float | None
    budget_ms: float
    in_situ_ms: Mapping[str, Any] | None = None
    chosen: str = ""
    table: tuple[Mapping[str, Any], ...] = ()
    problem: str = ""

    @property
    def candidate(self) -> str:
        """What the table calls this plan."""
        return f"{self.backend} {self.precision}"


@dataclass(frozen=True, slots=True)
class Distrust:
    """Why an engine is not trusted: one of REASONS, and a line that says what to do."""

    engine: str
    reason: str
    text: str


def write_certificate(folder: Path, certificate: Certificate) -> None:
    """Write it beside the plan, whole or not at all; raises OSError."""
    body = asdict(certificate)
    content = {"schema": SCHEMA, "certificate": body, "sha256": _digest(body)}
    write_atomic(folder / FILE, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def read_certificate(folder: Path) -> Certificate | None:
    """The certificate in `folder`, None where there is none. EngineError: damaged, or changed since it was written."""
    path = folder / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        body = content["certificate"]
        if content["schema"] != SCHEMA or content["sha256"] != _digest(body):
            raise EngineError(f"{path}: changed since it was written, or of another version; {ADVICE}")
        body["device"] = DeviceFacts(**body["device"])
        body["table"] = tuple(body["table"])
        return Certificate(**body)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EngineError(f"{path}: cannot be read ({error.strerror}); {ADVICE}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise EngineError(f"{path}: no certificate ({type(error).__name__}: {error}); {ADVICE}") from None


def judge(
    certificate: Certificate, onnx_sha256: str, version: str, device: DeviceFacts, now: datetime, days: float
) -> Distrust | None:
    """Why this certificate says nothing about this network on this device now; None where it does.

    `version` is that of the backend here. The plan itself is looked at by `plan_intact`.
    """
    engine = certificate.engine

    def distrust(reason: str, text: str) -> Distrust:
        return Distrust(engine, reason, f"engine {engine}: {text}; {ADVICE}")

    here, there = asdict(device), asdict(certificate.device)
    if differing := [f"{key} was {there[key]!r}, is {here[key]!r}" for key in here if there[key] != here[key]]:
        return distrust("certificate_foreign", f"certified on another device: {differing[0]}")
    if certificate.onnx_sha256 != onnx_sha256:
        return distrust("certificate_foreign", "certified for other weights than those of this version")
    if certificate.backend_version != version:
        return distrust("certificate_foreign", f"certified with {certificate.backend_version}, here is {version}")
    try:
        age = now - datetime.fromisoformat(certificate.date)
    except (ValueError, TypeError):
        return distrust("certificate_failed", f"its date {certificate.date!r} is none")
    if age > timedelta(days=days) or age < timedelta(days=-1):
        return distrust("certificate_expired", f"certified on {certificate.date[:10]}, valid for {days:g} days")
    if certificate.problem:
        return distrust("certificate_failed", certificate.problem)
    return None


def plan_intact(certificate: Certificate, folder: Path) -> Distrust | None:
    """None where the plan in `folder` is the one that was certified."""
    path = folder / PLAN
    if path.is_file() and sha256_hex(path) == certificate.plan_sha256:
        return None
    what = "is not the one certified" if path.is_file() else "is missing"
    text = f"engine {certificate.engine}: plan {path} {what}; {ADVICE}"
    return Distrust(certificate.engine, "certificate_failed", text)


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
