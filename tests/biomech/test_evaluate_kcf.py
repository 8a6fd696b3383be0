"""`evaluate muscle` and `evaluate kcf` on measured forces that are made up: our own, off by known amounts."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_runtime.biomech.evaluate_kcf import EXTENSOR_ARM_M, MOMENT_SD_NM, Compared, deviation, summary
from edge_runtime.biomech.model import DOFS, GRAVITY_MPS2
from edge_runtime.biomech.motion import made_up_gait
from edge_runtime.biomech.skeleton.evaluate import Models, Plan
from edge_runtime.biomech.skeleton.person import Options
from edge_runtime.biomech.trials import read_trial
from edge_runtime.commands import evaluate_kcf, evaluate_muscle
from edge_runtime.errors import UserError
from edge_runtime.types import F64

MASS_KG, RATE_HZ = 70.0, 50.0
MEDIAL_N, LATERAL_N = 60.0, -40.0
WEIGHT_N = MASS_KG * GRAVITY_MPS2


def write(path: Path, **more: Any) -> Path:
    """A made-up gait without pelvis height, with what `more` says."""
    motion = made_up_gait(DOFS, 3.0, RATE_HZ, WEIGHT_N)
    keep = [i for i, name in enumerate(DOFS) if not name.startswith("pelvis")]
    data: dict[str, Any] = {
        "t": motion.time_s, "q": np.degrees(motion.q[:, keep]), "q_names": np.array([DOFS[i] for i in keep]),
        "mass_kg": MASS_KG, "height_m": 1.75,
    }  # fmt: skip
    for i, side in enumerate("rl"):
        data |= {f"grf_{side}": motion.force_n[:, i], f"cop_{side}": np.tile([0.0, -0.92, 0.08 - 0.16 * i], (150, 1))}
    np.savez(path, **(data | more))
    return path


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> dict[str, F64]:
    path = write(tmp_path_factory.mktemp("bare") / "walk.npz")
    return Models(Plan(path), lambda done, count: None).solve(read_trial(path), Options()).outcome.knee_n


@pytest.fixture
def folder(tmp_path: Path, ours: dict[str, F64]) -> Path:
    """Measured at the right knee alone, with a gap."""
    medial, lateral = ours["medial_r"] - MEDIAL_N, ours["lateral_r"] - LATERAL_N
    medial[40:55] = np.nan
    write(tmp_path / "walk.npz", kcf_medial_r=medial, kcf_lateral_r=lateral)
    return tmp_path


def run(command: Any, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    command.configure(parser)
    assert command.run(parser.parse_args([*words, "--json"])) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_known_errors_come_out_of_evaluate_muscle(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(evaluate_muscle, capsys, "--data", str(folder))
    assert result["medial_rmse_n"] == pytest.approx(MEDIAL_N, rel=1e-6)
    assert result["lateral_rmse_n"] == pytest.approx(-LATERAL_N, rel=1e-6)
    assert result["knee_force_rmse_n"] == pytest.approx(MEDIAL_N + LATERAL_N, rel=1e-6)
    assert result["knee_force_r"] == pytest.approx(1.0)
    one = result["per_trial"][0]
    assert one["model"] == "myolegs"
    assert one["scaling"] == "size by stature; mass stated"
    assert one["knee_lag_ms"] == 0.0


def test_known_errors_come_out_of_evaluate_kcf(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(evaluate_kcf, capsys, "--data", str(folder))
    medial, total = result["overall"]["medial"], result["overall"]["total"]
    assert medial["rmse_n"] == pytest.approx(MEDIAL_N, rel=1e-6)
    assert medial["rmse_bw"] == pytest.approx(MEDIAL_N / WEIGHT_N, rel=1e-6)
    assert medial["peak_error_bw"] == pytest.approx(MEDIAL_N / WEIGHT_N, rel=1e-6)
    assert total["rmse_n"] == pytest.approx(MEDIAL_N + LATERAL_N, rel=1e-6)
    assert 0.9 < total["r2"] <= 1.0
    assert result["coverage_90"] == 1.0  # every error is far inside the interval
    assert result["ms_per_frame"]["n"] == 150
    assert {"host", "version", "commit", "date"} <= result.keys()


def test_a_late_measurement_is_told_not_corrected(
    tmp_path: Path, ours: dict[str, F64], capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "late.npz", kcf_medial_r=np.roll(ours["medial_r"], 3), kcf_lateral_r=np.roll(ours["lateral_r"], 3))
    result = run(evaluate_muscle, capsys, "--data", str(tmp_path))
    assert result["per_trial"][0]["knee_lag_ms"] == pytest.approx(3e3 / RATE_HZ)
    assert result["knee_force_rmse_n"] > 10.0


def test_forces_at_times_of_their_own_are_brought_to_the_trials(tmp_path: Path, ours: dict[str, F64]) -> None:
    times = np.arange(200, 1200) / 500.0  # a part of the trial, at another rate
    own = np.interp(times, np.arange(150) / RATE_HZ, ours["r"])
    own[500:520] = np.nan
    knee = read_trial(write(tmp_path / "own.npz", kcf_t=times, kcf_r=own)).references.knee_n["r"]
    known = np.isfinite(knee)
    assert knee[known] == pytest.approx(ours["r"][known], rel=1e-9)
    assert not known[:20].any()
    assert not known[70:72].any()
    assert known[20:70].all()


def test_a_folder_without_measured_knees_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="kcf_medial_r"):
        write(tmp_path / "walk.npz")
        parser = argparse.ArgumentParser()
        evaluate_kcf.configure(parser)
        evaluate_kcf.run(parser.parse_args(["--data", str(tmp_path)]))


def test_deviation_in_closed_form() -> None:
    solutions = [np.array([1000.0, 500.0]), np.array([1300.0, 500.0]), np.array([1000.0, 100.0])]
    sagittal = MOMENT_SD_NM / EXTENSOR_ARM_M
    assert deviation("total", solutions, 0.04) == pytest.approx(np.hypot([300.0, 400.0], sagittal))
    frontal = MOMENT_SD_NM / 0.04
    assert deviation("medial", solutions[:1] * 2, 0.04) == pytest.approx(np.hypot(0.5 * sagittal, frontal) * np.ones(2))


def test_coverage_counts_what_lies_inside() -> None:
    truth = np.random.default_rng(0).normal(0.0, 100.0, 4000)
    part = Compared(np.zeros(4000), np.full(4000, 100.0), truth, WEIGHT_N)
    assert summary([{"medial": part, "lateral": part, "total": part}])["coverage_90"] == pytest.approx(0.9, abs=0.02)
