"""The phantom against its models: transmission, energy loss and correlation by rigid and by compliant model and by the
phantom itself, for several gels, with compensation off and on; and the torque error off and on over gels and speeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from edge_runtime.tissue.forward import simulate
from edge_runtime.tissue.linkage import STATE
from edge_runtime.types import F64
from hil.motion import Gait
from hil.play import play
from hil.rigs.gel import reduced_of
from hil.rigs.rigid import rigid_knee_nm
from hil.scenario import Drive, Scenario, Tissue, Wearer
from hil.scores import scores
from hil.trace import Trace
from hil.wish import Assist, Spring

GELS_KPA: Final = (30.0, 60.0, 120.0)
SPEEDS_MPS: Final = (0.8, 1.2, 1.6)
_SHARE: Final = (
    0.25  # of the knee's moment at 1.2 m/s, less at more, more at less: the same peak of 8 Nm, within limits
)
_SPRING_NM_PER_RAD: Final = 12.0
_SET_DEG: Final = 30.0
_LOCKED_DEG: Final = 30.0  # away from the soft stops
_BEGUN_S: Final = 1.2  # assistance takes 0.8 s to grow
_LEARNT: Final = 2  # strides after which the memory of strides is at work
_STRIDES: Final = 3

TASKS: Final = ("spring", "torque", "torque_locked")
"""spring: 12 Nm/rad about 30 deg at the walking knee; torque: the assist policy's in gait; torque_locked: the same
torque on a knee that is held."""


def scenario_of(young_kpa: float, speed_mps: float, task: str, compensation: str, fidelity: str) -> Scenario:
    """Three whole strides of gait in a gel, after two in which the loop gets to know the gait; see `TASKS`."""
    motion = Gait(speed_mps)
    from_s = _BEGUN_S + _LEARNT * motion.stride_s
    assist = Assist(min(0.5, _SHARE * 1.2 / speed_mps))
    return Scenario(
        name="validation", title="validation", seconds=from_s + _STRIDES * motion.stride_s, motion=motion,
        wish=Spring(_SPRING_NM_PER_RAD, _SET_DEG) if task == "spring" else assist,
        fidelity=fidelity, from_s=from_s, compensation=compensation, tissue=Tissue(young_kpa), drive=Drive(),
        wearer=Wearer("locked" if task == "torque_locked" else "driven", _LOCKED_DEG),
    )  # fmt: skip


def model_rows(fidelity: str, gels_kpa: Sequence[float] = GELS_KPA) -> Iterator[dict[str, Any]]:
    """One row per gel, compensation and model: `transmission` (torque at the knee over the drive's), `loss_j` per
    stride, `r` and `rmse_pct` of the model's torque at the knee against the phantom's."""
    for young_kpa in gels_kpa:
        for compensation in ("off", "on"):
            scenario = scenario_of(young_kpa, 1.2, "spring", compensation, fidelity)
            trace = play(scenario)
            part = trace.between(scenario.from_s, scenario.seconds)
            measured = trace.applied["knee_nm"][:, 0]
            for model, (knee_nm, hinge_rad) in _models(trace, scenario).items():
                row = {"gel_kpa": young_kpa, "compensation": compensation, "model": model}
                yield row | _row(trace, part, knee_nm, hinge_rad, measured)


def error_rows(
    fidelity: str, gels_kpa: Sequence[float] = GELS_KPA, speeds_mps: Sequence[float] = SPEEDS_MPS
) -> Iterator[dict[str, Any]]:
    """One row per gel, speed and task: root mean square of delivered less desired torque, percent of the desired one's
    peak, with compensation off and on, and on in the first stride; `withheld_rmse_pct`: of what limits held back."""
    for young_kpa in gels_kpa:
        for speed_mps in speeds_mps:
            for task in TASKS:
                found = {}
                for compensation in ("off", "on"):
                    scenario = scenario_of(young_kpa, speed_mps, task, compensation, fidelity)
                    trace = play(scenario)
                    found[f"{compensation}_rmse_pct"] = scores(trace, scenario)["rmse_pct"]
                begin = replace(scenario, from_s=_BEGUN_S, seconds=_BEGUN_S + scenario.motion.stride_s)
                found["first_on_rmse_pct"] = scores(trace, begin)["rmse_pct"]
                found["withheld_rmse_pct"] = _withheld_pct(trace, scenario)
                yield {"gel_kpa": young_kpa, "speed_mps": speed_mps, "task": task} | found


def _withheld_pct(trace: Trace, scenario: Scenario) -> float:
    """Root mean square of what the limiter takes off the compensated torque, percent of the desired one's peak."""
    part = trace.between(scenario.from_s, scenario.seconds)
    taken = trace.both("compensated_nm")[part] - trace.both("limited_nm")[part]
    peak = np.abs(trace.both("desired_nm")[part]).max()
    return 100.0 * float(np.sqrt(np.mean(taken**2, axis=0)).max() / peak)


def _models(trace: Trace, scenario: Scenario) -> dict[str, tuple[F64, F64]]:
    """Torque at the right knee and hinge angle [T] of each model under the drive's torque and the knee's motion."""
    applied = trace.applied
    knee_rad, motor_nm = applied["knee_rad"][:, 0], _less_friction(trace, scenario)
    leg = reduced_of(scenario)
    mass, levers = leg["link_mass_kg"][0], leg["link_com_m"][0]
    inertia = float(leg["rotor_inertia_kgm2"][0] + mass[1] * (levers[1] @ levers[1]) + leg["link_inertia_kgm2"][0, 1])
    state, out = np.zeros(1, STATE), np.empty((len(knee_rad), 6))
    state["coordinates"][0, 3] = knee_rad[0]
    rate = np.gradient(knee_rad, 1e-3)
    simulate(leg[0], state[0], motor_nm, np.ascontiguousarray(knee_rad), rate, 1e-3, out)
    return {
        "rigid": (rigid_knee_nm(motor_nm, knee_rad, inertia), knee_rad),
        "compliant": (out[:, 0], out[:, 4]),
        "phantom": (applied["knee_nm"][:, 0], applied["hinge_rad"][:, 0]),
    }


def _less_friction(trace: Trace, scenario: Scenario) -> F64:
    """The drive's torque as sensed, less the hinge's friction."""
    rate = np.gradient(trace.applied["hinge_rad"][:, 0], 1e-3)
    dry = scenario.drive.coulomb_nm * np.tanh(rate / 0.05)
    return np.asarray(trace.applied["drive_nm"][:, 0] - dry - scenario.drive.viscous_nms_per_rad * rate)


def _row(trace: Trace, part: slice, knee_nm: F64, hinge_rad: F64, measured: F64) -> dict[str, float]:
    drive, knee_rad = trace.applied["drive_nm"][part, 0], trace.applied["knee_rad"][part, 0]
    torque, hinge, phantom = knee_nm[part], hinge_rad[part], measured[part]
    given = float(np.sum(drive[1:] * np.diff(hinge)))
    taken = float(np.sum(torque[1:] * np.diff(knee_rad)))
    return {
        "transmission": float(torque @ drive / (drive @ drive)),
        "loss_j": (given - taken) / _STRIDES,
        "r": float(np.corrcoef(torque, phantom)[0, 1]),
        "rmse_pct": 100.0 * float(np.sqrt(np.mean((torque - phantom) ** 2)) / np.abs(phantom).max()),
    }
