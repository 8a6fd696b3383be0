"""Identification on a coarse leg: the reduced model does what its finite elements do, also where it was not fitted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import radians
from pathlib import Path

import numpy as np
import pytest

from calibration.reduced_tissue import ReducedTissue, load_tissue
from edge_runtime import cli
from edge_runtime.cli import main
from edge_runtime.tissue.forward import step
from edge_runtime.tissue.geometry import Mesh, Phantom, phantom_for
from edge_runtime.tissue.held_out import Case, compare
from edge_runtime.tissue.identify import Plan, about, identify
from edge_runtime.tissue.linkage import STATE
from edge_runtime.tissue.pack import packed
from edge_runtime.tissue.pose_store import PoseStore
from edge_runtime.tissue.static import CuffStatics
from edge_runtime.tissue.working import Work

LEG = phantom_for(1.75, 72.0, Mesh(1, 6, 3))


def still(items: Iterable[int], total: int, what: str) -> Iterator[int]:
    yield from items


def of_leg(plan: Plan) -> ReducedTissue:
    with PoseStore(None, about(plan)) as store:
        return identify(plan, store, still, "test")


def with_young(leg: Phantom, young_pa: float) -> Phantom:
    return replace(leg, material=replace(leg.material, young_pa=young_pa))


@pytest.fixture(autouse=True)
def same_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """conftest.py has chosen the code cache already."""
    monkeypatch.setattr(cli, "use_code_cache", lambda _: None)


@pytest.fixture(scope="module")
def tissue() -> ReducedTissue:
    return of_leg(Plan(LEG, poses=60))


@pytest.mark.parametrize("name", ["thigh", "shank"])
def test_force_is_that_of_the_elements_at_poses_not_seen(tissue: ReducedTissue, name: str) -> None:
    cuff = getattr(tissue, name)
    assert cuff.error < 0.03 and 0.0 <= cuff.growth < 2.0
    p, s, statics = packed(tissue), np.zeros(1, STATE), CuffStatics(LEG, "thigh")
    pose = 0.5 * np.array(tissue.thigh.reach) * (0.6, -1.0, 0.7)
    s["coordinates"] = 0.0
    s[0]["coordinates"][:3] = _device_of(pose, tissue)
    step(p[0], s[0], 0.0, 0.0, 0.0, 1e-9)
    assert s[0]["cuffs"]["at"]["pose"][0] == pytest.approx(pose, abs=1e-6)
    load = statics.solve(pose).load
    ours = s[0]["cuffs"]["at"]["gradient"][0]
    assert np.linalg.norm((ours - load) * tissue.thigh.reach) < 0.02 * np.linalg.norm(load * tissue.thigh.reach)


def _device_of(pose: np.ndarray, tissue: ReducedTissue) -> tuple[float, float, float]:
    """Place of the hinge and pitch of the thigh link that put the thigh's cuff there."""
    centre = tissue.thigh.centre_m[1]
    x = pose[0] - centre * np.sin(pose[2])
    z = pose[1] + centre * (1.0 - np.cos(pose[2]))
    return float(x), float(z), float(pose[2])


@pytest.mark.parametrize(
    ("case", "at_most_pct"),
    [
        (Case(60e3, (0.0, 0.0), 15.0, 1.0, radians(50.0), 0.4), 1.0),
        (Case(300e3, (0.015, 0.0), 15.0, 1.0, None, 0.5), 4.0),
        (Case(60e3, (0.0, -0.02), 12.0, 0.9, None, 0.5), 4.0),
    ],
)
def test_in_motion_the_knee_gets_the_torque_of_the_full_model(
    tissue: ReducedTissue, case: Case, at_most_pct: float
) -> None:
    found = compare(LEG, tissue, case)
    assert found.min_det_f > 0.5
    assert found.rmse_pct < at_most_pct
    wrong = replace(tissue, kelvin_time_s=2.0 * tissue.kelvin_time_s)
    assert compare(LEG, wrong, case).rmse_pct > 1.5 * found.rmse_pct


def test_inertia_of_soft_tissue_with_little_loss_is_told() -> None:
    leg = replace(LEG, material=replace(LEG.material, young_pa=10e3, loss_s=0.004))
    tissue, case = of_leg(Plan(leg, Work(3.0), poses=60)), Case(10e3, (0.0, 0.0), 0.5, 1.2, None, 0.7)
    error = compare(leg, tissue, case).rmse_pct
    assert error < 4.0

    def without(**changes: object) -> float:
        cuffs = {name: replace(getattr(tissue, name), **changes) for name in ("thigh", "shank")}
        return compare(leg, replace(tissue, **cuffs), case).rmse_pct

    assert without(modes=((0.0,) * 6,) * 4) > 1.4 * error
    assert without(mass=((0.0,) * 3,) * 3, modes=((0.0,) * 6,) * 4) > 1.8 * error


def test_energy_is_in_proportion_to_the_modulus() -> None:
    pose = np.array([0.002, -0.006, 0.08])
    loads = [CuffStatics(with_young(LEG, young_pa), "shank").solve(pose).load for young_pa in (10e3, 60e3, 300e3)]
    assert loads[1] == pytest.approx(6.0 * loads[0], rel=1e-6)
    assert loads[2] == pytest.approx(30.0 * loads[0], rel=1e-6)


def test_torque_that_would_crush_the_tissue_is_taken_back(tissue: ReducedTissue) -> None:
    soft = of_leg(Plan(with_young(LEG, 10e3), Work(60.0), poses=40))
    assert tissue.torque_nm == 20.0 and soft.torque_nm < 30.0
    assert soft.thigh.error < 0.1


def test_tissue_that_stiffens_as_the_knee_bends(tissue: ReducedTissue) -> None:
    bent = of_leg(Plan(LEG, poses=60, bent=(1.5, with_young(LEG, 90e3))))
    assert bent.thigh.posture_per_rad == pytest.approx(0.5 / 1.5, rel=0.05)
    assert bent.thigh.terms == tissue.thigh.terms


def test_a_stopped_identification_goes_on_where_it_was(tissue: ReducedTissue, tmp_path: Path) -> None:
    plan, path = Plan(LEG, poses=60), tmp_path / "poses"

    def stopping(items: Iterable[int], total: int, what: str) -> Iterator[int]:
        for i in items:
            if what == "shank cuff" and i == 30:
                raise KeyboardInterrupt
            yield i

    with pytest.raises(KeyboardInterrupt), PoseStore(path, about(plan)) as store:
        identify(plan, store, stopping, "test")
    with PoseStore(path, about(plan)) as store:
        before = len(store)
        again = identify(plan, store, still, "test")
        solved = len(store) - before
    assert before > 90 and 0 < solved < 60
    assert again.thigh == tissue.thigh
    assert again.shank.terms[1][3] == pytest.approx(tissue.shank.terms[1][3], rel=1e-6)


def test_command_writes_a_file_that_loads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "leg.toml"
    words = ["tissue", "reduce", "--mesh", "1,6,3", "--poses", "40", "--loss-tangent", "0.15", "--out", str(out)]
    assert main([*words, "--misalignment", "10,-5", "--prestrain", "0.03", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    made = load_tissue(out)
    assert shown["thigh"]["error_pct"] == pytest.approx(100.0 * made.thigh.error)
    assert made.misalignment_m == (0.01, -0.005) and sum(made.arm_share) > 0.1 and made.kelvin_time_s == 0.0
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--young", "5"], "young_pa"),
        (["--interval", "1.5"], "interval"),
        (["--relaxation", "none.csv"], "none.csv"),
        (["--misalignment", "100,0"], "misalignment"),
        (["--mesh", "1,5,3"], "mesh"),
        (["--out", "no/where.toml", "--mesh", "1,6,3"], "where.toml"),
    ],
)
def test_what_cannot_be_is_one_line(options: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tissue", "reduce", *options]) != 0
    error = capsys.readouterr().err.strip()
    assert says in error and "\n" not in error
