"""A phantom leg that shares nothing with the reduced model: tissue as columns between bone and cuff, hinge in time.

Each column from bone to cuff is deformed evenly, F = 1 + u n / h (u: way of its end on the cuff, n: along the column,
h: its length), and its tissue is compressible neo-Hookean,
    W = mu/2 (tr F'F - 3 - 2 ln J) + lambda/2 (ln J)^2,
or stiffens with it, mu/b (exp(b W / mu) - 1), the form of Demiray 1972 (J. Biomech. 5:309) with W in place of its
first invariant alone. Loss is Kelvin-Voigt or three Prony arms in every column. Explicit steps of 50 us. A plant only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import njit

from edge_runtime.tissue.geometry import SEGMENTS, Phantom, SegmentName
from edge_runtime.tissue.svk import lame
from edge_runtime.types import F64

SUBSTEPS: Final = 20
_ARMS: Final = 3
_AROUND: Final = 16
_ALONG: Final = 8
_SMALLEST_J: Final = 0.05  # a column is not pressed flatter than this


@dataclass(frozen=True, slots=True)
class Tissue:
    """Law of the columns: `stiffening` b (0: none), Kelvin-Voigt time, Prony arms (shares of the lasting stiffness)."""

    young_pa: float
    poisson: float = 0.4
    stiffening: float = 0.0
    kelvin_time_s: float = 0.0
    arm_share: tuple[float, float, float] = (0.0, 0.0, 0.0)
    arm_time_s: tuple[float, float, float] = (0.01, 0.1, 1.0)


class FoundationLeg:
    """The phantom's geometry and device on columns of `tissue`; steps of 1 ms. Angles and torques: flexion positive."""

    def __init__(self, phantom: Phantom, tissue: Tissue, knee_rad: float) -> None:
        columns = [_columns(phantom, name) for name in SEGMENTS]
        self._points = np.stack([c[0] for c in columns])
        self._normals = np.stack([c[1] for c in columns])
        self._length = np.stack([c[2] for c in columns])
        self._area = np.stack([c[3] for c in columns])
        device = phantom.device
        self._mis = np.array(device.misalignment_m)
        self._centres = np.array([phantom.thigh_cuff.centre_m, -phantom.shank_cuff.centre_m])
        lam, mu = lame(tissue.young_pa, tissue.poisson)
        self._law = np.array([float(lam), float(mu), tissue.stiffening, tissue.kelvin_time_s])
        self._arms = np.array([tissue.arm_share, tissue.arm_time_s])
        self._bodies = np.array([device.frame_mass_kg / 2.0, device.frame_inertia_kgm2, device.rotor_inertia_kgm2])
        self._state = np.zeros(8)  # x, z, pitch, hinge and their rates
        self._state[3] = knee_rad
        self._memory = np.zeros((2, 2 + _ARMS, self._points.shape[1], 3))  # elastic traction, way, arms
        self._knee_rad = knee_rad
        self._out = np.zeros(3)
        for _ in range(2):  # the first fills the memory with the tissue as it is
            self.step(0.0, knee_rad)

    def step(self, motor_nm: float, knee_rad: float) -> tuple[float, float, float]:
        """1 ms with a motor torque, the knee moving evenly to `knee_rad`: hinge angle and rate then, and the mean
        torque at the knee."""
        _march(
            self._points, self._normals, self._length, self._area, self._centres, self._mis, self._law, self._arms,
            self._bodies, self._state, self._memory, motor_nm, self._knee_rad, knee_rad, self._out,
        )  # fmt: skip
        self._knee_rad = knee_rad
        return float(self._out[0]), float(self._out[1]), float(self._out[2])

    def rest(self, motor_nm: float) -> float:
        """Hinge angle, rad, after 1.5 s under a motor torque, the knee held where it is."""
        for _ in range(1500):
            hinge_rad, _, _ = self.step(motor_nm, self._knee_rad)
        return hinge_rad


def _columns(phantom: Phantom, name: SegmentName) -> tuple[F64, F64, F64, F64]:
    """Ends on the cuff [n, 3] in the bone's frame, outward normals [n, 3], lengths [n], areas [n] half way down."""
    segment, cuff = phantom.segment(name), phantom.cuff(name)
    side = 1.0 if name == "thigh" else -1.0
    turn = (np.arange(_AROUND) + 0.5) * 2.0 * np.pi / _AROUND
    along = cuff.centre_m + ((np.arange(_ALONG) + 0.5) / _ALONG - 0.5) * cuff.length_m
    t, d = (grid.ravel() for grid in np.meshgrid(turn, along))
    share = (d - segment.near_m) / (segment.far_m - segment.near_m)
    radii = [near + share * (far - near) for near, far in zip(segment.near_radii_m, segment.far_radii_m, strict=True)]
    radius = np.hypot(radii[0] * np.cos(t), radii[1] * np.sin(t))
    normals = np.stack([np.cos(t), np.sin(t), np.zeros_like(t)], axis=1)
    points = radius[:, None] * normals + np.outer(side * d, [0.0, 0.0, 1.0])
    middle = 0.5 * (radius + segment.bone_radius_m)
    area = middle * 2.0 * np.pi / _AROUND * cuff.length_m / _ALONG
    return points, normals, radius - segment.bone_radius_m, area


@njit(cache=True)
def _traction(law: Any, way: Any, normal: Any, length: float, out: Any) -> None:
    """First Piola stress of a column on the cuff, Pa, for the way [3] of its end."""
    lam, mu, stiffening = law[0], law[1], law[2]
    a = way / length
    j = max(1.0 + a @ normal, _SMALLEST_J)
    log = np.log(j)
    rise = 1.0
    if stiffening > 0.0:
        energy = 0.5 * (2.0 * (a @ normal) + a @ a - 2.0 * log) + 0.5 * lam / mu * log * log
        rise = np.exp(min(stiffening * energy, 30.0))
    for k in range(3):
        out[k] = rise * (mu * (a[k] + normal[k] * (1.0 - 1.0 / j)) + lam * log / j * normal[k])


@njit(cache=True)
def _cuff(
    points: Any, normals: Any, length: Any, area: Any, centre_m: float, law: Any, arms: Any, memory: Any, pose: Any,
    dt_s: float, out: Any,
) -> None:  # fmt: skip
    """Force (x, z) and moment about its centre of the tissue on one cuff at a pose [3]; moves its memory on."""
    cos, sin = np.cos(pose[2]), np.sin(pose[2])
    way, elastic = np.zeros(3), np.zeros(3)
    out[:] = 0.0
    for i in range(points.shape[0]):
        x, z = points[i, 0], points[i, 2] - centre_m
        at_x, at_z = cos * x + sin * z, -sin * x + cos * z
        way[0], way[2] = at_x + pose[0] - x, at_z + pose[1] - z
        _traction(law, way, normals[i], length[i], elastic)
        fx = fz = 0.0
        for k in (0, 2):
            change = elastic[k] - memory[0, i, k]
            total = elastic[k] + law[3] * change / dt_s
            for arm in range(_ARMS):
                keep = np.exp(-dt_s / arms[1, arm])
                memory[2 + arm, i, k] = keep * memory[2 + arm, i, k] + arms[0, arm] * np.sqrt(keep) * change
                total += memory[2 + arm, i, k]
            memory[0, i, k] = elastic[k]
            if k == 0:
                fx = -total * area[i]
            else:
                fz = -total * area[i]
        out[0] += fx
        out[1] += fz
        out[2] += at_z * fx - at_x * fz


@njit(cache=True)
def _march(
    points: Any, normals: Any, length: Any, area: Any, centres: Any, mis: Any, law: Any, arms: Any, bodies: Any,
    state: Any, memory: Any, motor_nm: float, knee_from: float, knee_to: float, out: Any,
) -> None:  # fmt: skip
    """1 ms of the device on its cuffs, semi-implicit Euler.

    The knee's torque is the mean over it: the knee's rate jumps from one to the next, which loss turns into an impulse.
    """
    dt_s = 1e-3 / SUBSTEPS
    load, at, force, mass = np.zeros(3), np.zeros(4), np.zeros(4), np.zeros((4, 4))
    out[2] = 0.0
    for n in range(SUBSTEPS):
        knee = knee_from + (knee_to - knee_from) * (n + 1) / SUBSTEPS
        force[:] = 0.0
        force[3] = motor_nm
        mass[:, :] = 0.0
        mass[3, 3] = bodies[2]
        for i in range(2):
            pose = _place(state, mis, centres[i], i, i * knee, at)
            _cuff(points[i], normals[i], length[i], area[i], centres[i], law, arms, memory[i], pose, dt_s, load)
            _to_world(load, i * knee)
            if i == 1:
                out[2] -= (at[1] * load[0] - at[0] * load[1] + load[2]) / SUBSTEPS
            _add_link(bodies, state[6] + i * state[7], i, at, load, force, mass)
        for a in (2, 3):
            mass[a, 0], mass[a, 1] = mass[0, a], mass[1, a]
        state[4:8] += dt_s * np.linalg.solve(mass, force)
        state[:4] += dt_s * state[4:8]
    out[0], out[1] = state[3], state[7]


@njit(cache=True)
def _place(state: Any, mis: Any, centre_m: float, i: int, bone_rad: float, at: Any) -> Any:
    """Pose (3) of a cuff in its bone's frame; `at` [4]: its centre from the knee, and from the hinge (x, z)."""
    turn = state[2] + i * state[3]
    cos, sin = np.cos(turn), np.sin(turn)
    arm_x, arm_z = -mis[0], centre_m - mis[1]
    at[2], at[3] = cos * arm_x + sin * arm_z, -sin * arm_x + cos * arm_z
    at[0], at[1] = mis[0] + state[0] + at[2], mis[1] + state[1] + at[3]
    bone_cos, bone_sin = np.cos(bone_rad), np.sin(bone_rad)
    x, z = bone_cos * at[0] - bone_sin * at[1], bone_sin * at[0] + bone_cos * at[1]
    return x, z - centre_m, turn - bone_rad


@njit(cache=True)
def _to_world(load: Any, bone_rad: float) -> None:
    """Turn a force (x, z) from the bone's frame into the thigh's."""
    cos, sin = np.cos(bone_rad), np.sin(bone_rad)
    load[0], load[1] = cos * load[0] + sin * load[1], -sin * load[0] + cos * load[1]


@njit(cache=True)
def _add_link(bodies: Any, rate: float, i: int, at: Any, load: Any, force: Any, mass: Any) -> None:
    """One half of the device, its mass at its cuff's centre, with the load on that cuff."""
    rel_x, rel_z = at[2], at[3]
    net_x, net_z = load[0] + bodies[0] * rate * rate * rel_x, load[1] + bodies[0] * rate * rate * rel_z
    force[0] += net_x
    force[1] += net_z
    turning = rel_z * net_x - rel_x * net_z + load[2]
    mass[0, 0] += bodies[0]
    mass[1, 1] += bodies[0]
    inertia = bodies[0] * (rel_x * rel_x + rel_z * rel_z) + bodies[1]
    for a in range(2, 3 + i):
        force[a] += turning
        mass[0, a] += bodies[0] * rel_z
        mass[1, a] -= bodies[0] * rel_x
        for b in range(2, 3 + i):
            mass[a, b] += inertia
