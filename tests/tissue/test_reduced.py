"""Reduced interface model: its inverse brings the wanted torque to the knee of an independent simulation."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import calibration
from calibration.profile import Interface, load_profile
from edge_runtime.tissue.reduced import GAIN_LIMIT, STATE, compensate, interface_params, stiffness_at

LEG = load_profile(Path(calibration.__file__).with_name("profiles") / "demo.toml").interface_r
PARAMS = interface_params(LEG)[0]
DT_S = 1e-3


def knee_angle(t_s: float) -> float:
    return 0.5 - 0.5 * math.cos(2 * math.pi * t_s)


def wanted(t_s: float) -> float:
    return 6.0 * (1.0 - math.cos(2 * math.pi * 1.3 * t_s))


def delivered(leg: Interface, command: list[float]) -> np.ndarray:
    """Torque at a driven knee: the hinge of the model equations, integrated at 20 kHz with explicit steps."""
    fine = 20
    h = DT_S / fine
    theta, rate, branch, out = knee_angle(0.0), 0.0, 0.0, []
    for i, torque in enumerate(command):
        for k in range(fine):
            t = i * DT_S + k * h
            knee, knee_rate = knee_angle(t), math.pi * math.sin(2 * math.pi * t)
            stiffness = stiffness_at(PARAMS, theta) * leg.stiffness_nm_per_rad / LEG.stiffness_nm_per_rad
            slip = rate - knee_rate
            branch += h * (leg.maxwell_nm_per_rad * slip - branch / leg.maxwell_time_s)
            s = stiffness * (theta - knee) + leg.damping_nms_per_rad * slip + branch
            friction = leg.viscous_nms_per_rad * rate + leg.coulomb_nm * math.tanh(rate / 0.1)
            rate += h * (torque - s - friction) / leg.inertia_kgm2
            theta += h * rate
        out.append(leg.transmission * s)
    return np.array(out)


def commands(count: int) -> list[float]:
    state = np.zeros(1, STATE)[0]
    result = []
    for i in range(count):
        t = i * DT_S
        rate = math.pi * math.sin(2 * math.pi * t)
        result.append(compensate(PARAMS, state, wanted(t), knee_angle(t), rate, DT_S))
    return result


def test_compensation_removes_most_of_the_error_on_its_own_plant() -> None:
    target = np.array([wanted(i * DT_S) for i in range(2000)])
    off = delivered(LEG, target.tolist()) - target
    on = delivered(LEG, commands(2000)) - target
    rmse_off, rmse_on = (float(np.sqrt(np.mean(e[200:] ** 2))) for e in (off, on))
    assert rmse_on < 0.6 * rmse_off


def test_command_never_exceeds_the_gain_limit_nor_changes_sign() -> None:
    rng = np.random.default_rng(1)
    state = np.zeros(1, STATE)[0]
    for _ in range(2000):
        want = float(rng.uniform(-20, 20))
        command = compensate(PARAMS, state, want, float(rng.uniform(-1, 3)), float(rng.uniform(-20, 20)), DT_S)
        assert abs(command) <= GAIN_LIMIT * abs(want) + 1e-12
        assert command * want >= 0.0


def test_nothing_wanted_is_nothing_commanded() -> None:
    state = np.zeros(1, STATE)[0]
    assert compensate(PARAMS, state, 0.0, 1.0, 5.0, DT_S) == 0.0


def test_stiffness_rises_threefold_from_0_to_80_deg() -> None:
    assert stiffness_at(PARAMS, math.radians(80)) == pytest.approx(3 * stiffness_at(PARAMS, 0.0))
    assert stiffness_at(PARAMS, math.radians(120)) == stiffness_at(PARAMS, math.radians(80))
