"""A shipped scenario that suffers random faults: what storms draw beside episodes, play, make smaller and keep.

Its file is a scenario's own, so that `exo-edge hil run` plays it too.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge_runtime.errors import UserError
from firmware_bridge.errors import BridgeError
from hil.faults.model import Fault
from hil.faults.trace import Event, Trace
from hil.play import play
from hil.scenario import FOLDER, SCHEMA, load_scenario, shipped

_OWN: Final = ("title", "seconds", "fault", "measure", "expect", "tags")
LONGEST_S: Final = 12.0
"""Of longer scenarios the beginning is played."""


@dataclass(frozen=True, slots=True)
class ScenarioCase:
    """`seconds` of the shipped scenario `base`, with these faults instead of its own."""

    base: str
    seconds: float
    faults: tuple[Fault, ...] = ()


@lru_cache(maxsize=1)
def bases() -> tuple[tuple[str, float], ...]:
    """Name and length of each scenario that storms take: all but those with pictures, finite elements, a box or a
    cable, which are too slow for many, and those that end in SAFE by themselves or let the firmware die."""
    found = []
    for path in shipped():
        scenario = load_scenario(path)
        slow = "slow" in scenario.tags or scenario.firmware == "box" or scenario.rig == "phantom-serial"
        if not (slow or scenario.expect.safe or scenario.faults):
            found.append((path.stem, min(scenario.seconds, LONGEST_S)))
    return tuple(found)


def write_scenario_case(case: ScenarioCase, path: Path, remarks: tuple[str, ...] = ()) -> None:
    """Write the scenario's file; `remarks` go to its head."""
    raw = tomllib.loads((FOLDER / f"{case.base}.toml").read_text(encoding="utf-8"))
    kept = {key: value for key, value in raw.items() if key not in _OWN and key != "schema"}
    kept["event"] = [event for event in kept.get("event", ()) if event["at_s"] < case.seconds]
    kept["from_s"] = min(float(kept.get("from_s", 1.2)), 0.5 * case.seconds)
    head = {"schema": SCHEMA, "title": f"{case.base} under random faults", "tags": [case.base], "seconds": case.seconds}
    tables = {"fault": [fault.table() for fault in case.faults]}
    lines = [f"# {remark}" for remark in remarks] + _lines(head | kept | tables)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _lines(document: Mapping[str, Any]) -> list[str]:
    """TOML of a document of plain values, tables of them, and lists of such tables."""
    tables = {key: value for key, value in document.items() if isinstance(value, dict)}
    lists = {k: v for k, v in document.items() if isinstance(v, list) and all(isinstance(item, dict) for item in v)}
    lines = [f"{k} = {_value(v)}" for k, v in document.items() if k not in tables and k not in lists]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{key} = {_value(value)}" for key, value in table.items())]
    for name, items in lists.items():
        for item in items:
            lines += ["", f"[[{name}]]", *(f"{key} = {_value(value)}" for key, value in item.items())]
    return lines


def _value(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value)


def read_scenario_case(path: Path) -> ScenarioCase:
    """Read the file again. UserError, one line, where it is not one that a storm wrote."""
    scenario = load_scenario(path)
    if len(scenario.tags) != 1 or not (FOLDER / f"{scenario.tags[0]}.toml").is_file():
        raise UserError(f"{path}: not written by a storm (`tags` names its scenario); play it with exo-edge hil run")
    return ScenarioCase(scenario.tags[0], scenario.seconds, scenario.faults)


def play_scenario_case(case: ScenarioCase, folder: Path) -> Trace:
    """Play it by way of its own file in `folder`; without the tail, in which torque runs down."""
    file = folder / f"{case.base}.toml"
    write_scenario_case(case, file)
    try:
        played = play(load_scenario(file), file)
    except BridgeError as error:
        return _nothing(str(error))
    on = played.t_s < case.seconds
    rows = played.rows[on]
    cycled = np.isfinite(rows[:, 0])
    return Trace(
        applied=played.applied[on],
        applied_s=played.t_s[on],
        rows=rows[cycled],
        rows_s=played.t_s[on][cycled],
        events=tuple(Event(e.t_s, e.level, e.code, e.text) for e in played.events if 0.0 <= e.t_s < case.seconds),
        hang=f"host and governor do not arm: {played.problem}" if played.problem else "",
    )


def _nothing(hang: str) -> Trace:
    from edge_runtime.telemetry import CYCLE_FIELDS
    from firmware_bridge.simulator.process import TRUTH_DTYPE

    none = np.zeros(0)
    return Trace(np.zeros(0, TRUTH_DTYPE), none, np.zeros((0, len(CYCLE_FIELDS))), none, (), hang)
