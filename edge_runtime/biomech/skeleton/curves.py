"""Hill curves of OpenSim's muscles, sampled."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from edge_runtime.types import F64

Curve = tuple[F64, F64, F64]
_KNOTS: Final = 160


def _millard(opensim: Any, muscle: Any) -> Iterable[Curve]:
    """Millard et al. 2013: the curves themselves, sampled with their slopes."""
    muscle = opensim.Millard2012EquilibriumMuscle.safeDownCast(muscle)
    spans = ((0.2, 2.0), (0.4, 2.0), (-1.2, 1.2))
    curves = (muscle.getActiveForceLengthCurve(), muscle.getFiberForceLengthCurve(), muscle.getForceVelocityCurve())
    for curve, (low, high) in zip(curves, spans, strict=True):
        x = np.linspace(low, high, _KNOTS)
        yield x, np.array([curve.calcValue(v) for v in x]), np.array([curve.calcDerivative(v, 1) for v in x])


def _thelen(opensim: Any, muscle: Any) -> Iterable[Curve]:
    """Thelen 2003, equations 2, 3 and 6 with the muscle's own shape factors."""
    muscle = opensim.Thelen2003Muscle.safeDownCast(muscle)
    length = np.linspace(0.2, 2.0, _KNOTS)
    width = muscle.get_KshapeActive()
    active = np.exp(-((length - 1.0) ** 2) / width)
    yield length, active, -2.0 * (length - 1.0) / width * active
    shape, strain = muscle.get_KshapePassive(), muscle.get_FmaxMuscleStrain()
    growth = np.exp(shape * (length - 1.0) / strain)
    stretched = length > 1.0
    passive = np.where(stretched, (growth - 1.0) / (np.exp(shape) - 1.0), 0.0)
    yield length, passive, np.where(stretched, growth * shape / strain / (np.exp(shape) - 1.0), 0.0)
    velocity = np.linspace(-1.2, 1.2, _KNOTS)
    factor = thelen_velocity_factor(velocity, muscle.get_Af(), muscle.get_Flen())
    yield velocity, factor, np.gradient(factor, velocity)


def thelen_velocity_factor(velocity: F64, af: float, flen: float) -> F64:
    """Force-velocity factor at full activation; `velocity` in maximal shortening velocities, lengthening positive."""
    shortening = np.clip(velocity, -1.0, 0.0)
    concentric = (1.0 + shortening) / (1.0 - shortening / af)
    lengthening = np.clip(velocity, 0.0, None)
    slope = (2.0 + 2.0 / af) / (flen - 1.0)
    eccentric = (1.0 + lengthening * slope * flen) / (1.0 + lengthening * slope)
    return np.where(velocity < 0.0, concentric, eccentric)


def _de_groote(opensim: Any, muscle: Any) -> Iterable[Curve]:
    """De Groote et al. 2016 as OpenSim has it, passive strain of the muscle included."""
    muscle = opensim.DeGrooteFregly2016Muscle.safeDownCast(muscle)
    spans = ((0.2, 2.0), (0.2, 2.0), (-1.2, 1.2))
    curves = (
        muscle.calcActiveForceLengthMultiplier, muscle.calcPassiveForceMultiplier, muscle.calcForceVelocityMultiplier,
    )  # fmt: skip
    for curve, (low, high) in zip(curves, spans, strict=True):
        x = np.linspace(low, high, _KNOTS)
        value = np.array([curve(float(v)) for v in x])
        yield x, value, np.gradient(value, x)


CURVES: Final = {
    "Millard2012EquilibriumMuscle": _millard,
    "Thelen2003Muscle": _thelen,
    "DeGrooteFregly2016Muscle": _de_groote,
}
"""Active, passive and velocity curve of each kind of muscle: (x, value, slope) each."""
