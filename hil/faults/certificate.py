"""An engine whose certificate is as old as a fault says, judged by the product's own rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from edge_runtime.config import Device
from edge_runtime.envelope import Refusal
from engines.certificate import Certificate, judge
from engines.device import DeviceFacts
from hil.faults.model import Fault

KIND: Final = "engine_stale_certificate"
_NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)  # a run in lock-step knows no other day
_HERE: Final = DeviceFacts("bench", "bench", 1, "", "", "", "")
_SAME: Final = "bench"


def refusals(faults: Sequence[Fault], device: Device) -> list[Refusal]:
    """Why arming is refused on hardware under these faults; empty where every certificate is young enough."""
    found = []
    for fault in faults:
        if fault.kind == KIND:
            certified = _NOW - timedelta(days=fault.number("age"))
            certificate = Certificate(
                engine="pose_landmark", backend=_SAME, backend_version=_SAME, precision=_SAME, onnx_sha256=_SAME,
                plan_sha256=_SAME, device=_HERE, date=certified.isoformat(), golden={}, accuracy={}, latency_ms={},
                first_after_idle_ms=None, budget_ms=0.0,
            )  # fmt: skip
            distrust = judge(certificate, _SAME, _SAME, _HERE, _NOW, device.certificate_days)
            if distrust is not None:
                found.append(Refusal(distrust.reason, distrust.text))
    return found
