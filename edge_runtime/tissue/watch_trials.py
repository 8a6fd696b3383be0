"""Trials of the watch in simulated walking, finite elements on both sides: what it finds, and when."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final, NamedTuple

from edge_runtime.errors import UserError
from edge_runtime.tissue.full_pace import STEPS
from edge_runtime.tissue.geometry import Phantom, phantom_for
from edge_runtime.tissue.observer import LegObserver
from edge_runtime.tissue.observer_trial import FRAME_S, FullPlant, Walk, found, measure, observe, slid

SLIP_STRIDE: Final = 11
_WALK: Final = Walk(strides=10)
_LONG: Final = Walk(strides=16)
_PLANT_STEPS: Final = 2 * STEPS
"""The true leg in steps half as long as the observer's."""


class Trial(NamedTuple):
    """A leg `plant` walks; from stride `SLIP_STRIDE` on it is `slipped`, or a cuff has turned by `turned_rad`.

    `expected` is the cause that the watch should name, "" for none.
    """

    name: str
    walk: Walk
    plant: Phantom
    expected: str
    slipped: Phantom | None = None
    turned_rad: float = 0.0

    @property
    def slip_frame(self) -> int:
        """First frame after the slip, 0 where nothing slips."""
        slips = self.slipped is not None or self.turned_rad != 0.0
        return round(SLIP_STRIDE * self.walk.stride_s / FRAME_S) if slips else 0


def trials(leg: Phantom) -> list[Trial]:
    """The trials against a model of `leg`, the most telling first."""

    def tissue(share: float) -> Phantom:
        return replace(leg, material=replace(leg.material, young_pa=share * leg.material.young_pa))

    short = {name: replace(getattr(leg, name), length_m=0.06) for name in ("thigh_cuff", "shank_cuff")}
    return [
        Trial("tissue x 1", _WALK, tissue(1.0), ""),
        Trial("tissue x 2.5", _WALK, tissue(2.5), "tissue_stiffness"),
        Trial("slips forward by 25 mm", _LONG, leg, "tissue_slip", slid(leg, 0.0, 0.025)),
        Trial("tissue x 0.5", _WALK, tissue(0.5), "tissue_stiffness"),
        Trial("a cuff turns by 8 deg", _LONG, leg, "tissue_slip", None, math.radians(8.0)),
        Trial("tissue x 0.8", _WALK, tissue(0.8), ""),
        Trial("tissue x 1.2", _WALK, tissue(1.2), ""),
        Trial("cuffs of 6 cm, not 12", _WALK, replace(leg, **short), "tissue_stiffness"),
        Trial("slips down by 30 mm", _LONG, leg, "", slid(leg, 0.03)),
    ]


def run_trials(
    names: Iterable[str], limit_s: float, now_s: Callable[[], float], say: Callable[[str], None]
) -> dict[str, Any]:
    """`trials`: a row each; `left_out`: what `limit_s` was too short for, by `now_s`. All where `names` is empty.

    Raises UserError for a name that is none.
    """
    leg, began_s = phantom_for(1.75, 75.0), now_s()
    observer = LegObserver(leg, None, FRAME_S)
    rows: list[dict[str, Any]] = []
    left_out: list[str] = []
    for trial in _chosen(trials(leg), list(names)):
        if now_s() - began_s >= limit_s:
            left_out.append(trial.name)
            continue
        say(f"{now_s() - began_s:4.0f} s: {trial.name}")
        rows.append(run_trial(observer, trial))
    return {"trials": rows, "left_out": left_out}


def run_trial(observer: LegObserver, trial: Trial) -> dict[str, Any]:
    """What the watch says; times are of simulated walking, after the slip or from the start, None where never."""
    other = FullPlant(trial.slipped, _PLANT_STEPS) if trial.slipped is not None else None
    plant = FullPlant(trial.plant, _PLANT_STEPS)
    stream = measure(trial.walk, plant, other, trial.slip_frame, trial.turned_rad)
    observer.restart()
    seen = observe(observer, stream)
    result = found([one.judgement for one in seen])
    times = {
        f"{name}_doubt_s": (frame - trial.slip_frame) * FRAME_S if frame >= 0 else None
        for name, frame in (("first", result.first), ("full", result.full))
    }
    return {
        "leg": trial.name, "expected": trial.expected, "cause": result.cause, "as_expected": _right(trial, result),
        **times, "gain": result.last.gain, "slip_deg": math.degrees(result.last.slip_rad),
        "min_det_f": min(one.min_det_f for one in seen),
    }  # fmt: skip


def _right(trial: Trial, result: Any) -> bool:
    """The cause named is the one expected, and not before the slip."""
    return bool(result.cause == trial.expected and (result.first < 0 or result.first >= trial.slip_frame))


def _chosen(all_trials: list[Trial], names: list[str]) -> Iterator[Trial]:
    known = [trial.name for trial in all_trials]
    for name in names:
        if name not in known:
            raise UserError(f"tissue watch: no trial {name!r}; there are {', '.join(known)}")
    yield from (trial for trial in all_trials if not names or trial.name in names)
