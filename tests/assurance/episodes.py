"""The acts of the traffic in their order, and tapes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.assurance.acts_host import (
    backwards,
    broken,
    disarm,
    early,
    outliving,
    receive,
    returning,
    silence,
    stale,
    states_of_host,
    telling,
    untold,
    waiting,
)
from tests.assurance.acts_setpoints import (
    age,
    change,
    dropping,
    form,
    landing,
    lapse,
    lease,
    peak,
    playing,
    queue,
    stamps,
    window,
)
from tests.assurance.acts_world import against, heat, knees, limp, ramping, returning_fast, stops
from tests.assurance.rule_cases import record_rules
from tests.assurance.tape import Recorder
from tests.assurance.traffic import Traffic

ACTS: Final[tuple[Callable[[Traffic], None], ...]] = (
    change,
    change,
    window,
    age,
    form,
    lease,
    stamps,
    queue,
    knees,
    knees,
    broken,
    silence,
    disarm,
    early,
    backwards,
    against,
    playing,
    playing,
    stale,
    landing,
    peak,
    stops,
    stops,
    dropping,
    lapse,
    outliving,
    returning_fast,
    ramping,
    limp,
    waiting,
    untold,
    returning,
    states_of_host,
    telling,
)
HEAT_EVERY: Final = 500  # it takes six seconds of torque


def record(seed: int, episodes: int) -> bytes:
    """A tape of so many episodes, the acts in turn."""
    recorder = Recorder()
    traffic = Traffic(recorder, seed)
    traffic.acts = ACTS
    record_rules(recorder, traffic.rng)
    for number in range(episodes):
        if number % 10 == 0:
            receive(recorder, traffic.rng)
        rare = number % HEAT_EVERY == HEAT_EVERY - 1
        traffic.episode(heat if rare else ACTS[number % len(ACTS)])
    return bytes(recorder.out)
