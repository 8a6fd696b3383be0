"""Part of `bench tissue`: compensation on legs that are not the model's own; all of it simulated.

The model is identified from the default phantom of an average leg. Each plant differs from it in what it is made of;
the model is told one number of it, how far the hinge gives way under 5 Nm at a straight knee.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from calibration.reduced_tissue import ReducedTissue
from edge_runtime.progress import progress
from edge_runtime.tissue.compensation import GAIN_LIMIT, inverse_params
from edge_runtime.tissue.foundation import FoundationLeg, Tissue
from edge_runtime.tissue.geometry import Cuff, Layer, Mesh, Phantom, phantom_for
from edge_runtime.tissue.identify import Plan, about, identify
from edge_runtime.tissue.one_spring import STIFF_BIAS
from edge_runtime.tissue.pack import packed
from edge_runtime.tissue.pose_store import PoseStore
from edge_runtime.tissue.trial import DT_S, FullLeg, Outcome, Plant, Task, fit_stiffness, walk
from edge_runtime.types import F64

_STRIDES_HZ: Final = 0.9
_STRIDE: Final = round(1.0 / _STRIDES_HZ / DT_S)
_SLOW_STRIDE: Final = 1250  # cycles of the other gait's mean stride
_SPRING_NM_PER_RAD: Final = 30.0
_SET_RAD: Final = float(np.radians(30.0))
_TORQUE_NM: Final = 15.0
_WRONG: Final = (0.7, 1.3)
_KNOWN: Final = 0.1  # a stiffness fitted from a static test is taken as known to this, share


@dataclass(frozen=True, slots=True)
class Leg:
    """A plant by name: a new one at a knee angle, and where its hinge rests under a torque, the knee straight."""

    name: str
    make: Callable[[float], Plant]
    rest: Callable[[float], float]


def legs(phantom: Phantom) -> list[Leg]:
    """Finer mesh, preloaded cuffs, neo-Hookean columns, exponential columns with Prony arms."""
    fine = replace(phantom, mesh=Mesh(3, 14, 10))
    pressed = replace(phantom, thigh_cuff=_pressed(phantom.thigh_cuff), shank_cuff=_pressed(phantom.shank_cuff))
    young_pa = phantom.material.young_pa
    prony = Tissue(young_pa, stiffening=4.0, arm_share=(0.4, 0.2, 0.2))
    return [
        _full("finer_mesh", fine),
        _full("preloaded_cuff", pressed),
        _columns("neo_hookean", phantom, Tissue(young_pa, kelvin_time_s=phantom.material.loss_s)),
        _columns("prony_exponential", phantom, prony),
    ]


def _pressed(cuff: Cuff) -> Cuff:
    return replace(cuff, prestrain=0.06)


def _full(name: str, phantom: Phantom) -> Leg:
    return Leg(name, lambda knee_rad: FullLeg(phantom, knee_rad), lambda torque_nm: FullLeg.rest(phantom, torque_nm))


def _columns(name: str, phantom: Phantom, tissue: Tissue) -> Leg:
    def rest(torque_nm: float) -> float:
        return FoundationLeg(phantom, tissue, 0.0).rest(torque_nm)

    return Leg(name, lambda knee_rad: FoundationLeg(phantom, tissue, knee_rad), rest)


def other_legs() -> list[Leg]:
    """Two more, on which nothing was chosen: columns under the cuffs of a smaller person, stiffer than the default and
    stiffening; finite elements of muscle under soft fat, the hinge 10 mm too far forward and 5 mm too high."""
    small, average = phantom_for(1.60, 55.0), phantom_for(1.76, 75.0)
    tissue = Tissue(90e3, poisson=0.35, stiffening=3.0, arm_share=(0.25, 0.25, 0.15))
    fat = replace(average.material, layers=(Layer(0.6, 90e3), Layer(1.0, 35e3)))
    aside = replace(average.device, misalignment_m=(0.01, 0.005))
    return [
        _columns("small_leg", small, tissue),
        _full("fat_and_misaligned", replace(average, material=fat, device=aside)),
    ]


def other_tasks() -> tuple[dict[str, Task], int]:
    """By mode: 25 Nm/rad about 25 deg, and torque, in a slower gait whose three strides differ by some 4 % in length
    and height (fixed random numbers); and how many cycles the last stride has."""
    rng = np.random.default_rng(7)
    strides = [(round(s * _SLOW_STRIDE), a, b) for s, a, b in 1.0 + 0.04 * rng.standard_normal((3, 3))]
    share = np.concatenate([np.arange(length) / length for length, _, _ in strides])
    high, bent = (np.concatenate([np.full(row[0], row[k]) for row in strides]) for k in (1, 2))
    knee = np.radians(5.0 + 13.0 * bent * _bump(share, 0.16, 0.07) + 52.0 * high * _bump(share, 0.71, 0.085))
    shape = -_bump(share, 0.14, 0.06) + 0.3 * _bump(share, 0.52, 0.05)
    torque = 0.8 * _TORQUE_NM * shape * np.minimum(np.arange(len(knee)) * DT_S / 0.5, 1.0)
    none = np.zeros(len(knee))
    spring = Task(knee, none, 25.0, np.full(len(knee), np.radians(25.0)))
    return {"spring": spring, "torque": Task(knee, torque, 0.0, none)}, strides[-1][0]


def gait_knee_rad() -> F64:
    """Knee flexion over two and a half strides at 1 kHz: 19 deg in stance, 60 in swing; made up after level walking."""
    share = np.arange(round(2.5 * _STRIDE)) / _STRIDE % 1.0
    return np.radians(3.0 + 16.0 * _bump(share, 0.14, 0.07) + 57.0 * _bump(share, 0.72, 0.095))


def tasks() -> dict[str, Task]:
    """By mode. Spring: 30 Nm/rad about 30 deg; torque: extending in stance and late swing, flexing at toe-off."""
    knee = gait_knee_rad()
    none, share = np.zeros(len(knee)), np.arange(len(knee)) / _STRIDE % 1.0
    shape = -_bump(share, 0.15, 0.06) + 0.35 * _bump(share, 0.55, 0.05) - 0.25 * _bump(share, 0.9, 0.04)
    torque = _TORQUE_NM * shape * np.minimum(np.arange(len(knee)) * DT_S / 0.5, 1.0)
    return {
        "spring": Task(knee, none, _SPRING_NM_PER_RAD, np.full(len(knee), _SET_RAD)),
        "torque": Task(knee, torque, 0.0, none),
        "torque_held_knee": Task(np.full(len(knee), 0.35), torque, 0.0, none),
    }


def stiff_spring() -> Task:
    """60 Nm/rad whose set angle follows half of the knee's way: as much torque as the soft one."""
    knee = gait_knee_rad()
    return Task(knee, np.zeros(len(knee)), 60.0, 0.5 * (knee + _SET_RAD))


def measure() -> dict[str, Any]:
    """`compensation`: plant and mode, root mean square error at the knee off and on, percent of what is wanted;
    `stiffness_wrong`: the same with the fitted stiffness off by 30 % and said to be known to 30 %;
    `compensation_unseen`: further legs in a gait whose strides differ (`other_legs`, `other_tasks`)."""
    phantom = phantom_for(1.76, 75.0)
    known = packed(_identify(phantom))
    rows: list[dict[str, Any]] = []
    for leg in legs(phantom):
        fitted = fitted_to(known, leg)
        rows += [_shown(_row(leg, mode, task, inverse_params(fitted))) for mode, task in tasks().items()]
    wrong = [_shown(row) for row in _wrong(known, legs(phantom)[2:])]
    return {"compensation": rows, "stiffness_wrong": wrong, "compensation_unseen": list(_unseen(known))}


def _unseen(known: npt.NDArray[Any]) -> Iterator[dict[str, Any]]:
    walked, last = other_tasks()
    for leg in other_legs():
        inverse = inverse_params(fitted_to(known, leg))
        yield from (_shown(_row(leg, mode, task, inverse, last)) for mode, task in walked.items())


def fitted_to(known: npt.NDArray[Any], leg: Leg) -> npt.NDArray[Any]:
    """The INTERFACE [1] scaled to what the leg's hinge does under 5 Nm, known to 10 % from then on."""
    fitted = fit_stiffness(known, 0.5 * (leg.rest(5.0) - leg.rest(-5.0)))
    fitted["stiffness_bias"] = STIFF_BIAS
    return _interval(fitted, 1.0, _KNOWN)


def _interval(leg: npt.NDArray[Any], wrong: float, share: float) -> npt.NDArray[Any]:
    out = leg.copy()
    out["stiffness"] *= wrong
    out["stiffness_low"], out["stiffness_high"] = (1.0 - share) * out["stiffness"], (1.0 + share) * out["stiffness"]
    return out


def _wrong(known: npt.NDArray[Any], plants: list[Leg]) -> Iterator[dict[str, Any]]:
    springs = {"spring": tasks()["spring"], "spring_60": stiff_spring()}
    for leg in plants:
        fitted = fitted_to(known, leg)
        for factor in _WRONG:
            inverse = inverse_params(_interval(fitted, factor, 0.3))
            for mode, task in springs.items():
                yield {"stiffness": factor} | _row(leg, mode, task, inverse)


def _row(leg: Leg, mode: str, task: Task, inverse: npt.NDArray[Any], count: int = _STRIDE) -> dict[str, Any]:
    """Error over the last `count` cycles."""
    start, last = float(task.knee_rad[0]), slice(-count, None)
    off, on = (walk(leg.make(start), task, model).over(last) for model in (None, inverse))
    knee = task.knee_rad[last]
    return {
        "plant": leg.name,
        "mode": mode,
        "off_rmse_pct": off.rmse_pct,
        "on_rmse_pct": on.rmse_pct,
        "off_slope": off.slope,
        "on_slope": on.slope,
        "off_loss_j": off.loss_j(knee),
        "on_loss_j": on.loss_j(knee),
        "felt_over_wanted": _largest_gain(on),
        "own_nm": float(np.abs(on.own_nm).max()),
    }


def _largest_gain(on: Outcome) -> float:
    """Largest command, less what moves the device itself, over what the loop wanted at the knee in that cycle."""
    wanted = np.abs(on.asked_nm)
    felt = wanted > 0.01 * wanted.max()
    return float(np.max(np.abs(on.command_nm - on.own_nm)[felt] / wanted[felt])) if felt.any() else GAIN_LIMIT


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    print(f"bench tissue: {row}", file=sys.stderr)
    return row


def _identify(phantom: Phantom) -> ReducedTissue:
    plan = Plan(phantom)
    with PoseStore(None, about(plan)) as store:
        return identify(plan, store, progress, "bench tissue")


def _bump(share: F64, centre: float, width: float) -> F64:
    away = (share - centre + 0.5) % 1.0 - 0.5
    return np.asarray(np.exp(-0.5 * (away / width) ** 2))
