"""Verification on structures: bending, torsion, and how much the timestep of the whole phantom matters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from edge_runtime.tissue.annulus import annulus
from edge_runtime.tissue.geometry import Cuff, Material, Mesh, Segment, phantom_for
from edge_runtime.tissue.simulate import FullModel
from edge_runtime.tissue.specimen import Specimen, block
from edge_runtime.tissue.verify import POISSON, YOUNG_PA, Check
from edge_runtime.types import F64

_BEAM_M: Final = (0.2, 0.02, 0.02)
_BUSH_M: Final = (0.015, 0.05, 0.10)
"""Inner and outer radius, length."""
REFERENCE_STEP_S: Final = 0.5e-3
STEPS_S: Final = (1e-3, 2e-3, 4e-3, 8.3e-3, 16.6e-3)
WALK_HZ: Final = 0.9


def cantilever() -> Check:
    """Stiffness of a slender beam at its tip, ever finer meshes extrapolated to none, against Timoshenko's.

    Shear coefficient of a rectangle: Cowper 1966, J. Appl. Mech. 33:335. Linear tetrahedra bend too stiffly: the
    series shows by how much.
    """
    length, width, height = _BEAM_M
    shear = 10.0 * (1.0 + POISSON) / (12.0 + 11.0 * POISSON)
    inertia, area, modulus = width * height**3 / 12.0, width * height, YOUNG_PA / (2.0 * (1.0 + POISSON))
    exact = 1.0 / (length**3 / (3.0 * YOUNG_PA * inertia) + length / (shear * modulus * area))
    across = np.array([2.0, 4.0, 6.0])
    found = np.array([_beam(int(n)) for n in across])
    limit = found[2] + (found[2] - found[1]) / ((6.0 / 4.0) ** 2 - 1.0)  # Richardson, second order
    error = abs(float(limit) / exact - 1.0)
    return Check(
        "cantilever", error, 0.02, "cells across", "tip stiffness, N/m", across, found, np.full(3, exact)
    )  # fmt: skip


def bush_torsion() -> Check:
    """A sleeve twisted between bone and shell: torque 4 pi mu L t / (1/a^2 - 1/b^2) at a small angle t."""
    inner, outer, length = _BUSH_M
    twist = 1e-3
    stiffness = 4.0 * np.pi * YOUNG_PA / (2.0 * (1.0 + POISSON)) * length / (inner**-2 - outer**-2)
    meshes = [Mesh(2, 12, 4), Mesh(4, 24, 4), Mesh(8, 48, 4)]
    found = np.array([_bush(mesh, twist) / twist for mesh in meshes])
    around = np.array([float(mesh.around) for mesh in meshes])
    error = abs(float(found[-1]) / stiffness - 1.0)
    return Check(
        "bush_torsion", error, 0.02, "cells round", "torsional stiffness, Nm/rad", around, found, np.full(3, stiffness)
    )  # fmt: skip


def timestep_locked() -> Check:
    """Knee torque of a phantom with a straight, locked knee under a walking torque, for several steps.

    RMSE against steps of 0.5 ms as a share of the torque's RMS; the bar is for 2 ms.
    """
    return _steps("timestep_locked", lambda _: 0.0, 0.02)


def timestep_walking() -> Check:
    """The same with a walking knee, up to 400 deg/s.

    MuJoCo's loss takes an edge's rate from its ends' ways in the last step, so turning tissue feels a strain of
    loss x rate^2 x step / 2 that is not there: the larger error is of that kind.
    """
    return _steps("timestep_walking", gait_knee_rad, 0.04)


def _steps(name: str, knee_rad: Callable[[float], float], bar: float) -> Check:
    times = np.arange(0.1, 1.0 / WALK_HZ, 0.0166)
    reference = _walk(REFERENCE_STEP_S, times, knee_rad)
    size = float(np.sqrt(np.mean(reference**2)))
    errors = np.array([np.sqrt(np.mean((_walk(step, times, knee_rad) - reference) ** 2)) / size for step in STEPS_S])
    at_2_ms, milliseconds = float(errors[STEPS_S.index(2e-3)]), 1e3 * np.array(STEPS_S)
    return Check(name, at_2_ms, bar, "step, ms", "knee torque RMSE, share", milliseconds, errors, 0.0 * errors)


def gait_knee_rad(time_s: float) -> float:
    """A made-up knee angle of walking: a small bend in stance, 60 deg in swing."""
    phase = time_s * WALK_HZ % 1.0
    return float(np.radians(3.0 + 15.0 * _bump(phase, 0.15, 0.06) + 57.0 * _bump(phase, 0.72, 0.09)))


def gait_torque_nm(time_s: float) -> float:
    """A made-up motor torque of walking: a push in stance, less of one before swing."""
    phase = time_s * WALK_HZ % 1.0
    return float(-10.0 * _bump(phase, 0.15, 0.06) + 4.0 * _bump(phase, 0.55, 0.05))


def _bump(phase: float, centre: float, width: float) -> float:
    away = (phase - centre + 0.5) % 1.0 - 0.5
    return float(np.exp(-0.5 * (away / width) ** 2))


def _walk(step_s: float, times_s: F64, knee_rad: Callable[[float], float]) -> F64:
    """Knee torque, Nm, at `times_s` of one stride of the default phantom."""
    model = FullModel(phantom_for(1.75, 75.0), timestep_s=step_s)
    model.reset(knee_rad(0.0))
    readings = [
        model.step(gait_torque_nm((k + 1) * step_s), knee_rad((k + 1) * step_s))
        for k in range(int(times_s[-1] / step_s) + 2)
    ]
    return np.interp(times_s, [r.time_s for r in readings], [r.knee_torque_nm for r in readings])


def _beam(across: int) -> float:
    """Tip stiffness, N/m, of a clamped beam with so many cells across."""
    points, tets = block((10 * across, across, across), _BEAM_M)
    specimen = Specimen(points, tets, YOUNG_PA, POISSON)
    tip, root = points[:, 0] > _BEAM_M[0] - 1e-9, points[:, 0] < 1e-9
    held = np.stack([root, root, root | tip], axis=1)
    way = 1e-3
    target = points.copy()
    target[tip, 2] += way
    _, forces = specimen.relax(held, target, balance=1e-7)
    return -float(forces[tip, 2].sum()) / way


def _bush(mesh: Mesh, twist_rad: float) -> float:
    """Torque, Nm, on the shell of a sleeve that is turned by a small angle."""
    inner, outer, length = _BUSH_M
    sleeve = Segment(0.05, 0.05 + length, inner, (outer, outer), (outer, outer))
    made = annulus(sleeve, Cuff(0.05 + length / 2.0, length / 2.0), Material(), mesh, 1.0)
    points = made.points_m
    specimen = Specimen(points, made.tets, YOUNG_PA, POISSON)
    target = points.copy()
    target[made.skin, :2] += twist_rad * np.stack([-points[made.skin, 1], points[made.skin, 0]], axis=1)
    held = np.repeat((made.bone | made.skin)[:, None], 3, axis=1)
    where, forces = specimen.relax(held, target, balance=1e-6)
    x, y = where[made.skin, 0], where[made.skin, 1]
    return -float(np.sum(x * forces[made.skin, 1] - y * forces[made.skin, 0]))


STRUCTURES: Final[tuple[Callable[[], Check], ...]] = (cantilever, bush_torsion, timestep_locked, timestep_walking)
"""Checks on structures, a minute or two together."""
