"""Plays one scenario on its rig and gives the trace, whatever kind of rig that is."""

from __future__ import annotations

from hil.bench import Bench
from hil.faults.model import Fault
from hil.rigs.registry import make_rig
from hil.scenario import Scenario
from hil.trace import Trace


def play(scenario: Scenario) -> Trace:
    """Open the rig, run, close it. Raises UserError or BridgeError with one line where something is missing."""
    rig = make_rig(scenario.rig)
    try:
        rig.open(scenario)
        for event in scenario.event:
            rig.inject(Fault(f"rig.{event.kind}", event.at_s, event.for_s, {"size": event.size}, scenario.seed))
        return Bench(scenario, rig).run()
    finally:
        rig.close()
