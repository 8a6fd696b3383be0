"""The compiler against OpenSim itself, on a synthetic model with every construct that it knows."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_runtime.biomech.skeleton.compile import Scaling, compile_model
from edge_runtime.biomech.skeleton.format import Compiled, load
from edge_runtime.biomech.skeleton.hill import tensions
from edge_runtime.biomech.skeleton.paths import MAX_DEGREE, lengths_and_arms, monomials
from edge_runtime.biomech.skeleton.person import Person
from edge_runtime.biomech.skeleton.tree import carry, couple, gather, new_motion, place, reduce_coupled
from edge_runtime.commands import model_compile
from edge_runtime.errors import UserError
from edge_runtime.types import F64
from tests.biomech.skeleton.synthetic import Builder, Change

pytestmark = pytest.mark.osim
POSES = 25


@pytest.fixture(scope="session")
def source(opensim: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Builder(opensim).write(tmp_path_factory.mktemp("osim") / "synthetic.osim")


@pytest.fixture(scope="session")
def compiled(source: Path) -> Compiled:
    return compile_model(source)[0]


@dataclass
class Oracle:
    """OpenSim's model in the order of the compiled one's coordinates."""

    opensim: Any
    model: Any
    state: Any
    coordinates: list[Any]
    muscles: list[Any]

    def pose(self, q: F64, qd: F64) -> None:
        for coordinate, value, rate in zip(self.coordinates, q, qd, strict=True):
            coordinate.setValue(self.state, float(value), False)
            coordinate.setSpeedValue(self.state, float(rate))
        self.model.realizeVelocity(self.state)

    def mobilities(self) -> list[int]:
        """Index among Simbody's speeds of each coordinate."""
        found = []
        for one in self.coordinates:
            for other in self.coordinates:
                other.setSpeedValue(self.state, 1.0 if other is one else 0.0)
            speeds = self.state.getU()
            found.append(next(k for k in range(speeds.size()) if speeds[k] != 0.0))
        return found


@pytest.fixture(scope="session")
def oracle(opensim: Any, source: Path, compiled: Compiled) -> Oracle:
    model = opensim.Model(str(source))
    state = model.initSystem()
    muscles = [model.getMuscles().get(i) for i in range(model.getMuscles().getSize())]
    return Oracle(opensim, model, state, [model.getCoordinateSet().get(n) for n in compiled.names.coordinates], muscles)


def motions(compiled: Compiled) -> list[F64]:
    """[POSES] of [3, C]: gait-like poses with lively rates, couplings fulfilled."""
    rng, names = np.random.default_rng(1), compiled.names.coordinates
    found = []
    for _ in range(POSES):
        m = np.stack([rng.uniform(-0.4, 0.4, len(names)), rng.normal(size=len(names)), 5 * rng.normal(size=len(names))])
        for i, name in enumerate(names):
            if name.startswith("knee"):
                m[0, i] = rng.uniform(-1.6, -0.05)
        couple(compiled.skeleton.tree, compiled.skeleton.functions, m[0], m[1], m[2])
        found.append(m)
    return found


def test_inverse_dynamics_is_opensims(compiled: Compiled, oracle: Oracle) -> None:
    solver, order = oracle.opensim.InverseDynamicsSolver(oracle.model), oracle.mobilities()
    for muscle in oracle.muscles:
        muscle.setAppliesForce(oracle.state, False)
    tree, f = compiled.skeleton.tree, compiled.skeleton.functions
    buffers, tau = new_motion(tree), np.zeros(len(order))
    for q, qd, qdd in motions(compiled):
        oracle.pose(q, qd)
        udot = np.zeros(len(order))
        udot[order] = qdd
        solved = solver.solve(oracle.state, oracle.opensim.Vector.createFromMat(udot))
        place(tree, f, q, qd, qdd, buffers)
        carry(tree, buffers)
        gather(tree, buffers, tau)
        assert tau == pytest.approx([solved[k] for k in order], abs=1e-9)


def test_muscle_lengths_arms_and_speeds_are_opensims(compiled: Compiled, oracle: Oracle) -> None:
    s = compiled.skeleton
    value, length = np.zeros(len(s.basis.exponent)), np.zeros(len(oracle.muscles))
    slope, arm = np.zeros((s.basis.span.shape[1], len(value))), np.zeros((len(length), len(oracle.coordinates)))
    powers = np.zeros((2, len(slope), MAX_DEGREE + 1))
    errors, lengths, speeds = [], [], []
    free = sorted(set(range(6, arm.shape[1])) - set(s.tree.coupled.tolist()))
    for q, qd, _ in motions(compiled):
        oracle.pose(q, qd)
        monomials(s.basis, q, powers, value, slope)
        lengths_and_arms(s.basis, s.lengths, value, slope, length, arm)
        for i, muscle in enumerate(oracle.muscles):
            lengths.append(muscle.getLength(oracle.state) - length[i])
            speeds.append(muscle.getLengtheningSpeed(oracle.state) + arm[i] @ qd)
            errors += [muscle.computeMomentArm(oracle.state, oracle.coordinates[c]) - arm[i, c] for c in free]
    assert np.percentile(np.abs(errors), 95) < 1e-3
    assert np.median(np.abs(lengths)) < 1e-4
    assert np.max(np.abs(lengths)) < 5e-3  # vasti: their path jumps where the conditional point comes in
    assert np.percentile(np.abs(speeds), 95) < 5e-3


def test_tensions_are_opensims_on_a_rigid_tendon(compiled: Compiled, oracle: Oracle) -> None:
    n = len(oracle.muscles)
    active, passive = np.zeros(n), np.zeros(n)
    for q, qd, _ in motions(compiled):
        oracle.pose(q, 0.3 * qd)
        length = np.array([muscle.getLength(oracle.state) for muscle in oracle.muscles])
        speed = np.array([muscle.getLengtheningSpeed(oracle.state) for muscle in oracle.muscles])
        tensions(compiled.skeleton.muscles, compiled.skeleton.functions, length, speed, active, passive)
        for i, muscle in enumerate(oracle.muscles):
            wanted = muscle.calcInextensibleTendonActiveFiberForce(oracle.state, 1.0)
            assert active[i] == pytest.approx(wanted, abs=0.02 * muscle.getMaxIsometricForce()), muscle.getName()


def test_knee_flexion_negative_is_noticed_and_a_person_can_be_made(compiled: Compiled) -> None:
    person = Person(compiled, 1.7)
    assert person.flexion_sign().tolist() == [-1.0, -1.0]
    assert "knee_angle_r" in person.solved
    assert "patella_r" not in person.solved


def test_forces_of_coupled_coordinates_reach_their_driver(compiled: Compiled) -> None:
    tree, tau = compiled.skeleton.tree, np.zeros(len(compiled.names.coordinates))
    knee, kneecap = (compiled.names.coordinates.index(name) for name in ("knee_angle_r", "patella_r"))
    q = np.zeros(len(tau))
    q[knee], tau[kneecap] = -0.5, 2.0
    reduce_coupled(tree, compiled.skeleton.functions, q, tau)
    assert tau[knee] == pytest.approx(2.0 * (2 * 0.004 * -0.5 + 0.02))
    assert tau[kneecap] == 0.0


def test_scaling_is_opensims(source: Path, compiled: Compiled) -> None:
    scaled, _ = compile_model(source, Scaling({"femur_r": (1.2, 1.2, 1.2)}, 45.0))
    femur, i = compiled.names.bodies.index("femur_r"), compiled.names.muscles.index("add_r")
    assert scaled.skeleton.tree.mass.sum() == pytest.approx(45.0)
    assert scaled.skeleton.tree.com[femur, 1] == pytest.approx(1.2 * compiled.skeleton.tree.com[femur, 1])
    before, after = compiled.skeleton.muscles, scaled.skeleton.muscles
    assert after.optimal_m[i] / before.optimal_m[i] == pytest.approx(after.slack_m[i] / before.slack_m[i])
    assert after.optimal_m[i] > before.optimal_m[i]
    with pytest.raises(UserError, match="no body femur_x"):
        compile_model(source, Scaling({"femur_x": (1.0, 1.0, 1.0)}))
    with pytest.raises(UserError, match="OpenSim cannot scale it: Non-uniform") as error:
        compile_model(source, Scaling({"femur_r": (1.0, 1.1, 1.0)}))
    assert "\n" not in str(error.value)


def test_the_command_writes_a_model_and_says_how_well_it_fits(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parser, out = argparse.ArgumentParser(), tmp_path / "m.npz"
    model_compile.configure(parser)
    assert model_compile.run(parser.parse_args([str(source), "--out", str(out), "--mass", "50"])) == 0
    told = capsys.readouterr().out
    assert "18 muscles" in told
    assert "moment arms: RMSE median" in told
    assert load(out).skeleton.tree.mass.sum() == pytest.approx(50.0)


@pytest.mark.parametrize("text", ["femur_r", "femur_r=1,2", "femur_r=1,0,1", "=1", "femur_r=x"])
def test_wrong_factors_are_explained(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="BODY=X,Y,Z"):
        model_compile.body_factors(text)


def _loop(b: Builder) -> None:
    weld = b.o.PointConstraint(b.model.getBodySet().get("calcn_r"), b.o.Vec3(0), b.model.getGround(), b.o.Vec3(0))
    weld.setName("strap")
    weld.thisown = False
    b.model.addConstraint(weld)


def _other_muscle(b: Builder) -> None:
    muscle = b.o.RigidTendonMuscle()
    muscle.setName("odd_r")
    for i, body in enumerate(("pelvis", "femur_r")):
        muscle.addNewPathPoint(f"odd-{i}", b.model.getBodySet().get(body), b.o.Vec3(0.01))
    muscle.thisown = False
    b.model.addForce(muscle)


def _ellipsoid(b: Builder) -> None:
    ball = b.o.Body("ball", 0.1, b.o.Vec3(0), b.o.Inertia(1e-3, 1e-3, 1e-3))
    b.model.addBody(ball)
    zero = b.o.Vec3(0)
    joint = b.o.EllipsoidJoint("egg", b.model.getGround(), zero, zero, ball, zero, zero, b.o.Vec3(0.1))
    b.model.addJoint(joint)


@pytest.mark.parametrize(
    ("change", "words"),
    [(_loop, "constraint strap is a PointConstraint"), (_other_muscle, "muscle odd_r is a RigidTendonMuscle"),
     (_ellipsoid, "joint egg is a EllipsoidJoint")],
)  # fmt: skip
def test_what_the_runtime_does_not_know_is_named_in_one_line(
    opensim: Any, tmp_path: Path, change: Change, words: str
) -> None:
    builder = Builder(opensim)
    change(builder)
    path = builder.write(tmp_path / "odd.osim")
    with pytest.raises(UserError, match=words) as error:
        compile_model(path)
    assert "odd.osim" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_model_is_one_line(opensim: Any, tmp_path: Path) -> None:
    path = tmp_path / "no.osim"
    path.write_text("<a>")
    for wrong in (path, tmp_path / "absent.osim"):
        with pytest.raises(UserError, match=wrong.name) as error:
            compile_model(wrong)
        assert "\n" not in str(error.value)
