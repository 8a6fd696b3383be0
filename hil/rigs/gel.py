"""The phantom's tissue for a scenario: finite elements, their reduced model, and what the torque loop is told of it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

import calibration
from calibration.profile import Profile, load_profile
from calibration.reduced_tissue import ReducedTissue, load_tissue, tissues_of
from edge_runtime.tissue.compensation import inverse_params
from edge_runtime.tissue.forward import step
from edge_runtime.tissue.geometry import Device, Material, Phantom, phantom_for
from edge_runtime.tissue.linkage import STATE
from edge_runtime.tissue.one_spring import STIFF_BIAS
from edge_runtime.tissue.pack import packed
from edge_runtime.tissue.trial import FullLeg, fit_stiffness
from hil.rigs.base import JOINTS
from hil.scenario import Scenario

DEMO_TISSUE: Final = Path(calibration.__file__).with_name("tissues") / "demo.toml"
DEFAULT_YOUNG_KPA: Final = 60.0
"""Gel of a scenario that names none."""
_KNOWN: Final = 0.1  # a stiffness fitted from a static test is taken as known to this, share
_TEST_NM: Final = 5.0
_REST_STEPS: Final = 40


def wearer_of(scenario: Scenario) -> Profile:
    """The scenario's profile."""
    return load_profile(scenario.profile_path)


def phantom_of(scenario: Scenario) -> Phantom:
    """The finite-element phantom: a leg of the wearer's size in the scenario's gel, hinge off by its misalignment."""
    person = wearer_of(scenario).person
    x_mm, z_mm = scenario.tissue.misalignment_mm
    phantom = phantom_for(person.height_m, person.mass_kg)
    material = Material(young_pa=1e3 * scenario.tissue.young_kpa)
    return replace(phantom, material=material, device=Device(misalignment_m=(1e-3 * x_mm, 1e-3 * z_mm)))


def reduced_of(scenario: Scenario) -> npt.NDArray[Any]:
    """INTERFACE [1] of the reduced plant: the identified tissue, its energy scaled to the gel's modulus."""
    tissue = _identified(scenario)
    leg = packed(tissue)
    leg["stiffness"] *= 1e3 * scenario.tissue.young_kpa / tissue.young_pa
    leg["misalignment_m"] += 1e-3 * np.array(scenario.tissue.misalignment_mm)
    leg["viscous_nms_per_rad"], leg["coulomb_nm"] = 0.0, 0.0  # the drive's part (hil.rigs.leg)
    return leg


def known_to_loop(scenario: Scenario) -> npt.NDArray[Any] | None:
    """INVERSE [JOINTS] for the torque loop, as a calibration would give it; None: the profile's own values."""
    if scenario.fit == "none" or scenario.rig == "firmware":  # its own plant is of the profile's kind
        return None
    fitted = fit_stiffness(packed(_identified(scenario)), _gives_way(scenario))
    fitted["stiffness_bias"] = STIFF_BIAS
    fitted["stiffness_low"] = (1.0 - _KNOWN) * fitted["stiffness"]
    fitted["stiffness_high"] = (1.0 + _KNOWN) * fitted["stiffness"]
    fitted["viscous_nms_per_rad"] = scenario.drive.viscous_nms_per_rad
    fitted["coulomb_nm"] = scenario.drive.coulomb_nm
    inverse = inverse_params(fitted)
    return np.concatenate([inverse] * JOINTS)


def _identified(scenario: Scenario) -> ReducedTissue:
    profile = wearer_of(scenario)
    return tissues_of(profile, scenario.profile_path).get("r") or load_tissue(DEMO_TISSUE)


def _gives_way(scenario: Scenario) -> float:
    """Hinge angle, rad, under 5 Nm at a straight knee, mean of both directions: a static test of the plant."""
    if scenario.fidelity == "full":
        return _full_gives_way(phantom_of(scenario))
    ends = []
    for torque_nm in (-_TEST_NM, _TEST_NM):
        leg, state = reduced_of(scenario), np.zeros(1, STATE)
        for _ in range(_REST_STEPS):
            step(leg[0], state[0], torque_nm, 0.0, 0.0, 1.0)
        ends.append(float(state["coordinates"][0, 3]))
    return (ends[1] - ends[0]) / 2.0


@lru_cache(maxsize=8)
def _full_gives_way(phantom: Phantom) -> float:
    return 0.5 * (FullLeg.rest(phantom, _TEST_NM) - FullLeg.rest(phantom, -_TEST_NM))
