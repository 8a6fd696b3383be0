"""`accept`: is this device fit to run the torque loop? The real loop and its mailbox under load, after libfranka's
communication test; the answer goes into the envelope file that arming on hardware reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge_runtime.benchmarks import our_loop
from edge_runtime.benchmarks.load import Load, loaded
from edge_runtime.benchmarks.loop import Progress, mailbox_block
from edge_runtime.benchmarks.slices import Slot, rate_error
from edge_runtime.config import Device
from edge_runtime.envelope import Envelope, Facts, Verdict, facts_here, judge
from edge_runtime.processes import torque_loop
from edge_runtime.rt import rights
from edge_runtime.rt.forked import in_process
from edge_runtime.stats import host_block, jsonable, quantiles

ALL_LOADS: Final = tuple(Load)
_SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What was found: the envelope, what speaks against PASS, and everything as one JSON object."""

    envelope: Envelope
    against: list[str]
    document: dict[str, Any]


def accept(device: Device, minutes: float, reads: int, folder: Path, progress: Progress) -> Acceptance:
    """Measure for `minutes` under every load (disk: in `folder`), then torture the mailbox, which wants both cores."""
    slot = Slot(device.loop_core, device.loop_priority)
    missing, _ = in_process(rights.claim, slot.core, slot.priority)
    with loaded(ALL_LOADS, folder) as said:
        progress("torque loop under load", 0.0)
        found = our_loop.run(
            slot, minutes * 60.0, torque_loop, lambda part: progress("torque loop under load", 0.9 * part)
        )
    mailbox = mailbox_block(reads, _SEED, lambda what, part: progress(what, 0.9 + 0.1 * part))
    figures = {
        "wake_us": quantiles(found.late_us),
        "missed": found.missed,
        "compute_us": quantiles(found.compute_us),
        "rate_error": rate_error([found]),
        "mailbox": mailbox,
        "mailbox_sound": mailbox_sound(mailbox),
        "rights_missing": missing.words(),
        "load": said,
    }
    return conclude(figures, minutes, facts_here(device))


def mailbox_sound(mailbox: dict[str, Any]) -> bool:
    """Never torn, backwards or starved, and the test itself can tell."""
    faults = mailbox["torn"] + mailbox["backwards"] + mailbox["readers_starved"]
    return bool(faults == 0 and mailbox["reads"] > 0 and mailbox["fresh"] > 1 and mailbox["broken_caught"])


def conclude(figures: dict[str, Any], minutes: float, facts: Facts) -> Acceptance:
    """Verdict, envelope and JSON of these figures."""
    verdict, against = judge(figures)
    host = host_block()
    envelope = Envelope(verdict, minutes, str(host["date"]), facts, figures)
    document = jsonable({"verdict": verdict.value, "against": against, "minutes": minutes, **figures} | host)
    assert isinstance(document, dict)
    return Acceptance(envelope, against, document)


def exit_status(verdict: Verdict) -> int:
    """0 for PASS alone: nothing else admits torque on hardware."""
    return 0 if verdict is Verdict.PASS else 1
