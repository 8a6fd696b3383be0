"""Draws random episodes: wearers, wishes for torque, plants and faults, all from one seed."""

from __future__ import annotations

from typing import Final

import numpy as np

from hil.faults.episode import RANGES, Episode, Motion, Plant
from hil.faults.judge import RECOVERY_S
from hil.faults.kind import Choice, Number, Seam
from hil.faults.kinds import KINDS
from hil.faults.model import Fault, make_fault
from hil.faults.scenario_case import ScenarioCase, bases

_FAULTS_MAX: Final = 5
_FIRST_S: Final = 0.3
_FAULTY_S: Final = 16.0  # faults begin within this time
_LONGEST_S: Final = 4.0
_SHORTEST_S: Final = 0.001
_DEFAULT_SHARE: Final = 0.4  # of the numbers are drawn as the table has them
_FATAL: Final = ("process_kill", "process_oom")  # drawn last in an episode: nothing comes after them
_LOOP_KINDS: Final = tuple(name for name, kind in KINDS.items() if Seam.LOOP in kind.seams)
_GENTLE: Final = {"torque_nm": (0.0, 30.0), "constant_nm": (-12.0, 12.0)}  # above, the limits act all the time
_SCENARIO_FAULTS_MAX: Final = 3
_SCENARIO_EVERY: Final = 3  # case of a storm is a shipped scenario
_SCENARIO_END_S: Final = 0.5  # faults of a scenario begin so long before its end, or earlier
EPISODE_S: Final = _FAULTY_S + _LONGEST_S + RECOVERY_S
"""How long each takes, virtual."""
Case = Episode | ScenarioCase
"""What a storm plays."""


def draw_case(seed: int, number: int) -> Case:
    """Case `number` of the storm with this seed: an episode, or a shipped scenario with faults."""
    draw = draw_scenario if number % _SCENARIO_EVERY == _SCENARIO_EVERY - 1 else draw_episode
    return draw(seed, number)


def draw_scenario(seed: int, number: int) -> ScenarioCase:
    """One of the shipped scenarios, with faults that the same two numbers always give."""
    rng = np.random.default_rng([seed, number])
    name, seconds = bases()[int(rng.integers(len(bases())))]
    count = int(rng.integers(1, _SCENARIO_FAULTS_MAX, endpoint=True))
    faults = [_draw_fault(rng, seconds - _SCENARIO_END_S) for _ in range(count)]
    return ScenarioCase(name, seconds, _in_order(faults))


def draw_episode(seed: int, number: int) -> Episode:
    """Episode `number` of the storm with this seed; the same two numbers give the same one."""
    rng = np.random.default_rng([seed, number])
    count = int(rng.integers(1, _FAULTS_MAX, endpoint=True))
    faults = [_draw_fault(rng) for _ in range(count)]
    return Episode(
        seconds=EPISODE_S,
        motion=Motion(**{name: _uniform(rng, _GENTLE.get(name, span)) for name, span in RANGES["motion"].items()}),
        plant=Plant(**{name: _uniform(rng, span) for name, span in RANGES["plant"].items()}),
        faults=_in_order(faults),
    )


def _in_order(faults: list[Fault]) -> tuple[Fault, ...]:
    """By their begin; of those that nothing comes after, one, at the end."""
    faults = sorted(faults, key=lambda fault: fault.start_s)
    living = [f for f in faults if f.kind not in _FATAL]
    fatal = [f for f in faults if f.kind in _FATAL][-1:]
    last_s = max((f.start_s for f in living), default=0.0)
    return (*living, *(_moved(fault, max(fault.start_s, last_s)) for fault in fatal))


def _draw_fault(rng: np.random.Generator, last_s: float = _FAULTY_S) -> Fault:
    kind = str(rng.choice(_LOOP_KINDS))
    given = {name: _draw_value(rng, about) for name, about in KINDS[kind].parameters.items()}
    if kind == "process_kill" and given["target"] == "firmware":
        given["target"] = "loop"  # in lock-step the firmware is the clock
    start_s = round(_uniform(rng, (_FIRST_S, last_s)), 3)
    duration_s = round(float(np.exp(_uniform(rng, (np.log(_SHORTEST_S), np.log(_LONGEST_S))))), 3)
    return make_fault(kind, start_s, duration_s, seed=int(rng.integers(2**31)), **given)


def _draw_value(rng: np.random.Generator, about: Number | Choice) -> float | str:
    if isinstance(about, Choice):
        return str(rng.choice(about.options))
    return about.default if rng.random() < _DEFAULT_SHARE else _uniform(rng, (about.low, about.high))


def _moved(fault: Fault, start_s: float) -> Fault:
    return Fault(fault.kind, start_s, fault.duration_s, fault.parameters, fault.seed)


def _uniform(rng: np.random.Generator, span: tuple[float, float]) -> float:
    return float(rng.uniform(*span))
