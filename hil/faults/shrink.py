"""Makes a failing case small: fewer faults, shorter, milder surroundings, as long as it still fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, TypeVar, cast

from hil.faults.episode import Episode, Motion, Plant
from hil.faults.kinds import KINDS
from hil.faults.model import Fault
from hil.faults.scenario_case import ScenarioCase

_TRIES_MAX: Final = 60
_SHORTEST_S: Final = 0.5
_TAIL_S: Final = 0.5

CaseT = TypeVar("CaseT", bound=Episode | ScenarioCase)


def shrink(case: CaseT, fails: Callable[[CaseT], bool]) -> CaseT:
    """The smallest one found for which `fails` is still true; `case` itself where nothing smaller is.

    Greedy: the first simpler one that fails is taken, and the search begins anew, for at most 60 tries.
    """
    tries = 0
    found = True
    while found and tries < _TRIES_MAX:
        found = False
        for simpler in _simpler(case):
            tries += 1
            if fails(simpler):
                case, found = simpler, True
                break
            if tries >= _TRIES_MAX:
                break
    return case


def _simpler(case: CaseT) -> Iterator[CaseT]:
    """Simpler ones, the boldest first."""
    faults = case.faults
    for i in range(len(faults)):
        yield replace(case, faults=faults[:i] + faults[i + 1 :])
    for shorter_s in (0.5 * case.seconds, 0.8 * case.seconds):
        kept = tuple(f for f in faults if f.start_s < shorter_s - _TAIL_S)
        if shorter_s >= _SHORTEST_S and len(kept) == len(faults):
            yield replace(case, seconds=round(shorter_s, 3))
    if isinstance(case, Episode):
        yield from (cast(CaseT, plainer) for plainer in _plainer(case))
    for i, fault in enumerate(faults):
        for simple in _simpler_faults(fault):
            yield replace(case, faults=(*faults[:i], simple, *faults[i + 1 :]))


def _plainer(episode: Episode) -> Iterator[Episode]:
    if episode.motion != Motion():
        yield replace(episode, motion=Motion())
    if episode.plant != Plant():
        yield replace(episode, plant=Plant())


def _simpler_faults(fault: Fault) -> Iterator[Fault]:
    defaults = {name: about.default for name, about in KINDS[fault.kind].parameters.items()}
    if dict(fault.parameters) != defaults:
        yield replace(fault, parameters=defaults)
    if fault.duration_s > 0.002:
        yield replace(fault, duration_s=round(0.5 * fault.duration_s, 3))
