"""The live model by profile: MyoLegs or a compiled one; one line for each file that is not the wearer's."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import calibration
from calibration.profile import Muscles as Settings
from calibration.profile import Person as Wearer
from calibration.profile import Profile, load_profile
from edge_runtime.biomech.muscle_solve import TAU_DEACTIVATION_S
from edge_runtime.biomech.skeleton.format import Compiled, save
from edge_runtime.biomech.skeleton.person import Person
from edge_runtime.body import CompiledBody, MyoBody, body_of
from edge_runtime.check import Question, check
from edge_runtime.config import DEFAULT_PATH as DEVICE
from edge_runtime.errors import UserError
from edge_runtime.types import COORDINATES, SOLVED_DOFS, Grf, Kinematics
from engines.cache import sha256_hex
from firmware_bridge.table import TABLE
from tests.biomech.skeleton.handmade import handmade

DEMO = Path(calibration.__file__).with_name("profiles") / "demo.toml"
HEIGHT_M = 1.6
MASS_KG = float(handmade().skeleton.tree.mass.sum())
FRAME_NS = 16_666_667


def profile(**settings: str) -> Profile:
    wearer = Wearer(HEIGHT_M, MASS_KG)
    return dataclasses.replace(load_profile(DEMO), person=wearer, muscles=Settings(**settings))  # type: ignore[arg-type]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "wearer.npz"
    save(path, handmade())
    return path


def frame(k: int, cop_m: float) -> tuple[Kinematics, Grf]:
    """Standing on the right foot, the centre of pressure `cop_m` in front of the ankle, at frame `k`."""
    q, zero = np.zeros(len(COORDINATES)), np.zeros(len(COORDINATES))
    force, cop = np.zeros((2, 3)), np.zeros((2, 3))
    force[0, 1], cop[0, 0] = MASS_KG * 9.81, cop_m
    kin = Kinematics(k * FRAME_NS, True, "", q, zero, zero, zero, np.ones(len(q), np.bool_))
    return kin, Grf(kin.t_capture_ns, True, "", force, cop, np.ones(2), np.zeros((2, 3)))


def test_without_a_model_it_is_myolegs() -> None:
    body = body_of(load_profile(DEMO), DEMO)
    assert isinstance(body, MyoBody)
    assert len(body.muscle_names) == 80


def test_the_named_model_runs_as_the_person_steps(model: Path) -> None:
    body = body_of(profile(model=model.name, sha256=sha256_hex(model)), model.with_name("profile.toml"))
    person = Person(handmade(), HEIGHT_M)
    assert isinstance(body, CompiledBody)
    body.warm()
    knees = [SOLVED_DOFS.index(f"knee_angle_{side}") for side in "rl"]
    for k, cop in enumerate((-0.05, -0.03, 0.04, -0.4)):
        exo = np.array([2.0, -1.0])
        expected = person.step_live(*frame(k, cop), exo)
        moments = body.moments(*frame(k, cop), exo).copy()
        muscles = body.muscles(moments)
        load = body.knee(muscles)
        assert np.array_equal(moments, expected.moment_nm)
        assert np.array_equal(muscles.activation, expected.activation)
        assert np.array_equal(muscles.force_n, expected.tension_n)
        assert np.array_equal(muscles.reserve_nm[knees], expected.reserve_nm)
        assert np.isnan(np.delete(muscles.reserve_nm, knees)).all()
        assert np.array_equal(load.total_n, expected.knees.medial_n + expected.knees.lateral_n)
        assert load.moment_nm == pytest.approx(-expected.knees.kem * MASS_KG * HEIGHT_M)
        assert bool(muscles.saturated.any()) == (cop == -0.4)
        assert muscles.converged


@pytest.mark.parametrize("gap_frames", [1, 3, 60])
def test_muscle_dynamics_bound_by_the_time_that_passed(model: Path, gap_frames: int) -> None:
    body = body_of(profile(model=model.name, activation_dynamics="on"), model.with_name("profile.toml"))
    extensor = body.muscle_names.index("extensor_r")
    before = body.muscles(body.moments(*frame(0, -0.05), np.zeros(2))).activation[extensor]
    after = body.muscles(body.moments(*frame(gap_frames, 0.05), np.zeros(2))).activation[extensor]
    assert before > 0.3
    fallen = before * np.exp(-gap_frames * FRAME_NS * 1e-9 / TAU_DEACTIVATION_S)
    assert after == pytest.approx(max(fallen, 0.01), rel=1e-6)
    body.reset()
    assert body.muscles(body.moments(*frame(0, 0.05), np.zeros(2))).activation[extensor] == pytest.approx(0.01)


def test_myolegs_takes_the_dynamics_too() -> None:
    free, bound = (body_of(profile(activation_dynamics=way), DEMO) for way in ("off", "on"))
    lows = []
    for body in (free, bound):
        body.muscles(body.moments(*frame(0, 0.12), np.zeros(2)))
        first = body.muscles(body.moments(*frame(1, 0.12), np.zeros(2))).activation
        then = body.muscles(body.moments(*frame(2, -0.12), np.zeros(2))).activation
        lows.append((then / first).min())
    assert lows[1] == pytest.approx(np.exp(-FRAME_NS * 1e-9 / TAU_DEACTIVATION_S), rel=1e-6)
    assert lows[0] < lows[1]


def refusal(wanted: Profile, beside: Path) -> str:
    with pytest.raises(UserError) as caught:
        body_of(wanted, beside)
    line = str(caught.value)
    assert "\n" not in line
    assert str(beside) in line
    assert "muscles.model" in line
    return line


def test_what_is_not_the_wearers_model_is_refused_in_one_line(model: Path) -> None:
    beside = model.with_name("profile.toml")
    assert "no.npz" in refusal(profile(model="no.npz"), beside)
    assert "no.npz" in refusal(profile(model="no.npz", sha256="0" * 64), beside)
    text = model.with_name("text.npz")
    text.write_text("not a model")
    assert "exo-edge model compile" in refusal(profile(model="text.npz"), beside)
    assert sha256_hex(model) in refusal(profile(model=model.name, sha256="0" * 64), beside)
    other = dataclasses.replace(profile(model=model.name), person=Wearer(HEIGHT_M, MASS_KG * 1.1))
    assert f"{MASS_KG:.1f} kg" in refusal(other, beside)


def test_a_model_without_knee_muscles_is_refused(model: Path) -> None:
    compiled = handmade()
    basis = compiled.skeleton.basis
    still = basis._replace(span=np.where(basis.span == 10, 9, basis.span))
    save(model, Compiled(compiled.skeleton._replace(basis=still), compiled.names, ""))
    assert "knee_angle_l" in refusal(profile(model=model.name), model.with_name("profile.toml"))


@pytest.mark.parametrize(("name", "status"), [("wearer.npz", "ok"), ("no.npz", "no")])
def test_check_looks_at_the_model_before_a_run_does(model: Path, name: str, status: str) -> None:
    path = model.with_name("profile.toml")
    text = DEMO.read_text().replace("mass_kg = 55.0", f"mass_kg = {MASS_KG}")
    path.write_text(f'{text}\n[muscles]\nmodel = "{name}"\n')
    answer = check(Question(DEVICE, path), TABLE)
    (found,) = [finding for finding in answer.findings if finding.what == "muscle model"]
    assert (found.status, answer.fit) == (status, status == "ok")
