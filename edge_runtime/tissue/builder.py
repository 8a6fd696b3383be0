"""MuJoCo model of a phantom: two bones, tissue as low-level flex, the device on two glued cuffs.

Every tissue node belongs to a bone, to a cuff, or moves on three slides of its own. The device floats in the sagittal
plane (x, z, pitch), so only the cuffs hold it; its motor turns the shank's half against the thigh's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from edge_runtime.tissue.annulus import Annulus, Mask, annulus
from edge_runtime.tissue.geometry import SEGMENTS, Device, Material, Phantom, SegmentName
from edge_runtime.tissue.guard import check_law
from edge_runtime.tissue.mesh_factor import correction, element_young
from edge_runtime.types import F64

Knee = Literal["held", "free"]
"""held: the knee follows a prescribed angle (locked, driven) whatever the load; free: it moves under torque."""

BONE_BODY: Final[dict[SegmentName, str]] = {"thigh": "femur", "shank": "tibia"}
CUFF_BODY: Final[dict[SegmentName, str]] = {"thigh": "exo_thigh", "shank": "exo_shank"}
SIDE: Final[dict[SegmentName, float]] = {"thigh": 1.0, "shank": -1.0}

_HELD_INERTIA: Final = 100.0
"""kgm2 on a held knee: tissue moves it by less than 1e-6 rad in a step, which is taken back after the step."""
_LEAST_LOSS_S: Final = 1e-9
"""MuJoCo warns about tissue without any loss."""
_SHANK_MASS_KG: Final = 3.5
_SHANK_INERTIA_KGM2: Final = 0.30
"""Shank and foot about the knee, of a free knee: round numbers of a grown leg; a held knee does not feel them."""


@dataclass(frozen=True, slots=True)
class Built:
    """A phantom's model: `mjcf` text, the meshes it was made of, and what is set after compiling."""

    phantom: Phantom
    mjcf: str
    thigh: Annulus
    shank: Annulus

    def mesh(self, name: SegmentName) -> Annulus:
        """Tissue mesh of that segment."""
        return self.thigh if name == "thigh" else self.shank

    def compile(self) -> Any:
        """`mujoco.MjModel` with layered moduli and the prestrain of the cuffs, which MJCF cannot say."""
        import mujoco

        check_law()
        model = mujoco.MjModel.from_xml_string(self.mjcf)
        for flex, name in enumerate(SEGMENTS):
            tissue, first = self.mesh(name), int(model.flex_vertadr[flex])
            scale = element_young(self.phantom, name, tissue) / self.phantom.material.young_pa
            per_element = stiffness_rows(model, flex)
            per_element *= scale[:, None]
            pressed = np.flatnonzero(tissue.cuff)
            model.flex_vert[first + pressed] = _on_cuff(self.phantom, name, pressed_points(self.phantom, name, tissue))
        return model


def stiffness_rows(model: Any, flex: int) -> F64:
    """View [elements, k] of a flex's element stiffness in a compiled model; writing to it changes the tissue."""
    start, count = int(model.flex_stiffnessadr[flex]), int(model.flex_elemnum[flex])
    ends = [int(a) for a in model.flex_stiffnessadr if a > start] or [model.flex_stiffness.size]
    rows: F64 = model.flex_stiffness.reshape(-1)[start : min(ends)].reshape(count, -1)
    return rows


def build(phantom: Phantom, knee: Knee = "held", timestep_s: float = 0.002, gravity_mps2: float = 0.0) -> Built:
    """Model of `phantom`; see `Built.compile` and `edge_runtime.tissue.simulate.FullModel`.

    Joints: `knee` (flexion positive), `exo_x`, `exo_z`, `exo_pitch`, `hinge`; motor `motor`; flexes `thigh`, `shank`.
    """
    meshes = {
        name: annulus(phantom.segment(name), phantom.cuff(name), phantom.material, phantom.mesh, SIDE[name])
        for name in SEGMENTS
    }
    parts = [
        f'<mujoco model="phantom"><compiler angle="radian"/><option timestep="{timestep_s:g}" integrator="discrete" '
        f'solver="Newton" tolerance="1e-6" iterations="2000" gravity="0 0 {-gravity_mps2:g}"/>',
        '<size memory="400M"/>' + _LOOKS,
        "<worldbody>" + _LIGHTS + _bones(phantom, knee, meshes) + _device(phantom) + "</worldbody><deformable>",
    ]
    parts += [_flex(name, meshes[name], phantom) for name in SEGMENTS]
    parts.append('</deformable><actuator><motor name="motor" joint="hinge"/></actuator></mujoco>')
    return Built(phantom, "\n".join(parts), meshes["thigh"], meshes["shank"])


def pressed_points(phantom: Phantom, name: SegmentName, tissue: Annulus) -> F64:
    """Where the nodes under a cuff are with the cuff in place, [c, 3] in the bone's frame, m: prestrain applied."""
    points: F64 = tissue.points_m[tissue.cuff].copy()
    points[:, :2] *= 1.0 - phantom.cuff(name).prestrain
    return points


def _on_cuff(phantom: Phantom, name: SegmentName, points_m: F64) -> F64:
    """Points of the bone's frame at straight knee in the frame of the cuff's body."""
    x, z = phantom.device.misalignment_m
    return points_m - np.array([x, 0.0, z])


def _bones(phantom: Phantom, knee: Knee, meshes: dict[SegmentName, Annulus]) -> str:
    armature = _HELD_INERTIA if knee == "held" else 0.0
    bones = []
    for name in SEGMENTS:
        segment, side = phantom.segment(name), SIDE[name]
        x, y = segment.bone_offset_m
        bones.append(
            f'<geom type="capsule" fromto="{x:.6g} {y:.6g} {side * 0.03:g} {x:.6g} {y:.6g} '
            f'{side * 1.15 * segment.far_m:.6g}" size="{0.98 * segment.bone_radius_m:.6g}" {_BONE_LOOK}/>'
        )
    thigh, shank = (_slides(name, meshes[name], phantom.material.density_kgpm3) for name in SEGMENTS)
    return (
        f'<body name="femur">{bones[0]}<geom type="sphere" size="0.028" {_BONE_LOOK}/>{thigh}</body>'
        f'<body name="tibia"><joint name="knee" type="hinge" axis="0 1 0" armature="{armature:g}"/>'
        f'<inertial pos="0 0 {-0.6 * phantom.shank.far_m:.6g}" mass="{_SHANK_MASS_KG}" '
        f'diaginertia="{_SHANK_INERTIA_KGM2} {_SHANK_INERTIA_KGM2} 0.01"/>{bones[1]}{shank}</body>'
    )


def _device(phantom: Phantom) -> str:
    device = phantom.device
    x, z = device.misalignment_m
    thigh, shank = (_half(phantom, name, device) for name in SEGMENTS)
    return (
        f'<body name="exo_thigh" pos="{x:.9g} 0 {z:.9g}"><joint name="exo_x" type="slide" axis="1 0 0"/>'
        f'<joint name="exo_z" type="slide" axis="0 0 1"/><joint name="exo_pitch" type="hinge" axis="0 1 0"/>{thigh}'
        f'<body name="exo_shank"><joint name="hinge" type="hinge" axis="0 1 0" '
        f'armature="{device.rotor_inertia_kgm2:.6g}"/>{shank}</body></body>'
    )


def _half(phantom: Phantom, name: SegmentName, device: Device) -> str:
    """Inertia and looks of one half of the device's frame, in the frame of its body (origin on the hinge)."""
    cuff, segment = phantom.cuff(name), phantom.segment(name)
    x, z = device.misalignment_m
    centre = SIDE[name] * cuff.centre_m - z
    inertia = device.frame_inertia_kgm2
    wide = max(*segment.near_radii_m, *segment.far_radii_m) + 0.012
    bars = "".join(
        f'<geom type="capsule" fromto="0 {y:.5g} 0 {-x:.5g} {y:.5g} {centre:.5g}" size=".008" {_BAR_LOOK}/>'
        for y in (-wide, wide)
    )
    return (
        f'<inertial pos="{-x:.9g} 0 {centre:.9g}" mass="{device.frame_mass_kg / 2.0:.6g}" '
        f'diaginertia="{inertia:.6g} {inertia:.6g} {inertia:.6g}"/>{bars}{_shell(phantom, name)}'
    )


def _shell(phantom: Phantom, name: SegmentName) -> str:
    """The cuff as a ring of plates, to be seen only, in the frame of its half of the device."""
    cuff, segment = phantom.cuff(name), phantom.segment(name)
    share = (cuff.centre_m - segment.near_m) / (segment.far_m - segment.near_m)
    radii = (1.0 - share) * np.array(segment.near_radii_m) + share * np.array(segment.far_radii_m)
    x, z = phantom.device.misalignment_m
    plates = []
    for angle in (np.arange(_PLATES) + 0.5) * cuff.wrap_rad / _PLATES - cuff.wrap_rad / 2.0:
        out = np.array([np.cos(angle), np.sin(angle)])
        at = (radii + 0.004) * out
        wide = 1.05 * float(radii.max()) * cuff.wrap_rad / _PLATES / 2.0
        plates.append(
            f'<geom type="box" size=".002 {wide:.5g} {cuff.length_m / 2.0:.5g}" pos="{at[0] - x:.6g} {at[1]:.6g} '
            f'{SIDE[name] * cuff.centre_m - z:.6g}" euler="0 0 {angle:.6g}" {_SHELL_LOOK}/>'
        )
    return "".join(plates)


def _slides(name: SegmentName, tissue: Annulus, density_kgpm3: float) -> str:
    """A body on three slides for each free node, in the frame of its bone, with which it turns."""
    joints = "".join(f'<joint type="slide" axis="{axis}"/>' for axis in ("1 0 0", "0 1 0", "0 0 1"))
    bodies = []
    for node in np.flatnonzero(tissue.free):
        mass = max(float(tissue.node_volume_m3[node]) * density_kgpm3, 1e-6)
        inertia = f"{1e-5 * mass:.4g}"
        bodies.append(
            f'<body name="{name}{node}" pos="{_numbers(tissue.points_m[node])}"><inertial pos="0 0 0" '
            f'mass="{mass:.9g}" diaginertia="{inertia} {inertia} {inertia}"/>{joints}</body>'
        )
    return "".join(bodies)


def _flex(name: SegmentName, tissue: Annulus, phantom: Phantom) -> str:
    material: Material = phantom.material
    local = np.zeros_like(tissue.points_m)
    local[tissue.bone] = tissue.points_m[tissue.bone]
    local[tissue.cuff] = _on_cuff(phantom, name, tissue.points_m[tissue.cuff])
    poisson = correction(phantom.mesh, material.poisson).poisson
    loss_s = max(material.loss_s, _LEAST_LOSS_S)
    return (
        f'<flex name="{name}" dim="3" radius="0" flatskin="false" rgba=".95 .6 .5 .7" '
        f'body="{" ".join(_body_names(name, tissue.bone, tissue.cuff))}" vertex="{_numbers(local)}" '
        f'element="{" ".join(map(str, tissue.tets.ravel()))}">'
        '<contact selfcollide="none" contype="0" conaffinity="0"/>'
        f'<elasticity young="{material.young_pa:.12g}" poisson="{poisson:.12g}" damping="{loss_s:.12g}"/></flex>'
    )


def _body_names(name: SegmentName, bone: Mask, cuff: Mask) -> list[str]:
    return [
        BONE_BODY[name] if bone[node] else CUFF_BODY[name] if cuff[node] else f"{name}{node}"
        for node in range(len(bone))
    ]


def _numbers(values: F64) -> str:
    return " ".join(f"{value:.12g}" for value in values.ravel())


_BONE_LOOK: Final = 'contype="0" conaffinity="0" mass="0" rgba=".9 .85 .7 1"'
_BAR_LOOK: Final = 'contype="0" conaffinity="0" mass="0" rgba=".25 .25 .28 1"'
_SHELL_LOOK: Final = 'contype="0" conaffinity="0" mass="0" rgba=".2 .4 .8 .35"'
_PLATES: Final = 24
_LOOKS: Final = (
    '<visual><headlight ambient=".45 .45 .45" diffuse=".5 .5 .5" specular=".1 .1 .1"/>'
    '<global offwidth="1200" offheight="1200"/><map znear="0.01"/></visual>'
    '<asset><texture type="skybox" builtin="gradient" rgb1=".9 .95 1" rgb2=".5 .6 .7" width="64" height="64"/></asset>'
)
_LIGHTS: Final = (
    '<light pos="0.5 -1 1" dir="-.3 .7 -.6" diffuse=".8 .8 .8"/>'
    '<camera name="side" pos="0.0 -0.95 0.02" xyaxes="1 0 0 0 0.05 1"/>'
    '<camera name="iso" pos="0.60 -0.68 0.33" xyaxes="0.75 0.66 0 -0.25 0.29 0.92"/>'
)
