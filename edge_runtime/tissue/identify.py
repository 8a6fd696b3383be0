"""Identifies the reduced model of one leg from equilibria of its finite elements."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np

from calibration.reduced_tissue import ARMS, CuffTissue, ReducedTissue
from edge_runtime.errors import UserError
from edge_runtime.tissue.builder import SIDE
from edge_runtime.tissue.energy import CUFF, MODES, POSE, evaluate, fill_energy
from edge_runtime.tissue.fit_energy import Fit, fit_energy, fit_loss
from edge_runtime.tissue.geometry import SEGMENTS, Phantom, SegmentName
from edge_runtime.tissue.pose_store import PoseStore
from edge_runtime.tissue.prony import Arms
from edge_runtime.tissue.sampling import WHOLE_DET_F, Show, Whole, solve_all, spread, whole
from edge_runtime.tissue.static import CuffStatics
from edge_runtime.tissue.working import Work, device_fields, working_poses, working_reach
from edge_runtime.types import F64

NO_ARMS: Final = Arms((0.0,) * ARMS, (1.0,) * ARMS)
STIFF_BIAS: Final = 1.15
"""A tissue taken as too soft makes an inverse give too much: it reckons with so much stiffer."""
_CRUSHED: Final = 0.25
"""Share of the largest working poses that may be crushed; above it the torque to identify for is taken back."""
_TORQUE_STEP: Final = 0.8
_BEYOND: Final = 1.25
"""Where beyond the reach the growth of the error is measured."""
_BEYOND_POSES: Final = 10
_EXTREMES: Final = 8
_BENT_POSES: Final = 10
_NUDGE: Final = np.array([1e-4, 1e-4, 1e-3])


@dataclass(frozen=True, slots=True)
class Plan:
    """What to identify: the leg, its work, how many poses of each cuff; `arms` instead of the material's loss;
    `bent`: knee angle (rad) and the same leg with the tissue it has there; `interval`: (low, high) stiffness known."""

    phantom: Phantom
    work: Work = field(default_factory=Work)
    poses: int = 120
    arms: Arms | None = None
    bent: tuple[float, Phantom] | None = None
    interval: tuple[float, float] = (0.7, 1.3)


class Rest(NamedTuple):
    """One cuff about its rest: stiffness [3, 3]; ways of the free nodes [n, 3 axes, 3 poses]; places, masses [n]."""

    stiffness: F64
    modes: F64
    points_m: F64
    mass_kg: F64


def identify(plan: Plan, store: PoseStore, show: Show, provenance: str) -> ReducedTissue:
    """Solve, fit, and check what was fitted; minutes on one core, the poses in `store` are not solved again.

    Raises UserError where the tissue finds too few equilibria.
    """
    phantom = plan.phantom
    statics = {name: CuffStatics(phantom, name) for name in SEGMENTS}
    rests = {name: _rest(statics[name], phantom.material.density_kgpm3) for name in SEGMENTS}
    stiffness = np.stack([rests[name].stiffness for name in SEGMENTS])
    work, reach = _bearable(plan, statics, stiffness, store, show)
    cuffs = {}
    for index, name in enumerate(SEGMENTS):
        cuffs[name] = _cuff(plan, name, statics[name], rests[name], reach[index], store, show)
    arms = plan.arms or NO_ARMS
    return ReducedTissue(
        provenance=provenance,
        young_pa=phantom.material.young_pa,
        torque_nm=work.torque_nm,
        stiffness=1.0,
        stiffness_low=plan.interval[0],
        stiffness_high=plan.interval[1],
        stiffness_bias=STIFF_BIAS,
        kelvin_time_s=0.0 if plan.arms else phantom.material.loss_s,
        arm_share=arms.share,
        arm_time_s=arms.time_s,
        viscous_nms_per_rad=0.0,
        coulomb_nm=0.0,
        thigh=cuffs["thigh"],
        shank=cuffs["shank"],
        **device_fields(phantom),
    )


def about(plan: Plan) -> str:
    """Everything that the equilibria of a plan depend on, as text: legs, and a load of the elements as they are."""
    probe = [CuffStatics(plan.phantom, name).solve(_NUDGE).load for name in SEGMENTS]
    loads = [f"{value:.6g}" for load in probe for value in load]
    return json.dumps([dataclasses.asdict(plan.phantom), plan.bent and dataclasses.asdict(plan.bent[1]), loads])


def _rest(statics: CuffStatics, density_kgpm3: float) -> Rest:
    free = statics.mesh.free
    stiffness, modes = np.empty((3, 3)), np.empty((int(free.sum()), 3, 3))
    for axis in range(3):
        step = np.eye(3)[axis] * _NUDGE[axis]
        up, down = statics.solve(step), statics.solve(-step)
        stiffness[:, axis] = (up.load - down.load) / (2.0 * _NUDGE[axis])
        modes[:, :, axis] = (up.points_m - down.points_m)[free] / (2.0 * _NUDGE[axis])
    mass = statics.mesh.node_volume_m3[free] * density_kgpm3
    return Rest(stiffness, modes, statics.solve(np.zeros(3)).points_m[free], mass)


def _bearable(
    plan: Plan, statics: dict[SegmentName, CuffStatics], stiffness: F64, store: PoseStore, show: Show
) -> tuple[Work, F64]:
    """The work asked for, with the torque taken back until the tissue bears it, and the reach [2, 3] it takes."""
    work = plan.work
    while True:
        poses = working_poses(plan.phantom, stiffness, work)
        reach = working_reach(poses)
        crushed = []
        for index, name in enumerate(SEGMENTS):
            size = np.linalg.norm(poses[index] / reach[index], axis=1)
            extremes = poses[index][np.argsort(size)[-3 * _EXTREMES :: 3]]
            answers = solve_all(name, statics[name], extremes, store, show)
            crushed += [answer is None or answer.min_det_f < WHOLE_DET_F for answer in answers]
        if np.mean(crushed) <= _CRUSHED:
            return work, reach
        work = replace(work, torque_nm=_TORQUE_STEP * work.torque_nm)
        if work.torque_nm < 0.02 * plan.work.torque_nm:
            raise UserError("tissue: crushed by the misalignment alone; give a smaller one, or a wider or softer cuff")


def _cuff(
    plan: Plan, name: SegmentName, statics: CuffStatics, rest: Rest, reach: F64, store: PoseStore, show: Show
) -> CuffTissue:
    poses = spread(plan.poses, reach)
    kept, loads, loss = whole(poses, solve_all(name, statics, poses, store, show))
    if len(kept) < plan.poses // 2:
        raise UserError(
            f"tissue: only {len(kept)} of {plan.poses} poses of the {name} cuff have an equilibrium; less torque"
        )
    fit = fit_energy(kept, loads, reach)
    outer = spread(2 * _BEYOND_POSES, reach)[::2]
    outer *= _BEYOND / np.linalg.norm(outer / reach, axis=1)[:, None]
    growth = _growth(fit, reach, whole(outer, solve_all(name, statics, outer, store, show)))
    moving, modes = _moving(rest), _modes(statics, rest, reach)
    return CuffTissue(
        terms=tuple((float(a), float(b), float(d), energy) for (a, b, d), energy in fit.terms.items()),
        reach=_row(reach),
        loss=tuple(map(_row, fit_loss(kept, loss, reach))),
        error=fit.error,
        growth=growth,
        posture_per_rad=_posture(plan, name, fit, reach, store, show),
        centre_m=(0.0, SIDE[name] * plan.phantom.cuff(name).centre_m),
        mass=tuple(map(_row, moving.mass)),
        swing=_row(moving.swing),
        centrifugal=_row(moving.centrifugal),
        gyration=tuple(map(_row, moving.gyration)),
        modes=tuple(map(_row, modes)),
    )


def _growth(fit: Fit, reach: F64, outer: Whole) -> float:
    """What the error rises by when the pose is beyond by once the reach, from poses `_BEYOND` times the reach."""
    if len(outer.poses) == 0:
        return 1.0
    wrong = (_forces(fit, reach, outer.poses) - outer.loads) * reach
    error = float(np.sqrt(np.sum(wrong**2) / np.sum((outer.loads * reach) ** 2)))
    return max(error - fit.error, 0.0) / (_BEYOND - 1.0)


def _forces(fit: Fit, reach: F64, poses: F64) -> F64:
    """What the compiled energy says at poses [n, 3]."""
    cuff, at = np.zeros(1, CUFF), np.zeros(1, POSE)
    fill_energy(cuff[0], fit.terms, reach)
    out = np.empty((len(poses), 3))
    for i, pose in enumerate(poses):
        at["pose"] = pose
        evaluate(cuff[0], at[0], 1.0)
        out[i] = at[0]["gradient"]
    return out


def _posture(plan: Plan, name: SegmentName, fit: Fit, reach: F64, store: PoseStore, show: Show) -> float:
    """Rise of the stiffness per radian of knee flexion, from the tissue that the bent leg has."""
    if plan.bent is None:
        return 0.0
    knee_rad, phantom = plan.bent
    poses = spread(_BENT_POSES, 0.7 * reach)
    found = whole(poses, solve_all(name, CuffStatics(phantom, name), poses, store, show, " bent"))
    straight, bent = _forces(fit, reach, found.poses) * reach, found.loads * reach
    return (float(np.sum(straight * bent) / np.sum(straight**2)) - 1.0) / knee_rad


class Moving(NamedTuple):
    """Mass of a cuff's tissue as it moves with cuff and bone, as in `energy.CUFF`."""

    mass: F64
    swing: F64
    centrifugal: F64
    gyration: F64


def _moving(rest: Rest) -> Moving:
    """About rest: nodes move by their modes with the cuff, and turn with the bone about the knee."""
    m, modes = rest.mass_kg, rest.modes
    x, z = rest.points_m[:, 0], rest.points_m[:, 2]
    swing, centrifugal = (m * z) @ modes[:, 0] - (m * x) @ modes[:, 2], (m * x) @ modes[:, 0] + (m * z) @ modes[:, 2]
    across = np.einsum("n,ni,nj->ij", m, modes[:, 0], modes[:, 2])
    return Moving(np.einsum("n,nai,naj->ij", m, modes, modes), swing, centrifugal, across - across.T)


def _modes(statics: CuffStatics, rest: Rest, reach: F64) -> F64:
    """The modes between held bone and cuff that matter most to the cuff at work, as rows of `CuffTissue.modes`.

    Fixed-interface modes of Craig & Bampton 1968 (AIAA J. 6:1313), of the free nodes about rest.
    """
    statics.reset()
    statics.solve(np.zeros(3))
    root = np.repeat(np.sqrt(rest.mass_kg), 3)
    square, shapes = np.linalg.eigh(statics.free_stiffness() / np.outer(root, root))
    ways = (shapes * root[:, None]).reshape(len(rest.mass_kg), 3, -1)  # mass x way of each node, for unit modal mass
    x, z = rest.points_m[:, 0], rest.points_m[:, 2]
    swing, away = z @ ways[:, 0] - x @ ways[:, 2], x @ ways[:, 0] + z @ ways[:, 2]
    coupling = np.einsum("nam,nai->mi", ways, rest.modes)
    weight = np.sum((coupling * reach) ** 2, axis=1) / square
    chosen = np.sort(np.argsort(weight)[-MODES:])
    return np.column_stack([square, swing, away, coupling])[chosen]


def _row(values: F64) -> tuple[float, ...]:
    return tuple(map(float, values))
