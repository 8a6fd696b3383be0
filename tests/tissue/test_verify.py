"""Verification of the tissue: checks pass, and fail when the law is wrong; the independent FE; pictures; the bench."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_runtime.errors import UserError
from edge_runtime.tissue import bench, guard, verify
from edge_runtime.tissue.geometry import Material, phantom_for
from edge_runtime.tissue.reference_fe import Cells, ReferenceCuff
from edge_runtime.tissue.static import CuffStatics
from edge_runtime.tissue.verify_report import write_plot, write_series
from edge_runtime.tissue.verify_structures import bush_torsion
from tests.conftest import unavailable


@pytest.mark.parametrize("check", [*verify.LAW, bush_torsion], ids=lambda check: check.__name__)
def test_checks_pass(check: Callable[[], verify.Check]) -> None:
    found = check()
    assert found.passed, found


def test_a_law_with_lame_doubled_fails_the_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    from edge_runtime.tissue import svk

    monkeypatch.setattr(verify, "lame", lambda young, poisson: tuple(np.multiply((2.0, 1.0), svk.lame(young, poisson))))
    assert not verify.affine().passed
    assert not verify.simple_shear().passed


def test_guard_names_a_wrong_mujoco(monkeypatch: pytest.MonkeyPatch) -> None:
    assert guard.probe_c11() == pytest.approx(guard.EXPECTED, rel=1e-9)
    monkeypatch.setattr(guard, "probe_c11", lambda: 1.923)
    with pytest.raises(UserError, match="install mujoco"):
        guard.check_law.__wrapped__()


@pytest.fixture(scope="module")
def reference() -> ReferenceCuff:
    try:
        return ReferenceCuff(phantom_for(1.75, 75.0), "shank", Cells(4, 5, 10))
    except UserError as error:
        unavailable(str(error))


def test_independent_fe_agrees_with_linear_elasticity_at_a_small_pose(reference: ReferenceCuff) -> None:
    linear = reference.small_strain()
    np.testing.assert_allclose(linear, linear.T, rtol=1e-9, atol=1e-6 * linear[0, 0])
    for axis, way in enumerate((1e-6, 1e-6, 1e-5)):
        reference.reset()
        load = reference.solve(np.eye(3)[axis] * way)
        assert load[axis] / way == pytest.approx(linear[axis, axis], rel=1e-4)


def test_default_mesh_is_as_stiff_as_the_independent_fe(reference: ReferenceCuff) -> None:
    ours = np.diag(CuffStatics(phantom_for(1.75, 75.0), "shank").stiffness())
    np.testing.assert_allclose(ours, np.diag(reference.small_strain()), rtol=0.08)


def test_independent_fe_refuses_what_it_cannot_do() -> None:
    leg = phantom_for(1.75, 75.0)
    sideways = replace(leg, shank=replace(leg.shank, bone_offset_m=(0.0, 0.01)))
    if "skfem" not in sys.modules:
        unavailable("scikit-fem is not installed: pip install 'exo-edge[bench]'")
    with pytest.raises(UserError, match="sideways"):
        ReferenceCuff(sideways, "shank")


def test_stiffness_is_proportional_to_the_modulus() -> None:
    leg = phantom_for(1.75, 75.0)
    soft, hard = (CuffStatics(replace(leg, material=Material(young_pa=e)), "thigh").stiffness() for e in (10e3, 300e3))
    np.testing.assert_allclose(hard, 30.0 * soft, rtol=1e-6, atol=1e-3)


def test_series_and_plots_are_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    check = verify.simple_shear()
    write_series(check, tmp_path)
    write_plot([check, verify.Check("affine", 0.0, 1e-12)], tmp_path / "all.png")
    lines = (tmp_path / "simple_shear.csv").read_text().splitlines()
    assert lines[0].startswith("shear;") and len(lines) == 1 + len(check.x)
    assert (tmp_path / "all.png").stat().st_size > 5000


def test_picture_shows_the_phantom(tmp_path: Path) -> None:
    code = (
        "from edge_runtime.tissue.picture import render, save_png, use_offscreen\n"
        "use_offscreen()\n"
        "import sys\n"
        "from edge_runtime.errors import UserError\n"
        "from edge_runtime.tissue.geometry import Mesh, phantom_for\n"
        "from edge_runtime.tissue.simulate import FullModel\n"
        "model = FullModel(phantom_for(1.75, 75.0, Mesh(2, 8, 5)))\n"
        "model.step(0.0)\n"
        "try:\n"
        "    picture = render(model.model, model.data, size_px=200)\n"
        "except UserError as error:\n"
        "    sys.exit(f'no picture: {error}')\n"
        "assert picture.std() > 10.0\n"
        f"save_png(picture, {str(tmp_path / 'phantom.png')!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=120)
    if "no picture" in done.stderr:
        unavailable(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "phantom.png").stat().st_size > 1000


def test_bench_puts_parts_together_and_says_what_it_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "PARTS", {"verification": "edge_runtime.tissue.verify", "gone": "edge_runtime.no_such"})
    monkeypatch.setattr(verify, "measure", lambda: {"verification": {"affine": 1e-14}})
    result = bench.measure_tissue(bench.PARTS)
    assert result["verification"] == {"affine": 1e-14}
    assert len(result["left_out"]) == 1 and result["left_out"][0].startswith("gone")
    assert "leaves out gone" in capsys.readouterr().err
    json.dumps(result)
    with pytest.raises(UserError, match="no part other"):
        bench.measure_tissue(["other"])
