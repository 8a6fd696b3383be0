"""The factors that make MyoLegs the person of a compiled OpenSim model, and how close its moments then come."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

import numpy as np

from edge_runtime.biomech.inverse_dynamics import full_forces, net_moments
from edge_runtime.biomech.model import DOFS, UNSCALED_STATURE_M, LegModel
from edge_runtime.biomech.scaling import Factors, Inertial, Segments
from edge_runtime.biomech.skeleton.format import Compiled
from edge_runtime.biomech.skeleton.tree import couple, new_motion, place
from edge_runtime.biomech.trials import Trial
from edge_runtime.biomech.zero_phase import derivatives, low_pass
from edge_runtime.errors import UserError
from edge_runtime.types import F64, SIDES

Detail = Literal["lengths", "axes", "inertia"]
"""What is taken over: segment lengths; also the place of the knees' axes; also masses and inertia (everything)."""
_LEG: Final = ("femur", "tibia", "talus", "calcn", "toes")


def segments_of(compiled: Compiled, detail: Detail = "inertia") -> Segments:
    """Segments of a model with OpenSim's names of bodies; UserError where one is missing."""
    bodies, tree = compiled.names.bodies, compiled.skeleton.tree
    absent = {"pelvis", *(f"{name}_{side}" for name in _LEG for side in SIDES)} - set(bodies)
    if absent:
        raise UserError(f"compiled model: has no {', '.join(sorted(absent))}; MyoLegs cannot be scaled to it")
    theirs, ours = _origins(compiled), _unscaled_origins()

    def ratio(start: str, end: str) -> F64:
        return (theirs[end] - theirs[start]) / (ours[end] - ours[start])

    def long(start: str, end: str) -> tuple[Factors, Factors]:
        right, left = (float(ratio(f"{start}_{side}", f"{end}_{side}")[1]) for side in SIDES)
        return (1.0, right, 1.0), (1.0, left, 1.0)

    feet = [_factors(np.r_[ratio(f"calcn_{s}", f"toes_{s}")[0], ratio(f"talus_{s}", f"calcn_{s}")[1:]]) for s in SIDES]
    axes = [_factors(tree.child_position[bodies.index(f"tibia_{side}")]) for side in SIDES]
    inertial = {
        name: Inertial(float(tree.mass[j]), tree.com[j], tree.inertia[j])
        for j, name in enumerate(bodies)
        if name == "pelvis" or (name.endswith(tuple(f"_{side}" for side in SIDES)) and name[:-2] in (*_LEG, "patella"))
    }
    whole = Segments(
        float(tree.mass.sum()), pelvis=_factors(ratio("pelvis", "femur_r")), thigh=long("femur", "tibia"),
        shank=long("tibia", "talus"), foot=(feet[0], feet[1]), knee_axis_m=(axes[0], axes[1]), inertial=inertial,
    )  # fmt: skip
    if detail == "inertia":
        return whole
    return replace(whole, inertial={}, knee_axis_m=whole.knee_axis_m if detail == "axes" else None)


def _factors(values: F64) -> Factors:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _origins(compiled: Compiled) -> dict[str, F64]:
    """Where the bodies are with every coordinate at its default, m."""
    s, rest = compiled.skeleton, np.zeros_like(compiled.skeleton.tree.neutral)
    motion, q = new_motion(s.tree), s.tree.neutral.copy()
    couple(s.tree, s.functions, q, rest, rest.copy())
    place(s.tree, s.functions, q, rest, rest, motion)
    return {name: motion.origin[j + 1] for j, name in enumerate(compiled.names.bodies)}


def _unscaled_origins() -> dict[str, F64]:
    leg = LegModel(UNSCALED_STATURE_M, 80.0)  # the mass does not matter here
    rest = np.zeros(len(DOFS))
    leg.set_state(rest, rest, rest)
    names = ("pelvis", *(f"{name}_{side}" for name in _LEG for side in SIDES))
    return {name: leg.data.xpos[leg.model.body(name).id].copy() for name in names}


def myolegs_moments(segments: Segments, trial: Trial, cutoff_hz: float) -> F64:
    """Inverse dynamics [N, 20] of `trial` in `DOFS` order with MyoLegs scaled by `segments`; knee flexion positive.

    Raises UserError where the trial lacks a coordinate of `DOFS` but subtalar and toe joints, which stay neutral.
    """
    leg = LegModel(UNSCALED_STATURE_M, segments.mass_kg, segments)
    q = np.zeros((len(trial.time_s), len(DOFS)))
    for i, name in enumerate(DOFS):
        if name in trial.coordinates:
            q[:, i] = trial.q[:, trial.coordinates.index(name)]
        elif not name.startswith(("subtalar", "mtp")):
            raise UserError(f"trial {trial.name}: has no coordinate {name}, which MyoLegs needs")
    q = low_pass(q, trial.rate_hz, cutoff_hz)
    qd, qdd = derivatives(q, trial.rate_hz)
    moments = np.zeros_like(q)
    for k in range(len(q)):
        leg.set_state(q[k], qd[k], qdd[k])
        ankles = np.array([leg.data.xpos[bodies.talus] for bodies in leg.legs])
        full = full_forces(leg, trial.force_n[k], trial.cop_m[k] - ankles, trial.free_nm[k])
        moments[k] = net_moments(leg, full)
    return moments
