"""Verification of the tissue's finite elements as MuJoCo computes them, against closed forms.

Each check returns a `Check`: the largest relative error, the bar it must keep, and a series for a plot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from edge_runtime.tissue.specimen import Specimen, block
from edge_runtime.tissue.svk import lame
from edge_runtime.types import F64

YOUNG_PA: Final = 60e3
POISSON: Final = 0.3
LOSS_S: Final = 0.02
_SEED: Final = 4
_SIZE_M: Final = (0.04, 0.02, 0.02)


@dataclass(frozen=True, slots=True)
class Check:
    """`error`: largest relative error, to be at most `bar`; `x`, `found`, `exact` [n]: for a plot, with names."""

    name: str
    error: float
    bar: float
    x_name: str = ""
    y_name: str = ""
    x: F64 = field(default_factory=lambda: np.zeros(0))
    found: F64 = field(default_factory=lambda: np.zeros(0))
    exact: F64 = field(default_factory=lambda: np.zeros(0))

    @property
    def passed(self) -> bool:
        """Whether the error keeps the bar."""
        return self.error <= self.bar


def measure() -> dict[str, Any]:
    """Part `verification` of the bench: relative error by check, and whether each keeps its bar."""
    from edge_runtime.tissue.verify_structures import STRUCTURES

    checks = [check() for check in (*LAW, *STRUCTURES)]
    return {
        "verification": {check.name: check.error for check in checks},
        "verification_passed": {check.name: check.passed for check in checks},
    }


def affine() -> Check:
    """Patch: irregular elements in 20 homogeneous deformations have the exact stress, inner nodes feel no force."""
    rng = np.random.default_rng(_SEED)
    points, tets = block((4, 3, 3), _SIZE_M)
    inner = np.all((points > 1e-9) & (points < np.array(_SIZE_M) - 1e-9), axis=1)
    points[inner] += rng.uniform(-1e-3, 1e-3, (int(inner.sum()), 3))
    specimen = Specimen(points, tets, YOUNG_PA, POISSON)
    worst = 0.0
    for _ in range(20):
        f = np.eye(3) + rng.uniform(-0.15, 0.15, (3, 3))
        forces = specimen.forces_n(points @ f.T)
        exact = first_piola(f)
        worst = max(worst, _relative(_stress(points, forces), exact))
        worst = max(worst, float(np.abs(forces[inner]).max() / np.abs(forces).max()))
    return Check("affine", worst, 1e-12)


def uniaxial() -> Check:
    """A bar with free sides, pulled and pressed: its force is E A l (l^2 - 1) / 2, at rest in MuJoCo."""
    points, tets = block((4, 2, 2), _SIZE_M)
    specimen = Specimen(points, tets, YOUNG_PA, POISSON)
    end = points[:, 0] > _SIZE_M[0] - 1e-9
    held = np.stack([(points[:, 0] < 1e-9) | end, points[:, 1] < 1e-9, points[:, 2] < 1e-9], axis=1)
    stretches = np.array([0.95, 0.9, 0.8, 0.7, 0.62, 0.85, 1.1, 1.2, 1.3])
    stress = []
    for stretch in stretches:
        _, forces = specimen.relax(held, points * np.array([stretch, 1.0, 1.0]))
        stress.append(-forces[end, 0].sum() / (_SIZE_M[1] * _SIZE_M[2]))
    exact = YOUNG_PA * stretches * (stretches**2 - 1.0) / 2.0
    error = float(np.abs(np.array(stress) / exact - 1.0).max())
    return Check("uniaxial", error, 1e-6, "stretch", "nominal stress, Pa", stretches, np.array(stress), exact)


def damping() -> Check:
    """Viscous stress is F (loss C : dE/dt) at homogeneous deformations and rates, as the timestep goes to zero.

    At a step h MuJoCo adds -loss h v^2 to each edge's squared length, a relative error of h times the strain rate / 2.
    """
    rng = np.random.default_rng(_SEED)
    points, tets = block((3, 2, 2), _SIZE_M)
    specimen = Specimen(points, tets, YOUNG_PA, POISSON, LOSS_S, timestep_s=1e-5)
    worst = 0.0
    for _ in range(20):
        f, rate = np.eye(3) + rng.uniform(-0.15, 0.15, (3, 3)), rng.uniform(-1.0, 1.0, (3, 3))
        at = points @ f.T
        viscous = specimen.forces_n(at, points @ rate.T) - specimen.forces_n(at)
        strain_rate = 0.5 * (f.T @ rate + rate.T @ f)
        worst = max(worst, _relative(_stress(points, viscous), LOSS_S * f @ _second_piola(strain_rate)))
    return Check("damping", worst, 1e-3)


def simple_shear() -> Check:
    """A block between two plates, all its faces sheared by g: shear stress mu g + (lambda + 2 mu) g^3 / 2."""
    points, tets = block((3, 3, 3), (0.02, 0.02, 0.02))
    specimen = Specimen(points, tets, YOUNG_PA, POISSON)
    inner = np.all((points > 1e-9) & (points < 0.02 - 1e-9), axis=1)
    held = np.repeat(~inner[:, None], 3, axis=1)
    shears = np.array([0.05, 0.1, 0.2, 0.3, 0.4])
    found, exact = [], []
    for shear in shears:
        f = np.eye(3)
        f[0, 2] = shear
        _, forces = specimen.relax(held, points @ f.T)
        found.append(_stress(points, forces)[0, 2])
        exact.append(first_piola(f)[0, 2])
    error = float(np.abs(np.array(found) / exact - 1.0).max())
    return Check("simple_shear", error, 1e-6, "shear", "shear stress, Pa", shears, np.array(found), np.array(exact))


def hysteresis() -> Check:
    """Loss of a bar per cycle of strain a sin(wt), 0.25 to 4 Hz, stepped at 1 ms: pi E w loss a^2 per volume."""
    frequencies = np.array([0.25, 0.5, 1.0, 2.0, 4.0])
    amplitude = 5e-3
    exact = np.pi * YOUNG_PA * 2.0 * np.pi * frequencies * LOSS_S * amplitude**2
    found = np.array([_loop(hz, amplitude) for hz in frequencies])
    error = float(np.abs(found / exact - 1.0).max())
    return Check("hysteresis", error, 2e-2, "frequency, Hz", "loss per cycle, J/m3", frequencies, found, exact)


def first_piola(f: F64) -> F64:
    """First Piola-Kirchhoff stress [3, 3] of the check's tissue at a deformation gradient [3, 3], Pa."""
    out: F64 = f @ _second_piola(0.5 * (f.T @ f - np.eye(3)))
    return out


def _second_piola(strain: F64) -> F64:
    lam, mu = (float(value) for value in lame(YOUNG_PA, POISSON))
    out: F64 = lam * np.trace(strain) * np.eye(3) + 2.0 * mu * strain
    return out


def _stress(points: F64, forces: F64) -> F64:
    """Mean first Piola-Kirchhoff stress [3, 3] from the forces of a block on its nodes: the virial."""
    out: F64 = -forces.T @ points / np.prod(points.max(axis=0) - points.min(axis=0))
    return out


def _relative(found: F64, exact: F64) -> float:
    return float(np.abs(found - exact).max() / np.abs(exact).max())


def _loop(frequency_hz: float, amplitude: float) -> float:
    """Work per cycle and volume, J/m3, of a bar in MuJoCo, from force and way of its end in the second cycle."""
    step_s = 1e-3
    points, tets = block((2, 1, 1), _SIZE_M)
    specimen = Specimen(points, tets, YOUNG_PA, POISSON, LOSS_S, step_s)
    end = points[:, 0] > _SIZE_M[0] - 1e-9
    held = np.stack([(points[:, 0] < 1e-9) | end, points[:, 1] < 1e-9, points[:, 2] < 1e-9], axis=1)
    cycle = round(1.0 / (frequency_hz * step_s))
    way, force = [], []
    for k in range(2 * cycle + 1):
        way.append(float(specimen.points_m[end, 0].mean()))
        strain = amplitude * np.sin(2.0 * np.pi * frequency_hz * (k + 1) * step_s)
        forces = specimen.step(held, points * np.array([1.0 + strain, 1.0, 1.0]))
        force.append(-float(forces[end, 0].sum()))
    x, f = np.array(way[cycle:]), np.array(force[cycle:])
    return float(np.sum(0.5 * (f[1:] + f[:-1]) * np.diff(x)) / np.prod(_SIZE_M))


LAW: Final[tuple[Callable[[], Check], ...]] = (affine, uniaxial, damping, simple_shear, hysteresis)
"""Checks of the law itself, seconds together."""
