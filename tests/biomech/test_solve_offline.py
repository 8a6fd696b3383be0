"""Whole trials: resampling, who it is of, files that read back, one line for each mistake."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge_runtime.biomech.frame_solvers import How, frame_solver
from edge_runtime.biomech.model import DOF_INDEX, DOFS, LegModel
from edge_runtime.biomech.motion import Motion, from_trial, made_up_gait
from edge_runtime.biomech.muscles import MuscleModel, solved_index
from edge_runtime.biomech.skeleton.format import save
from edge_runtime.biomech.solve_offline import Solved, solve_trial
from edge_runtime.biomech.subject import Subject, subject_of
from edge_runtime.biomech.tables import read_table
from edge_runtime.biomech.trials import References, Trial, read_trial
from edge_runtime.errors import UserError
from edge_runtime.types import COORDINATES, F64
from tests.biomech.skeleton.handmade import COORDINATES as HANDMADE_COORDINATES
from tests.biomech.skeleton.handmade import handmade
from tests.conftest import unavailable

HEIGHT_M, MASS_KG = 1.72, 70.0
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    """A made-up walk of 3 s at 100 Hz in the .npz convention."""
    motion = made_up_gait(DOFS, 3.0, 100.0, MASS_KG * 9.81)
    columns = [DOF_INDEX[name] for name in COORDINATES]
    path = tmp_path / "walk.npz"
    cop = motion.cop_m + np.array([0.1, 0.0, 0.0])
    np.savez(
        path, t=motion.time_s, q=np.degrees(motion.q[:, columns]), q_names=np.array(COORDINATES),
        grf_r=motion.force_n[:, 0], grf_l=motion.force_n[:, 1], cop_r=cop[:, 0], cop_l=cop[:, 1], mass_kg=MASS_KG,
    )  # fmt: skip
    return path


def solved(path: Path, how: How, model: str = "myolegs") -> Solved:
    return solve_trial(read_trial(path), model, Subject(HEIGHT_M, MASS_KG), how, 1.0, lambda items, _n, _what: items)


def test_muscles_and_reserves_make_the_moment(walk: Path) -> None:
    found = solved(walk, How())
    leg = LegModel(HEIGHT_M, MASS_KG)
    muscles, motion = MuscleModel(leg), found.motion
    assert len(motion) == 60
    assert np.all(found.quality["converged"] == 1.0)
    for k in range(0, 60, 13):
        leg.set_state(motion.q[k], motion.qd[k], motion.qdd[k])
        given = muscles.state().arm_m.T @ found.force_n[k] + found.reserve_nm[k]
        assert given == pytest.approx(found.moment_nm[k], abs=1e-6)
    assert solved_index(leg).tolist() == [leg.dofs.index(name) for name in found.dofs]


def test_numpy_solves_the_same(walk: Path) -> None:
    ours, twin = solved(walk, How()), solved(walk, How(solver="numpy"))
    assert twin.activation == pytest.approx(ours.activation, abs=1e-6)
    assert twin.contact_n == pytest.approx(ours.contact_n, abs=1e-2)


def test_dynamics_bound_what_changes_between_frames(walk: Path) -> None:
    free, bound = solved(walk, How()), solved(walk, How(dynamics="on"))
    fall = np.exp(-(1.0 / 60.0) / 0.040)
    assert np.all(bound.activation[1:] >= bound.activation[:-1] * fall - 1e-9)
    assert np.any(free.activation[1:] < free.activation[:-1] * fall - 1e-3)


@pytest.mark.parametrize(("step_ns", "late"), [(0, 0), (1_000_000, 0), (1_000_001, 60)])
def test_a_frame_over_its_budget_is_flagged_by_the_clock_it_is_given(walk: Path, step_ns: int, late: int) -> None:
    ticks = itertools.count(0, step_ns)
    subject = Subject(HEIGHT_M, MASS_KG)
    found = solve_trial(
        read_trial(walk), "myolegs", subject, How(), 1.0, lambda items, _n, _what: items, lambda: next(ticks)
    )
    assert found.quality["late"].sum() == late
    assert np.all(found.quality["converged"] == 1.0)


def test_dynamics_bound_a_compiled_model_too(tmp_path: Path) -> None:
    save(tmp_path / "legs.npz", handmade())
    size = len(HANDMADE_COORDINATES)
    force, cop = np.zeros((3, 2, 3)), np.zeros((3, 2, 3))
    force[:, 0, 1] = 400.0
    cop[:, 0] = [[x, -0.85, 0.1] for x in (-0.05, 0.05, 0.05)]
    rest = np.zeros((3, size))
    motion = Motion(np.arange(3) / 60.0, rest, rest, rest, force, cop, np.zeros_like(cop))
    found = {}
    for dynamics in ("off", "on"):
        solver = frame_solver(str(tmp_path / "legs.npz"), Subject(1.6, 46.0), How(dynamics=dynamics))
        extensor = solver.muscle_names.index("extensor_r")
        found[dynamics] = np.array([solver.step(motion, k).activation[extensor] for k in range(3)])
    fall = np.exp(-(1.0 / 60.0) / 0.040)
    assert found["off"][0] == found["on"][0] > 0.3
    assert found["off"][1] == pytest.approx(0.01)
    assert found["on"] == pytest.approx(found["on"][0] * np.array([1.0, fall, fall**2]), rel=1e-6)


def test_passive_force_acts_where_it_is_on(walk: Path) -> None:
    off, on = solved(walk, How()), solved(walk, How(passive="on"))
    assert np.abs(on.force_n - off.force_n).max() > 1.0
    assert np.all(on.quality["converged"] == 1.0)


def test_full_body_solves(walk: Path) -> None:
    try:
        found = solved(walk, How(), "myofullbody")
    except UserError as error:
        unavailable(str(error))
    assert found.activation.shape == (60, 416)
    assert np.all(found.quality["gradient_nm"] <= 1e-6)
    legs = solved(walk, How())
    column = [found.dofs.index(name) for name in legs.dofs]
    assert found.moment_nm[:, column] == pytest.approx(legs.moment_nm, abs=25.0)


def test_resampling_keeps_the_motion() -> None:
    rates = []
    for rate in (50.0, 1000.0):
        t = np.arange(0.0, 4.0, 1.0 / rate)
        q = np.zeros((len(t), len(COORDINATES)))
        q[:, COORDINATES.index("knee_angle_r")] = 0.5 + 0.4 * np.sin(2 * np.pi * t)
        motion = from_trial(_trial(t, q), DOFS, 60.0)
        middle = (motion.time_s > 1.0) & (motion.time_s < 3.0)
        t, i = motion.time_s[middle], DOF_INDEX["knee_angle_r"]
        w = 2 * np.pi
        assert motion.q[middle, i] == pytest.approx(0.5 + 0.4 * np.sin(w * t), abs=2e-3)
        assert motion.qd[middle, i] == pytest.approx(0.4 * w * np.cos(w * t), abs=2e-2)
        assert motion.qdd[middle, i] == pytest.approx(-0.4 * w * w * np.sin(w * t), abs=0.2)
        rates.append(motion)
    assert isinstance(rates[0], Motion)


def _trial(t: F64, q: F64) -> Trial:
    zero = np.zeros((len(t), 2, 3))
    return Trial("t", t, COORDINATES, q, zero, zero, zero, np.ones((len(t), 2), bool), MASS_KG, None, References())


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "edge_runtime", "solve", *arguments]
    return subprocess.run(line, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=200)


def test_command_writes_files_that_read_back(walk: Path) -> None:
    out = walk.parent / "out"
    done = command(walk.parent, "walk.npz", "--height", "1.72", "--seconds", "1", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert "60 frames (1.0 s) solved in" in done.stdout
    assert (out / "solve.png").is_file() or "no picture" in done.stderr
    activation, contact = read_table(out / "activation.sto"), read_table(out / "knee_contact.sto")
    assert len(activation.columns) == 80
    assert all(values.min() >= 0.0 and values.max() <= 1.0 for values in activation.columns.values())
    total = contact.columns["kcf_medial_r"] + contact.columns["kcf_lateral_r"]
    assert contact.columns["kcf_r"] == pytest.approx(total, rel=1e-6)
    assert len(read_table(out / "reserve.sto").columns) == 12
    assert {"gradient_nm", "iterations", "saturated", "capped", "late"} <= set(read_table(out / "solve.sto").columns)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--scale", "no.xml", "--out", "x"], "scale file no.xml"),
        (["--height", "9", "--out", "x"], "give --height 1..2.3"),
        (["--height", "1.7", "--model", "other", "--out", "x"], "model other: not known"),
        (["--height", "1.7", "--model", "no.npz", "--out", "x"], "model no.npz"),
        (["--height", "1.7", "--seconds", "0.2", "--out", "walk.npz/x"], "--out walk.npz/x"),
    ],
)
def test_mistakes_are_one_line(walk: Path, arguments: list[str], says: str) -> None:
    done = command(walk.parent, "walk.npz", *arguments)
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_size_is_read_from_the_model_beside(walk: Path) -> None:
    def joint(child: str, parent: str, translation: str) -> str:
        return (
            f"<CustomJoint><frames><PhysicalOffsetFrame name='{parent}_offset'><socket_parent>/bodyset/{parent}"
            f"</socket_parent><translation>{translation}</translation></PhysicalOffsetFrame>"
            f"<PhysicalOffsetFrame name='{child}_offset'><socket_parent>/bodyset/{child}</socket_parent>"
            "<translation>0 0 0</translation></PhysicalOffsetFrame></frames></CustomJoint>"
        )

    joints = "".join(
        joint(f"tibia_{s}", f"femur_{s}", "0 -0.42 0") + joint(f"talus_{s}", f"tibia_{s}", "0 -0.40 0") for s in "rl"
    )
    bodies = "<Body name='pelvis'><mass>12.5</mass></Body><Body name='torso'><mass>50</mass></Body>"
    (walk.parent / "person.osim").write_text(f"<OpenSimDocument><Model>{bodies}{joints}</Model></OpenSimDocument>")
    subject = subject_of(read_trial(walk), None, None)
    assert subject.mass_kg == MASS_KG  # the trial's own counts first
    assert subject.height_m == pytest.approx(1.689 * 0.82 / 0.8043)
    assert subject_of(read_trial(walk), 1.8, 62.5) == Subject(1.8, 62.5)
