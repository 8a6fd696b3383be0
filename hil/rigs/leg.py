"""One simulated leg per joint at 1 kHz: drive, device, tissue (reduced model), knee and sensors; compiled.

The drive delays the command, low-passes it and has dry and viscous friction at the hinge. The knee follows a reference
as the wearer's impedance lets it, or is locked, or hangs free. Encoder and torque sensor show steps of their
resolution, the rate goes through a filter as firmware has it.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import njit

from edge_runtime.tissue.forward import step

DT_S: Final = 1e-3
DELAY_MAX: Final = 16
LOCKED: Final = 0
DRIVEN: Final = 1
FREE: Final = 2

LEG = np.dtype(
    [
        ("knee", np.int64),  # LOCKED, DRIVEN, FREE
        ("stiffness_nm_per_rad", np.float64),  # wearer's impedance
        ("damping_nms_per_rad", np.float64),
        ("inertia_kgm2", np.float64),
        ("effort", np.float64),  # share of that impedance the wearer gives now
        ("knee_rad", np.float64),
        ("knee_radps", np.float64),
        ("knee_nm", np.float64),
        ("hinge_rad", np.float64),
        ("hinge_radps", np.float64),
        ("delay_steps", np.int64),
        ("delay_at", np.int64),
        ("delay_nm", np.float64, (DELAY_MAX,)),
        ("drive_keep", np.float64),  # weight of the newest sample in the drive's low-pass
        ("drive_nm", np.float64),
        ("viscous_nms_per_rad", np.float64),
        ("coulomb_nm", np.float64),
        ("encoder_step_rad", np.float64),
        ("torque_step_nm", np.float64),
        ("rate_keep", np.float64),
        ("encoder_rad", np.float64),
        ("rate_radps", np.float64),
        ("sensed_nm", np.float64),
    ]
)
"""One leg: parameters, then state."""

_FRICTION_RATE_RADPS: Final = 0.05  # over which dry friction turns its sign


@njit(cache=True, nogil=True)
def drive_leg(leg: Any, command_nm: float) -> float:
    """Torque on the hinge, Nm, for a command held over one step: delayed, low-passed, less friction."""
    leg.delay_nm[leg.delay_at] = command_nm
    leg.delay_at = (leg.delay_at + 1) % (leg.delay_steps + 1)
    leg.drive_nm += leg.drive_keep * (leg.delay_nm[leg.delay_at] - leg.drive_nm)
    dry = leg.coulomb_nm * math.tanh(leg.hinge_radps / _FRICTION_RATE_RADPS)
    return float(leg.drive_nm - dry - leg.viscous_nms_per_rad * leg.hinge_radps)


@njit(cache=True, nogil=True)
def move_knee(leg: Any, reference_rad: float, reference_radps: float) -> None:
    """The knee one step on, under the torque at it and the wearer's impedance about the reference."""
    if leg.knee == LOCKED:
        leg.knee_rad, leg.knee_radps = reference_rad, 0.0
        return
    held = leg.effort * leg.damping_nms_per_rad * (reference_radps - leg.knee_radps)
    if leg.knee == DRIVEN:
        held += leg.effort * leg.stiffness_nm_per_rad * (reference_rad - leg.knee_rad)
    leg.knee_radps += DT_S * (leg.knee_nm + held) / leg.inertia_kgm2
    leg.knee_rad += DT_S * leg.knee_radps


@njit(cache=True, nogil=True)
def sense_leg(leg: Any, hinge_rad: float, hinge_radps: float, noise_nm: float) -> None:
    """Encoder, filtered rate and torque sensor after a step."""
    leg.hinge_rad, leg.hinge_radps = hinge_rad, hinge_radps
    before = leg.encoder_rad
    leg.encoder_rad = leg.encoder_step_rad * math.floor(hinge_rad / leg.encoder_step_rad + 0.5)
    leg.rate_radps += leg.rate_keep * ((leg.encoder_rad - before) / DT_S - leg.rate_radps)
    shown = leg.drive_nm + noise_nm
    leg.sensed_nm = leg.torque_step_nm * math.floor(shown / leg.torque_step_nm + 0.5)


@njit(cache=True, nogil=True)
def step_reduced(
    legs: Any, tissues: Any, states: Any, first: int, command_nm: Any, reference: Any, noise_nm: Any
) -> None:
    """Legs from `first` on by 1 ms: LEG [n], linkage.INTERFACE [n], linkage.STATE [n]; `reference` [2, n] knee angle
    and rate at the end of the step."""
    for i in range(first, len(legs)):
        leg, tissue, state = legs[i], tissues[i], states[i]
        torque_nm = drive_leg(leg, command_nm[i])
        move_knee(leg, reference[0, i], reference[1, i])
        leg.knee_nm = step(tissue, state, torque_nm, leg.knee_rad, leg.knee_radps, DT_S)
        sense_leg(leg, state.coordinates[3], state.velocity[3], noise_nm[i])


@njit(cache=True, nogil=True)
def step_given(legs: Any, command_nm: Any, reference: Any, hinge: Any, noise_nm: Any) -> float:
    """The first leg by 1 ms where its `hinge` (angle, rate) is simulated elsewhere; torque on the hinge, Nm."""
    leg = legs[0]
    torque_nm = drive_leg(leg, command_nm[0])
    move_knee(leg, reference[0, 0], reference[1, 0])
    sense_leg(leg, hinge[0], hinge[1], noise_nm[0])
    return torque_nm


@njit(cache=True, nogil=True)
def show(legs: Any, out: Any) -> None:
    """Sensors of LEG [n] into `out` [5, n]: encoder angle and rate, torque sensor, torque at the knee, knee angle."""
    for i in range(len(legs)):
        out[0, i] = legs[i].encoder_rad
        out[1, i] = legs[i].rate_radps
        out[2, i] = legs[i].sensed_nm
        out[3, i] = legs[i].knee_nm
        out[4, i] = legs[i].knee_rad
