"""Makes `anatomy.csv`: Hill parameters of an OpenSim model fitted to MyoLegs' own paths. Run by hand, needs opensim.

    python -m edge_runtime.biomech.anatomy_fit MODEL.osim > edge_runtime/biomech/anatomy.csv

Method of Modenese et al. 2016 (J Biomech 49:141-148): in each of many postures the fibre shall have the normalized
length that it has in the source model. With a rigid tendon, length = optimal · (fibre length · cos pennation) + slack
is linear in the two unknowns, and least squares over the postures gives them.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge_runtime.biomech.model import DOF_INDEX, DOFS, UNSCALED_STATURE_M, LegModel
from edge_runtime.types import F64

POSTURES: Final = 800
_SEED: Final = 1
RANGE_DEG: Final = {
    "hip_flexion": (-30.0, 90.0),
    "hip_adduction": (-20.0, 20.0),
    "hip_rotation": (-15.0, 15.0),
    "knee_angle": (0.0, 100.0),
    "ankle_angle": (-30.0, 20.0),
    "subtalar_angle": (-15.0, 15.0),
}
"""Walking, stairs and sitting: what the device is worn for."""
_FIBRE: Final = (0.45, 1.5)  # postures outside are none in which the muscle works
_MIN_POSTURES: Final = 50
_HEAD: Final = (
    "# Muscles of one leg (the other is the same), made by edge_runtime/biomech/anatomy_fit.py; method and use in it.",
    "# force_n and pennation_rad: Rajagopal et al. 2016 (IEEE Trans Biomed Eng 63:2068), as in the scaled model of",
    "# Uhlrich et al. 2022, Apache-2.0, whose passive_strain is (fibre strain where the passive force is force_n).",
    "# optimal_ratio, slack_ratio: fitted, shares of the muscle's neutral length in MyoLegs. fit_rmse: what the fit",
    "# leaves, optimal fibre lengths.",
)
_FIELDS: Final = ("muscle", "force_n", "pennation_rad", "optimal_ratio", "slack_ratio", "passive_strain", "fit_rmse")


def postures() -> dict[str, F64]:
    """Angles [POSTURES] in rad of each coordinate of the right leg; the same on every run."""
    rng = np.random.default_rng(_SEED)
    return {name: np.radians(rng.uniform(*limits, POSTURES)) for name, limits in RANGE_DEG.items()}


def fit(length_m: F64, fibre_along: F64) -> tuple[float, float, float]:
    """Optimal fibre and tendon slack length (m) with length = optimal · fibre_along + slack, and the RMS of what is
    left, in optimal lengths.

    `length_m` [k] of the whole muscle, `fibre_along` [k] the fibre's length along the tendon, in optimal lengths. Where
    the best slack is negative it is zero: a fibre from end to end.
    """
    design = np.column_stack([fibre_along, np.ones(len(fibre_along))])
    optimal, slack = (float(x) for x in np.linalg.lstsq(design, length_m, rcond=None)[0])
    if slack < 0.0 or optimal < 0.0:
        optimal, slack = float(length_m @ fibre_along / (fibre_along @ fibre_along)), 0.0
    rest = length_m - design @ np.array([optimal, slack])
    return optimal, slack, float(np.sqrt(np.mean(rest**2)) / optimal)


def fibre_along_tendon(length_m: F64, optimal_m: float, slack_m: float) -> F64:
    """Length of a fibre along a rigid tendon, in optimal lengths, from the whole muscle's length [k]."""
    along: F64 = (length_m - slack_m) / optimal_m
    return along


def opensim_lengths(path: Path, angles: dict[str, F64]) -> tuple[dict[str, tuple[float, ...]], F64]:
    """Per muscle of the right leg: force N, optimal fibre m, slack m, pennation rad, passive strain; and lengths m
    [POSTURES, n]."""
    import opensim

    opensim.Logger.setLevelString("Error")
    model = opensim.Model(str(path))
    state = model.initSystem()
    names = [m.getName() for m in _muscles(model) if m.getName().endswith("_r")]
    parameters: dict[str, tuple[float, ...]] = {}
    lengths = np.empty((POSTURES, len(names)))
    for name in names:
        muscle = model.getMuscles().get(name)
        parameters[name.removesuffix("_r")] = (
            muscle.getMaxIsometricForce(), muscle.getOptimalFiberLength(), muscle.getTendonSlackLength(),
            muscle.getPennationAngleAtOptimalFiberLength(), _passive_strain(opensim, muscle),
        )  # fmt: skip
    coordinates = model.updCoordinateSet()
    for k in range(POSTURES):
        for name, values in angles.items():
            coordinates.get(f"{name}_r").setValue(state, float(values[k]), False)
        coordinates.get("knee_angle_r_beta").setValue(state, float(angles["knee_angle"][k]), False)
        model.realizePosition(state)
        lengths[k] = [model.getMuscles().get(name).getGeometryPath().getLength(state) for name in names]
    return parameters, lengths


def _passive_strain(opensim: Any, muscle: Any) -> float:
    curve = opensim.Millard2012EquilibriumMuscle.safeDownCast(muscle).getFiberForceLengthCurve()
    return float(curve.get_strain_at_one_norm_force())


def _muscles(model: Any) -> list[Any]:
    found = model.getMuscles()
    return [found.get(i) for i in range(found.getSize())]


def myolegs_lengths(angles: dict[str, F64]) -> tuple[tuple[str, ...], F64, F64]:
    """Names, lengths [POSTURES, n] and lengths in the neutral pose [n] of unscaled MyoLegs' muscles (m)."""
    import mujoco

    leg = LegModel(UNSCALED_STATURE_M, 70.0)
    lengths, zero = [], np.zeros(len(DOFS))
    for k in range(POSTURES):
        q = np.zeros(len(DOFS))
        for name, values in angles.items():
            q[DOF_INDEX[f"{name}_r"]] = values[k]
        leg.set_state(q, zero, zero)
        mujoco.mj_tendon(leg.model, leg.data)
        lengths.append(leg.data.ten_length[leg.model.actuator_trnid[:, 0]].copy())
    return leg.muscle_names, np.array(lengths), leg.model.tendon_length0[leg.model.actuator_trnid[:, 0]].copy()


def table(path: Path) -> list[dict[str, str]]:
    """The rows of the file, one per muscle of one leg; lengths as shares of the muscle's neutral length."""
    angles = postures()
    parameters, source = opensim_lengths(path, angles)
    names, lengths, neutral = myolegs_lengths(angles)
    rows = []
    for i, (name, (force, optimal, slack, pennation, strain)) in enumerate(parameters.items()):
        column = names.index(f"{name}_r")
        along = fibre_along_tendon(source[:, i], optimal, slack)
        fibre = np.sqrt(np.maximum(along, 0.0) ** 2 + np.sin(pennation) ** 2)
        works = (fibre > _FIBRE[0]) & (fibre < _FIBRE[1]) & (along > 0.0)
        if np.count_nonzero(works) < _MIN_POSTURES:
            raise ValueError(f"{path}: muscle {name} works in {np.count_nonzero(works)} of {POSTURES} postures")
        ours, ours_slack, rest = fit(lengths[works, column], along[works])
        values = (force, pennation, ours / neutral[column], ours_slack / neutral[column], strain, rest)
        rows.append(dict(zip(_FIELDS, (name, *(f"{v:.6g}" for v in values)), strict=True)))
    return rows


def main() -> None:
    """Print the table of the model that the first argument names."""
    print("\n".join(_HEAD))
    writer = csv.DictWriter(sys.stdout, _FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
