"""The phantom's model: meshes, MuJoCo against our own elements, equilibrium, held knee, bad input."""

from __future__ import annotations

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from edge_runtime.errors import UserError
from edge_runtime.tissue.annulus import annulus
from edge_runtime.tissue.builder import SIDE, build
from edge_runtime.tissue.geometry import SEGMENTS, Cuff, Device, Layer, Material, Mesh, Phantom, phantom_for, with_girth
from edge_runtime.tissue.simulate import FullModel
from edge_runtime.tissue.static import CuffStatics
from edge_runtime.types import F64

SMALL = Mesh(2, 8, 5)


def leg(**changes: object) -> Phantom:
    return replace(phantom_for(1.75, 75.0, SMALL), **changes)  # type: ignore[arg-type]


def _about_knee(phantom: Phantom, pose: F64) -> float:
    """Torque on the knee, Nm, of what holds the shank's cuff at a pose."""
    force_x, force_z, moment = CuffStatics(phantom, "shank").solve(pose).load
    return float(moment + (pose[1] - phantom.shank_cuff.centre_m) * force_x - pose[0] * force_z)


@pytest.mark.parametrize("name", SEGMENTS)
def test_mesh_fills_the_frustum_and_cuff_edges_are_nodes(name: str) -> None:
    phantom = phantom_for(1.75, 75.0, Mesh(2, 48, 8))
    segment, cuff = phantom.thigh, phantom.thigh_cuff
    mesh = annulus(segment, cuff, phantom.material, phantom.mesh, 1.0)
    (a, _), (b, _) = segment.near_radii_m, segment.far_radii_m
    exact = np.pi * (segment.far_m - segment.near_m) * ((a * a + a * b + b * b) / 3.0 - segment.bone_radius_m**2)
    assert mesh.volume_m3.sum() == pytest.approx(exact, rel=4e-3)  # the polygon of 48 sides is smaller
    glued = mesh.points_m[mesh.cuff][:, 2]
    assert glued.min() == pytest.approx(cuff.centre_m - cuff.length_m / 2.0)
    assert glued.max() == pytest.approx(cuff.centre_m + cuff.length_m / 2.0)
    assert not (mesh.bone & mesh.cuff).any() and (mesh.bone | mesh.cuff | mesh.free).all()


def test_skin_faces_look_outward_and_close_the_side() -> None:
    phantom = leg()
    mesh = annulus(phantom.shank, phantom.shank_cuff, phantom.material, phantom.mesh, -1.0)
    a, b, c = (mesh.points_m[mesh.skin_faces[:, i]] for i in range(3))
    normal = np.cross(b - a, c - a)
    assert (np.einsum("ij,ij->i", normal[:, :2], ((a + b + c) / 3.0)[:, :2]) > 0.0).all()
    assert len(mesh.skin_faces) == 2 * SMALL.around * SMALL.along


def test_mujoco_and_our_elements_give_the_same_forces() -> None:
    layers = (Layer(0.5, 90e3), Layer(1.0, 30e3))
    phantom = leg(material=Material(layers=layers), thigh_cuff=replace(leg().thigh_cuff, prestrain=0.05))
    model = FullModel(phantom)
    nodes = np.concatenate([model.built.mesh(name).free for name in SEGMENTS])
    slides = model.model.dof_bodyid >= 0
    slides[[int(model.model.joint(name).dofadr[0]) for name in ("knee", "exo_x", "exo_z", "exo_pitch", "hinge")]] = (
        False
    )
    rng = np.random.default_rng(5)
    model.data.qpos[slides] = rng.normal(0.0, 1e-3, int(slides.sum()))
    mujoco.mj_forward(model.model, model.data)
    ours = np.concatenate([model.tets(name).forces_n(model.points_m(name)) for name in SEGMENTS])[nodes]
    theirs = model.data.qfrc_passive[slides].reshape(-1, 3)
    assert np.abs(ours).max() > 1.0
    np.testing.assert_allclose(theirs, ours, atol=1e-9 * np.abs(ours).max())


def test_static_load_is_the_gradient_of_the_energy_and_what_mujoco_settles_to() -> None:
    phantom = leg(device=Device(misalignment_m=(0.01, -0.005)))
    model = FullModel(phantom)
    model.reset(0.7, 6.0)
    reading = model.step(6.0, 0.7)
    assert reading.knee_torque_nm == pytest.approx(_about_knee(phantom, reading.cuff_poses[1]), abs=5e-3)
    statics, pose = CuffStatics(phantom, "thigh"), np.array([0.004, 0.003, 0.03])
    load = statics.solve(pose).load
    for axis, step in enumerate((1e-5, 1e-5, 1e-4)):
        ends = [statics.solve(pose + sign * step * np.eye(3)[axis]).energy_j for sign in (1.0, -1.0)]
        assert (ends[0] - ends[1]) / (2.0 * step) == pytest.approx(load[axis], rel=1e-5)


def test_exponential_tissue_is_stiffer_under_load_and_mujoco_finds_the_same_rest() -> None:
    phantom = leg(material=Material(stiffening=3.0))
    statics, plain = CuffStatics(phantom, "thigh"), CuffStatics(leg(), "thigh")
    np.testing.assert_allclose(statics.stiffness(), plain.stiffness(), rtol=1e-4, atol=0.1)
    pose = np.array([0.004, 0.006, 0.08])
    hard, soft = statics.solve(pose), plain.solve(pose)
    assert hard.energy_j > 1.02 * soft.energy_j
    for axis, step in enumerate((1e-5, 1e-5, 1e-4)):
        ends = [statics.solve(pose + sign * step * np.eye(3)[axis]).energy_j for sign in (1.0, -1.0)]
        assert (ends[0] - ends[1]) / (2.0 * step) == pytest.approx(hard.load[axis], rel=1e-4)
    model = FullModel(phantom)
    model.reset(0.0, 8.0)
    reading = model.step(8.0, 0.0)
    assert reading.knee_torque_nm == pytest.approx(_about_knee(phantom, reading.cuff_poses[1]), abs=5e-3)


def test_a_held_knee_follows_its_angle_exactly_and_torque_arrives_at_rest() -> None:
    model = FullModel(leg())
    model.reset()
    angles = 0.2 * (1.0 - np.cos(np.linspace(0.0, 3.0, 50)))
    readings = [model.step(0.0, angle) for angle in angles]
    np.testing.assert_allclose([r.knee_rad for r in readings[1:]], angles[:-1], atol=1e-12)
    model.reset(0.0, 5.0)
    assert model.step(5.0, 0.0).knee_torque_nm == pytest.approx(5.0, rel=0.02)


def test_free_knee_moves_under_torque() -> None:
    model = FullModel(leg(), knee="free")
    for _ in range(50):
        reading = model.step(5.0)
    assert reading.knee_rad > 1e-4


def test_girths_set_the_circumference() -> None:
    segment = with_girth(replace(leg().thigh, near_radii_m=(0.06, 0.06)), 0.40, 0.55)
    assert 2.0 * np.pi * segment.near_radii_m[0] == pytest.approx(0.40)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Material(young_pa=5e3),
        lambda: Material(poisson=0.49),
        lambda: Material(layers=(Layer(0.5, 50e3),)),
        lambda: leg(thigh_cuff=Cuff(0.5)),
        lambda: phantom_for(1.75, float("nan")),
        lambda: Device(misalignment_m=(0.2, 0.0)),
        lambda: Mesh(around=7),
    ],
)
def test_bad_numbers_are_refused_in_one_line(make: object) -> None:
    with pytest.raises(UserError) as caught:
        make()  # type: ignore[operator]
    assert "\n" not in str(caught.value)


def test_shank_lies_below_the_knee() -> None:
    built = build(leg())
    for name in SEGMENTS:
        assert (np.sign(built.mesh(name).points_m[:, 2]) == SIDE[name]).all()
