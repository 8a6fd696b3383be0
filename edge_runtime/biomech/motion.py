"""Motion and ground reaction in a leg model's coordinates, frame by frame: from recorded trials, or made up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from edge_runtime.biomech.model import DOFS, LegModel
from edge_runtime.biomech.trials import Trial
from edge_runtime.biomech.zero_phase import CUTOFF_HZ, derivatives, low_pass
from edge_runtime.errors import UserError
from edge_runtime.types import F64, SIDES

NEEDED: Final = tuple(f"{name}_{side}" for side in SIDES for name in ("hip_flexion", "knee_angle", "ankle_angle"))
TRUNK: Final = ("flex_extension", "lat_bending", "axial_rotation")
LUMBAR: Final = ("lumbar_bending", "lumbar_rotation", "lumbar_extension")
"""OpenSim's lumbar joint turns the trunk about the pelvis' x, y, z by these."""
GAIT_HZ: Final = 0.95


@dataclass(frozen=True, slots=True)
class Motion:
    """`q`, `qd`, `qdd` [N, C] at `time_s` [N] in the order of some `dofs` (rad, m); ground reaction on both feet
    `force_n`, `cop_m` (in the ground's axes, zero where the foot carries nothing), `free_nm` [N, 2, 3]."""

    time_s: F64
    q: F64
    qd: F64
    qdd: F64
    force_n: F64
    cop_m: F64
    free_nm: F64

    def __len__(self) -> int:
        return len(self.time_s)

    def first(self, count: int) -> Motion:
        """Its first `count` frames."""
        parts = (self.time_s, self.q, self.qd, self.qdd, self.force_n, self.cop_m, self.free_nm)
        return Motion(*(part[:count] for part in parts))

    def at_rate(self, rate_hz: float) -> Motion:
        """The same at `rate_hz`: between samples cubic Hermite polynomials; ground reaction of the nearest sample."""
        time_s = np.arange(self.time_s[0], self.time_s[-1], 1.0 / rate_hz)
        step = self.time_s[1] - self.time_s[0]
        at = np.minimum((time_s - self.time_s[0]) / step, len(self) - 1 - 1e-9)
        i, u = at.astype(int), (at % 1.0)[:, None]

        def hermite(value: F64, slope: F64) -> F64:
            a, b = value[i], value[i + 1]
            out: F64 = a + u * u * (3 - 2 * u) * (b - a)
            return out + step * u * (1 - u) * ((1 - u) * slope[i] - u * slope[i + 1])

        qdd = (1 - u) * self.qdd[i] + u * self.qdd[i + 1]
        nearest = np.round(at).astype(int)  # a centre of pressure between a loaded and an idle sample is neither
        ground = (part[nearest] for part in (self.force_n, self.cop_m, self.free_nm))
        return Motion(time_s, hermite(self.q, self.qd), hermite(self.qd, self.qdd), qdd, *ground)

    def cop_from(self, ankles_m: F64, k: int) -> F64:
        """Centre of pressure of frame `k` minus the ankle centres [2, 3], zero where the foot carries nothing."""
        loaded = np.abs(self.force_n[k]).max(axis=1, keepdims=True) > 0.0
        return np.where(loaded, self.cop_m[k] - ankles_m, 0.0)


def from_trial(
    trial: Trial, dofs: tuple[str, ...], rate_hz: float | None = None, cutoff_hz: float = CUTOFF_HZ
) -> Motion:
    """`trial` low-passed without phase shift and put into the order of `dofs`; coordinates that it lacks stay at zero.

    `rate_hz` resamples (`Motion.at_rate`). Raises UserError where a joint angle that
    everything depends on is missing.
    """
    absent = [name for name in NEEDED if name not in trial.coordinates]
    if absent:
        raise UserError(f"trial {trial.name}: has no coordinate {absent[0]}; give OpenSim coordinate names")
    column = {name: i for i, name in enumerate(trial.coordinates)}
    recorded = np.zeros((len(trial.time_s), len(dofs)))
    for i, name in enumerate(dofs):
        if name in column:
            recorded[:, i] = trial.q[:, column[name]]
    q = low_pass(recorded, trial.rate_hz, cutoff_hz)
    qd, qdd = derivatives(q, trial.rate_hz)
    motion = Motion(trial.time_s, q, qd, qdd, trial.force_n, trial.cop_m, trial.free_nm)
    return motion if rate_hz is None else motion.at_rate(rate_hz)


def made_up_gait(dofs: tuple[str, ...], seconds: float, rate_hz: float, weight_n: float) -> Motion:
    """A walk-like motion of sines with the load passed from foot to foot: for speed only, where no trial is at hand."""
    time_s = np.arange(0.0, seconds, 1.0 / rate_hz)
    q = np.zeros((len(time_s), len(dofs)))
    waves = (("hip_flexion", 0.4, 0.1, 0.0), ("knee_angle", 0.45, 0.5, 1.6), ("ankle_angle", 0.2, 0.0, 0.6))
    for name, amplitude, mean, lag in waves:
        for side, half in (("r", 0.0), ("l", np.pi)):
            q[:, dofs.index(f"{name}_{side}")] = mean + amplitude * np.cos(2 * np.pi * GAIT_HZ * time_s + half - lag)
    qd, qdd = derivatives(q, rate_hz)
    share = np.clip(0.5 + np.cos(2 * np.pi * GAIT_HZ * time_s), 0.0, 1.0)
    force = np.zeros((len(time_s), 2, 3))
    force[:, 0, 1], force[:, 1, 1] = weight_n * share, weight_n * (1.0 - share)
    cop = np.zeros((len(time_s), 2, 3))
    return Motion(time_s, q, qd, qdd, force, cop, np.zeros_like(cop))


def with_trunk(motion: Motion, leg: LegModel, trial: Trial, rate_hz: float) -> Motion:
    """The motion of a full body whose trunk turns against the pelvis as `trial`'s lumbar joint; its arms hang still."""
    q = motion.q.copy()
    if set(LUMBAR) <= set(trial.coordinates):
        column = [trial.coordinates.index(name) for name in LUMBAR]
        raw = np.stack([np.interp(motion.time_s, trial.time_s, trial.q[:, i]) for i in column], axis=1)
        turn = low_pass(raw, rate_hz)  # after resampling, whose kinks would be large accelerations
        q[:, [leg.dofs.index(name) for name in TRUNK]] = turn @ np.linalg.inv(_trunk_axes(leg)).T
    qd, qdd = derivatives(q, rate_hz)
    own = slice(0, len(DOFS))
    qd[:, own], qdd[:, own] = motion.qd[:, own], motion.qdd[:, own]
    return Motion(motion.time_s, q, qd, qdd, motion.force_n, motion.cop_m, motion.free_nm)


def _trunk_axes(leg: LegModel) -> F64:
    """[3, 3] how the trunk turns about x, y, z per rad of each `TRUNK` coordinate, standing straight."""
    import mujoco

    leg.set_state(*np.zeros((3, len(leg.dofs))))
    turning = np.zeros((3, leg.model.nv))
    mujoco.mj_jacBody(leg.model, leg.data, None, turning, leg.model.body("torso").id)
    axes: F64 = turning @ leg.jacobian[:, [leg.dofs.index(name) for name in TRUNK]]
    return axes
