"""Plays one scenario on its rig and gives the trace, whatever kind of rig that is."""

from __future__ import annotations

import time
from pathlib import Path

from edge_runtime.errors import UserError
from hil.bench import Bench
from hil.faults.model import Fault
from hil.rigs.registry import make_rig
from hil.scenario import Scenario
from hil.trace import Trace


class Pace:
    """Real time for a rig that lives in it: waits until so many ns after its first call."""

    def __init__(self) -> None:
        self._begun_ns = 0

    def __call__(self, elapsed_ns: int) -> None:
        """Wait; at once where that time has passed."""
        now_ns = time.monotonic_ns()
        self._begun_ns = self._begun_ns or now_ns - elapsed_ns
        if (ahead_ns := self._begun_ns + elapsed_ns - now_ns) > 0:
            time.sleep(ahead_ns * 1e-9)


def play(scenario: Scenario, file: Path | None = None) -> Trace:
    """Open the rig, run, close it. `file`: the scenario's, which a box reads for itself.

    Raises UserError or BridgeError with one line where something is missing.
    """
    if scenario.rig == "firmware" and scenario.firmware == "box":
        from hil.loop_scenario import play_in_box

        if file is None:
            raise UserError("a scenario in a box needs its file")
        return play_in_box(scenario, file)
    rig = make_rig(scenario.rig)
    try:
        rig.open(scenario)
        for event in scenario.event:
            rig.inject(Fault(f"rig.{event.kind}", event.at_s, event.for_s, {"size": event.size}, scenario.seed))
        return Bench(scenario, rig, Pace()).run() if scenario.rig == "phantom-serial" else Bench(scenario, rig).run()
    finally:
        rig.close()
