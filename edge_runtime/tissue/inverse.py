"""Reduced soft-tissue interface, inverse: torque wanted at the knee and hinge angle in, hinge torque out; compiled.

Known is the hinge's angle; unknown are the device's way and pitch on the limb (x, z, phi) and the knee's angle. They
follow from four balances: the device's three, and the cuff on the shank giving the knee what is wanted, a torque or
    torque_nm + spring (set_rad - knee)        (impedance at the knee; the knee's angle is the model's own).
Two Newton steps a cycle from the solution of the cycle before, linear in what tissue remembers (Kelvin-Voigt, Prony).
The hinge then has to carry the balance's fourth row: cuffs, inertia of rotor and frame, friction. Inertia needs the
knee's acceleration, which `knee_motion` finds. Causal.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from edge_runtime.tissue.balance import (
    KNEE,
    cuff_forces,
    fade_arms,
    keep_forces,
    load_along,
    newton_step,
    sway_inertia,
    sway_load,
)
from edge_runtime.tissue.knee_motion import MOTION, follow_knee, forget_motion
from edge_runtime.tissue.linkage import DOFS, INTERFACE, STATE, place, weigh

NEWTON_STEPS: Final = 2
SPRING_SHARE_MAX: Final = 0.6
"""Largest spring over the tissue's stiffness: the spring the hinge then plays is 1 / (1 - 0.6) = 2.5 times the knee's;
more is left uncompensated, because drive and bus take some ms and a stiff spring that comes late swings up."""
LOOK_AHEAD_S: Final = 0.005  # of `coming_nm`: as late as the model's low-pass
_CALM_FULL: Final = 0.3  # spring over the tissue's stiffness up to which all that is foreseen is used
_CALM_NONE: Final = 0.5  # and from which on nothing is
_LEAD_S: Final = 0.005  # a spring reckons with where the hinge will be when its torque acts: bus, drive, filters
_MODEL_CUT_HZ: Final = 30.0  # low-pass of the model's: a kink of the wanted torque must not kick
_FORWARD_SPRING_NM_PER_RAD: Final = 10.0
"""Spring from which on the acceleration of the deflection is not pushed along: it then comes from the encoder, late."""
_FRICTION_RATE_RADPS: Final = 0.1  # over which Coulomb friction turns its sign

INVERSE = np.dtype(
    [
        ("leg", INTERFACE),  # its `stiffness` as the inverse takes it: on the stiff side of what is known
        ("likely", np.float64),  # stiffness that is most likely, over that
        ("inertia_share", np.float64),  # how much of the knee's acceleration, as seen, the device is pushed along with
        ("foreseen_share", np.float64),  # and how much of that of the stride before
        ("transmission", np.float64),  # share of the cuff's moment that reaches the knee, where no geometry says it
        ("certainty", np.float64),  # share of compensation that the stiffness interval allows, 0 to 1
        ("doubt_full", np.float64),  # estimated error up to which compensation is full
        ("doubt_none", np.float64),  # and from which on there is none
    ]
)
"""One leg: what does not change while it runs; see `edge_runtime.tissue.compensation.inverse_params`."""

INVERSE_STATE = np.dtype(
    [
        ("leg", STATE),  # coordinates x, z, phi and hinge, their rates; cuffs; work space
        ("knee_rad", np.float64),  # the model's knee
        ("knee_stiffness", np.float64),  # Nm per rad of hinge against knee, in this pose
        ("deflection_radps", np.float64),  # hinge against knee, of the model
        ("coming_rad", np.float64),  # what the torque of `LOOK_AHEAD_S` from now adds to the deflection
        ("coming_radps", np.float64),
        ("acceleration", np.float64, (DOFS,)),  # of x, z, phi and deflection by the model, low-passed
        ("sway", np.float64, (DOFS,)),  # way of x, z, phi and hinge per deflection, the knee held
        ("motion", MOTION),
        ("wanted_nm", np.float64),  # at the knee, with the model's knee angle in the spring
        ("spring_share", np.float64),  # share of the deflection that the spring may know of
        ("own_nm", np.float64),  # inertia and friction of the device moving along with the knee, as a stride before
        ("share", np.float64),  # of compensation now
        ("extra_nm", np.float64),  # what compensation adds
        ("reason", np.int64),
    ]
)
"""One leg: what a cycle carries on to the next. All zeros is before the first."""


@njit(cache=True, nogil=True)
def forget(s: Any) -> None:
    """Back to before the first cycle: one bad number must not stay in the state."""
    leg = s.leg
    leg.last_dt_s = 0.0
    leg.coordinates[:] = 0.0
    leg.velocity[:] = 0.0
    leg.doubt = 0.0
    for i in range(2):
        leg.cuffs[i].elastic[:] = 0.0
        leg.cuffs[i].arms[:, :] = 0.0
        leg.cuffs[i].force[:] = 0.0
    forget_motion(s.motion)
    s.acceleration[:] = 0.0
    s.sway[:] = 0.0
    s.knee_rad, s.knee_stiffness, s.deflection_radps, s.wanted_nm = 0.0, 0.0, 0.0, 0.0
    s.coming_rad, s.coming_radps = 0.0, 0.0
    s.spring_share, s.own_nm, s.share, s.extra_nm, s.reason = 0.0, 0.0, 0.0, 0.0, 0


@njit(cache=True, nogil=True)
def low_pass(cut_hz: float, dt_s: float) -> float:
    """Weight of the newest sample in a first-order low-pass."""
    return float(1.0 - np.exp(-2.0 * np.pi * cut_hz * dt_s))


@njit(cache=True, nogil=True)
def _begin(p: Any, s: Any, hinge_rad: float, hinge_radps: float, dt_s: float) -> None:
    """First cycle: the device as fitted, the tissue relaxed, knee and hinge together; compensation grows from none."""
    leg = s.leg
    leg.last_dt_s = dt_s
    leg.coordinates[3] = hinge_rad
    s.knee_rad = hinge_rad
    s.motion.knee_rad, s.motion.knee_radps = hinge_rad, hinge_radps
    s.motion.hinge_radps, s.motion.slow_radps = hinge_radps, hinge_radps
    place(p.leg, leg, hinge_rad)
    for i in range(2):
        leg.cuffs[i].elastic[:] = leg.cuffs[i].at.gradient


@njit(cache=True, nogil=True)
def _differentiate(
    p: Any, s: Any, before: Any, knee_before: float, spring: float, coming_nm: float, hinge_radps: float, dt_s: float
) -> None:
    """Rates and accelerations of the solution; that of the deflection with what the coming torque will add to it."""
    leg, keep = s.leg, low_pass(_MODEL_CUT_HZ, dt_s)
    for dof in range(KNEE):
        rate = (leg.coordinates[dof] - before[dof]) / dt_s
        s.acceleration[dof] += keep * ((rate - leg.velocity[dof]) / dt_s - s.acceleration[dof])
        leg.velocity[dof] = rate
    rate = (leg.coordinates[3] - before[3] - s.knee_rad + knee_before) / dt_s
    forward = max(0.0, 1.0 - spring / _FORWARD_SPRING_NM_PER_RAD)
    ahead_rad = coming_nm / (p.transmission * s.knee_stiffness) if s.knee_stiffness > 0.0 else s.coming_rad
    coming_rad = s.coming_rad + keep * (ahead_rad - s.coming_rad)  # its slope jumps with each intent
    coming_radps = (coming_rad - s.coming_rad) / dt_s
    faster = rate - s.deflection_radps + coming_radps - s.coming_radps
    s.acceleration[3] += keep * (forward * faster / dt_s - s.acceleration[3])
    s.deflection_radps, s.coming_rad, s.coming_radps = rate, coming_rad, coming_radps
    leg.velocity[3] = hinge_radps


@njit(cache=True, nogil=True)
def hinge_torque(
    p: Any,
    s: Any,
    torque_nm: float,
    coming_nm: float,
    spring_nm_per_rad: float,
    set_rad: float,
    hinge_rad: float,
    hinge_radps: float,
    measured_nm: float,
    dt_s: float,
) -> float:
    """Hinge torque, Nm, by the model alone: neither bounded nor faded. `s.wanted_nm` is what the knee then gets.

    Without `s.own_nm`, which comes on top: what moves the device along with the knee as foreseen.
    Not finite where the balance cannot be solved. Inputs must be finite and the spring not below zero.
    `measured_nm`: what the drive gives now.
    """
    leg = s.leg
    if leg.last_dt_s == 0.0:
        _begin(p, s, hinge_rad, hinge_radps, dt_s)
    before = (leg.coordinates[0], leg.coordinates[1], leg.coordinates[2], leg.coordinates[3])
    knee_before, strides = s.knee_rad, s.motion.strides
    foreseen = strides.trust * p.foreseen_share * _calm_share(p, s, spring_nm_per_rad)
    foreseen_radps2 = foreseen * strides.knee_radps2
    ahead_rad = set_rad - _LEAD_S * (0.5 * hinge_radps + 0.5 * s.motion.knee_radps)
    _solve(p, s, torque_nm, spring_nm_per_rad, ahead_rad, hinge_rad, foreseen_radps2, dt_s)
    s.wanted_nm = torque_nm + spring_nm_per_rad * (ahead_rad - hinge_rad + s.spring_share * (hinge_rad - s.knee_rad))
    own_friction = foreseen * _friction(p, strides.knee_radps)
    s.own_nm = leg.mass[3, 3] * foreseen_radps2 + own_friction
    _differentiate(p, s, before, knee_before, spring_nm_per_rad, coming_nm, hinge_radps, dt_s)
    friction = _friction(p, hinge_radps)
    damping = follow_knee(
        s.motion, s.knee_rad, s.deflection_radps, hinge_radps, measured_nm - friction - sway_load(s),
        p.likely * s.knee_stiffness, sway_inertia(s), dt_s,
    )  # fmt: skip
    total = leg.bias[3] + load_along(s, 3) + friction - own_friction + damping
    total += leg.mass[3, 3] * max(p.inertia_share - foreseen, 0.0) * s.motion.knee_radps2
    for dof in range(DOFS):
        total += leg.mass[3, dof] * s.acceleration[dof]
    return float(total)


@njit(cache=True, nogil=True)
def _solve(
    p: Any, s: Any, torque_nm: float, spring: float, set_rad: float, hinge_rad: float, radps2: float, dt_s: float
) -> None:
    """Pose of the device and angle of the knee in balance, while the frame is moved along with the knee at `radps2`."""
    leg = s.leg
    s.knee_rad += hinge_rad - leg.coordinates[3]
    leg.coordinates[3] = hinge_rad
    factor = fade_arms(p, s, dt_s)
    weigh(p.leg, leg)
    for dof in range(KNEE):
        leg.bias[dof] += leg.mass[dof, 3] * radps2
    for _ in range(NEWTON_STEPS):
        s.spring_share = _known_share(p, s, spring)
        newton_step(p, s, factor, torque_nm, spring, set_rad)
    place(p.leg, leg, s.knee_rad)
    cuff_forces(s, factor)
    keep_forces(p, s, dt_s)


@njit(cache=True, nogil=True)
def _friction(p: Any, hinge_radps: float) -> float:
    """Torque of the hinge's own friction."""
    dry = p.leg.coulomb_nm * np.tanh(hinge_radps / _FRICTION_RATE_RADPS)
    return float(p.leg.viscous_nms_per_rad * hinge_radps + dry)


@njit(cache=True, nogil=True)
def _calm_share(p: Any, s: Any, spring: float) -> float:
    """Share of the foreseen that a spring leaves: with one stiff against the tissue the loop from stride to stride
    swings up."""
    if spring <= 0.0:
        return 1.0
    stiffness = p.likely * s.knee_stiffness * p.transmission
    if not stiffness > 0.0:
        return 0.0
    return min(max((_CALM_NONE * stiffness - spring) / ((_CALM_NONE - _CALM_FULL) * stiffness), 0.0), 1.0)


@njit(cache=True, nogil=True)
def _known_share(p: Any, s: Any, spring: float) -> float:
    """Share of the deflection that a spring may know of: all but for one too stiff against the tissue."""
    if spring <= 0.0:
        return 1.0
    return min(1.0, max(SPRING_SHARE_MAX * s.knee_stiffness * p.transmission, 0.0) / spring)
