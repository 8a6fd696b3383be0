"""The full finite-element phantom in time: a motor torque and a knee angle in, cuff poses and knee torque out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from edge_runtime.errors import UserError
from edge_runtime.tissue.builder import SIDE, Built, Knee, build, stiffness_rows
from edge_runtime.tissue.geometry import SEGMENTS, Phantom, SegmentName
from edge_runtime.tissue.mesh_factor import elements
from edge_runtime.tissue.svk import Tets
from edge_runtime.types import F64

_SETTLE_STEP_S: Final = 0.02
_SETTLE_TURN_S: Final = 0.6
_SETTLED_RADPS: Final = 1e-4
_SETTLE_MAX_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Reading:
    """State at one instant; `knee_torque_nm` is what tissue puts on the tibia about the knee, flexion positive.

    `hinge_rad` is the device's angle (same sign as the knee's); `cuff_poses` [2, 3]: (ux m, uz m, phi rad) of
    the cuffs' centres from rest, in the frame of their bone; `base` [3]: way of the hinge (x, z, pitch) there.
    """

    time_s: float
    motor_nm: float
    knee_rad: float
    knee_radps: float
    hinge_rad: float
    hinge_radps: float
    knee_torque_nm: float
    base: F64
    cuff_poses: F64


class FullModel:
    """MuJoCo's model of `phantom`, steppable; `knee` as in `builder.Knee`.

    MuJoCo's passive forces after a step belong to the state before it. `step` therefore returns the reading of the
    instant at which the step began, in which everything belongs together.
    """

    def __init__(
        self, phantom: Phantom, knee: Knee = "held", timestep_s: float = 0.002, gravity_mps2: float = 0.0
    ) -> None:
        import mujoco

        self.built: Built = build(phantom, knee, timestep_s, gravity_mps2)
        self.model = self.built.compile()
        self.data = mujoco.MjData(self.model)
        self.phantom, self._held = phantom, knee == "held"
        self._dof = {name: int(self.model.joint(name).dofadr[0]) for name in _JOINTS}
        self._tets = {name: elements(phantom, name, self.built.mesh(name)) for name in SEGMENTS}
        self._rows = {name: stiffness_rows(self.model, flex).copy() for flex, name in enumerate(SEGMENTS)}

    @property
    def timestep_s(self) -> float:
        """Length of one step; may be set between steps (stable to 0.1 s)."""
        return float(self.model.opt.timestep)

    @timestep_s.setter
    def timestep_s(self, value: float) -> None:
        self.model.opt.timestep = value

    def reset(self, knee_rad: float = 0.0, motor_nm: float = 0.0) -> None:
        """At rest at a knee angle, with a steady motor torque, time 0. Raises UserError where it finds no rest."""
        import mujoco

        mujoco.mj_resetData(self.model, self.data)
        for flex, name in enumerate(SEGMENTS):
            stiffness_rows(self.model, flex)[:] = self._rows[name]
        usual, self.timestep_s = self.timestep_s, _SETTLE_STEP_S
        try:
            self._settle(knee_rad, motor_nm)
        finally:
            self.timestep_s = usual
        self.data.qvel[:] = 0.0
        self.data.time = 0.0

    def step(self, motor_nm: float, knee_rad: float = 0.0) -> Reading:
        """One step on: the reading at its begin; a held knee is at `knee_rad` at its end (a free one ignores it)."""
        import mujoco

        before = {name: (float(self.data.qpos[dof]), float(self.data.qvel[dof])) for name, dof in self._dof.items()}
        time_s = float(self.data.time)
        self.data.ctrl[0] = motor_nm
        if time_s > 0.0:
            self.stiffen()
        if self._held:
            self._step_held(knee_rad)
        else:
            mujoco.mj_step(self.model, self.data)
        return self._reading(time_s, motor_nm, before)

    def _step_held(self, knee_rad: float) -> None:
        """The knee is pushed to its next angle by what its inertia needs, less what tissue did last; the rest is set.

        Setting its rate alone would be a jump each step, which loss turns into torque.
        """
        import mujoco

        data, knee, step_s = self.data, self._dof["knee"], self.timestep_s
        rate = (knee_rad - data.qpos[knee]) / step_s
        inertia = float(self.model.dof_armature[knee])
        data.qfrc_applied[knee] = inertia * (rate - data.qvel[knee]) / step_s - data.qfrc_passive[knee]
        mujoco.mj_step(self.model, data)
        data.qpos[knee], data.qvel[knee] = knee_rad, rate

    def points_m(self, name: SegmentName) -> F64:
        """Tissue nodes [n, 3] in the world at the begin of the last step, in the order of the mesh."""
        first = int(self.model.flex_vertadr[SEGMENTS.index(name)])
        out: F64 = self.data.flexvert_xpos[first : first + len(self.built.mesh(name).points_m)].copy()
        return out

    def min_det_f(self) -> float:
        """Smallest volume ratio of any element; below `svk.MIN_DET_F` fall back to the reduced model."""
        return min(float(self._tets[name].det_f(self.points_m(name)).min()) for name in SEGMENTS)

    def tets(self, name: SegmentName) -> Tets:
        """The same elements in numpy, to get nodal forces from `points_m`."""
        return self._tets[name]

    def stiffen(self) -> None:
        """Exponential tissue: each element's modulus at the strain it had when the last step began.

        Right at rest, for the force is then the derivative of the energy; a step late in motion.
        """
        if self.phantom.material.stiffening == 0.0:
            return
        for flex, name in enumerate(SEGMENTS):
            growth = self._tets[name].growth(self.points_m(name))
            stiffness_rows(self.model, flex)[:] = self._rows[name] * growth[:, None]

    def _settle(self, knee_rad: float, motor_nm: float) -> None:
        """Turn the knee slowly from straight, then wait until nothing moves."""
        turn = int(_SETTLE_TURN_S / _SETTLE_STEP_S)
        for k in range(int(_SETTLE_MAX_S / _SETTLE_STEP_S)):
            share = min(1.0, (k + 1) / turn)
            self.step(share * motor_nm, share * knee_rad)
            moving = [dof for name, dof in self._dof.items() if name != "knee" or not self._held]
            if k > turn and np.abs(self.data.qvel[moving]).max() < _SETTLED_RADPS:
                return
        raise no_rest(knee_rad, motor_nm)

    def _reading(self, time_s: float, motor_nm: float, before: dict[str, tuple[float, float]]) -> Reading:
        base = np.array([before[name][0] for name in ("exo_x", "exo_z", "exo_pitch")])
        knee, hinge = before["knee"], before["hinge"]
        return Reading(
            time_s, motor_nm, knee[0], knee[1], hinge[0], hinge[1],
            float(self.data.qfrc_passive[self._dof["knee"]]), base, cuff_poses(self.phantom, base, hinge[0], knee[0]),
        )  # fmt: skip


def no_rest(knee_rad: float, motor_nm: float) -> UserError:
    """To be raised where the phantom does not come to rest."""
    return UserError(
        f"tissue: the phantom finds no rest at {np.degrees(knee_rad):.0f} deg with {motor_nm:g} Nm; "
        "less torque, stiffer tissue, or a wider cuff"
    )


_JOINTS: Final = ("knee", "exo_x", "exo_z", "exo_pitch", "hinge")


def cuff_poses(phantom: Phantom, base: F64, hinge_rad: float, knee_rad: float) -> F64:
    """Poses [2, 3] (ux, uz, phi) of thigh and shank cuff relative to their bones, m and rad.

    `base` [3]: way of the hinge's axis (x, z) in the thigh and pitch of the device's thigh half.
    """
    x, z = phantom.device.misalignment_m
    origin = np.array([x + base[0], z + base[1]])
    out = np.empty((2, 3))
    turned = ((0.0, float(base[2])), (knee_rad, float(base[2]) + hinge_rad))
    for row, (name, (bone_rad, device_rad)) in enumerate(zip(SEGMENTS, turned, strict=True)):
        rest = np.array([0.0, SIDE[name] * phantom.cuff(name).centre_m])
        centre = origin + _turn(rest - np.array([x, z]), device_rad)
        out[row, :2] = _turn(centre, -bone_rad) - rest
        out[row, 2] = device_rad - bone_rad
    return out


def _turn(point: F64, angle_rad: float) -> F64:
    """A point (x, z) turned about y: positive from z towards x."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([c * point[0] + s * point[1], -s * point[0] + c * point[1]])
